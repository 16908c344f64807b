# SPDX-License-Identifier: Apache-2.0
"""Pages of runs that are made up, and what a parser of HTML that forgives nothing reads in them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import html5lib

from lockproof.conformance.judging.verdict import Finding, Status, Verdict
from lockproof.conformance.language.loading import Corpus
from lockproof.conformance.language.requirements import Aspect, Modality
from lockproof.conformance.reports.html import html
from lockproof.conformance.reports.run import Run
from lockproof.conformance.running.manifest import corpus_digest
from lockproof.conformance.running.tally import Tally
from tests.helpers import catalogue, target_info
from tests.reports.made_up import CASE, manifest, result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lockproof.conformance.running.baselines import Baseline
    from lockproof.conformance.running.results import Result

FIVE = {f"qemu:debian/{release}": release for release in ("5.10", "6.1", "6.12", "7.0", "7.2")}
"""Releases of five kernels, by name of their targets."""

_STATUSES = {
    ".": Status.PASS,
    "F": Status.FAIL,
    "?": Status.UNRESOLVED,
    "-": Status.UNSUPPORTED,
    "o": Status.UNTESTED,
}


def run(
    results: list[Result],
    targets: Mapping[str, str],
    *,
    baselines: tuple[Baseline, ...] = (),
    name: str = "",
    **changes: Any,  # noqa: ANN401
) -> Run:
    """Return a run of these results; `targets`: the releases of their kernels, `changes`: in the manifest."""
    tally = Tally()
    for one in results:
        tally.add(one)
    cases = tuple(replace(CASE, name=case) for case in dict.fromkeys(one.case for one in results))
    of = manifest(*targets, info={target: target_info(release=release) for target, release in targets.items()})
    known = Corpus(cases, catalogue())
    return Run(replace(of, **{"corpus": corpus_digest(cases), **changes}), tally, known, name, baselines)


def drawn(rows: Mapping[str, str], targets: Mapping[str, str], **more: Any) -> Run:  # noqa: ANN401
    r"""Return the run of a table: for each case a letter a target, such as {"mlock/a/hole": "..F?o"}.

    A blank: the target was not asked. Requirements: cases in a folder `x…` check linux.layout, others mlock.no-change.
    """
    results = [
        made(status, case, target=target)
        for case, letters in rows.items()
        for target, letter in zip(targets, letters, strict=True)
        if (status := _STATUSES.get(letter)) is not None
    ]
    return run(results, targets, **more)


def made(status: Status, case: str, **changes: Any) -> Result:  # noqa: ANN401
    """Return a result."""
    linux = case.startswith("x")
    requirement = "linux.layout" if linux else "mlock.no-change"
    if status is Status.FAIL:
        message = changes.pop("why", "page 2 became locked")
        seen = (".LL__...", ".L.__...")
        found = Finding(requirement, "POSIX", Modality.SHALL, Aspect.LOCKED, message, (2,), 0, 0, *seen)
        changes.setdefault("verdict", Verdict(status, findings=(found,)))
    return result(status, case, checks=(requirement,), profile="linux" if linux else "posix", **changes)


def parsed(*runs: Run) -> Any:  # noqa: ANN401  lxml's elements have no type here
    """Make the page and read it. The parser raises at whatever HTML does not permit."""
    parser = html5lib.HTMLParser(html5lib.getTreeBuilder("lxml"), strict=True, namespaceHTMLElements=False)
    return parser.parse(html(runs)).getroot()


def text(element: Any) -> str:  # noqa: ANN401
    """Return what is written in an element, its blanks as one."""
    return re.sub(r"\s+", " ", "".join(element.itertext())).strip()


def row(page: Any, case: str) -> Any:  # noqa: ANN401
    """Return the row of a case."""
    folder, _, leaf = case.rpartition("/")
    for body in page.findall(".//table[last()]/tbody"):
        rows = body.findall("tr")
        if rows and text(rows[0].find("th/span") if rows[0].find("th/span") is not None else rows[0]) == folder:
            return next(each for each in rows[1:] if each.find("th") is not None and text(each.find("th")) == leaf)
    raise AssertionError(case)


def words(page: Any, case: str) -> list[str]:  # noqa: ANN401
    """Return what the cells of a case say."""
    return [(cell.text or "").strip() for cell in row(page, case).findall("td")]
