# SPDX-License-Identifier: Apache-2.0
"""`lockproof bisect`: the command of `git bisect run`, which asks a kernel for one finding of one case.

What git takes an exit code for was measured with git 2.39: 0 is good; 1 to 127 but 125 is bad, 126 and 127 too; 125
leaves the commit out; 128 and more ends the bisection. So only the finding that is asked for is 1. What says nothing
about it, as a kernel that cannot be built or booted, or that breaks elsewhere, is 125: one such kernel that is called
bad leads to an innocent commit. What would go wrong with every commit is 129 (cli_results.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lockproof.conformance.commands.printed import Printed
from lockproof.conformance.commands.watching import watching
from lockproof.conformance.errors import TargetError, UsageError, suggest
from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.language.loading import load
from lockproof.conformance.reports.words import summary
from lockproof.conformance.running.engine import run_once
from lockproof.runners.kernels.tree import TreeRequest, build_tree, commit
from lockproof.runners.target import make_target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rich.console import Console

    from lockproof.conformance.language.case import Case
    from lockproof.conformance.language.requirements import Requirement
    from lockproof.conformance.running.results import Result
    from lockproof.runners.target import Session

__all__ = ["BAD", "GOOD", "SKIP", "BisectRequest", "answer", "bisect"]

GOOD, BAD, SKIP = 0, 1, 125
"""Exit codes, as git takes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BisectRequest:
    """What the user asked for."""

    asked: str
    """CASE, or CASE#CHECK; without, the first requirement that the case checks."""
    tree: Path
    cases: Path | None = None
    repeat: int = 1
    boot_failure: Literal["skip", "bad"] = "skip"
    fault_injection: bool = False
    fragments: tuple[Path, ...] = ()


def bisect(request: BisectRequest, progress: Console) -> Printed:
    """Build and boot the work tree, and say whether it shows the finding; the exit code is for git.

    Raises LockproofError where the same would be the matter with every commit.
    """
    name, text, code = _said(request, progress)
    words = {GOOD: "good", BAD: "bad", SKIP: "skipped"}
    return Printed(f"{name}: {words[code]}: {text}", code)


def _said(request: BisectRequest, progress: Console) -> tuple[str, str, int]:
    """Return the commit, why, and the exit code."""
    corpus = load(request.cases)
    case, check = _asked(request.asked, {case.name: case for case in corpus.cases})
    name = commit(request.tree)
    tree = TreeRequest(tree=request.tree, fault_injection=request.fault_injection, fragments=request.fragments)
    try:
        with watching(progress) as watcher:
            image = build_tree(tree, watcher)
    except TargetError as error:
        return name, f"it cannot be built: {error}", SKIP
    try:
        results = _results(case, str(image), corpus.requirements, request.repeat)
    except TargetError as error:
        return name, f"it does not boot: {error}", BAD if request.boot_failure == "bad" else SKIP
    return name, *answer(results, check)


def _asked(text: str, cases: dict[str, Case]) -> tuple[Case, str]:
    name, _, check = text.partition("#")
    case = cases.get(name)
    if case is None:
        msg = f"case {name!r}: no case is called so; {suggest(name, cases)} (lockproof cases lists them)"
        raise UsageError(msg)
    check = check or case.checks[0]
    if check not in case.checks:
        msg = f"{name} does not check {check!r}; {suggest(check, case.checks)}"
        raise UsageError(msg)
    return case, check


def _results(case: Case, image: str, requirements: dict[str, Requirement], repeat: int) -> list[Result]:
    """Boot a kernel and run the case. Raises TargetError where the kernel does not boot."""
    target = make_target(f"qemu:{image}")
    with target.session() as session:
        _ = session.info  # waits until it is up
        return list(_repeated(case, target.name, session, requirements, repeat))


def _repeated(
    case: Case, target: str, session: Session, requirements: dict[str, Requirement], repeat: int
) -> Iterator[Result]:
    """Yield the results of a case; one whose kernel breaks so that it cannot be booted again is the last."""
    for number in range(repeat):
        try:
            yield run_once(case, target, session, requirements)
        except TargetError:
            if not number:
                raise
            return


def answer(results: Sequence[Result], check: str) -> tuple[str, int]:
    """Return why a commit is good, bad, or neither, and the exit code: bad only if the finding itself was seen."""
    found = [
        finding
        for result in results
        for finding in result.verdict.findings
        if finding.requirement == check and finding.step >= 0  # else the kernel broke, over whatever
    ]
    if found:
        return f"{found[0]}", BAD
    other = next((result for result in results if result.verdict.status is not Status.PASS), None)
    if other is None:
        times = f" {len(results)} times" if len(results) > 1 else ""
        return f"{results[0].case} passes{times}", GOOD
    return f"{check} was not seen, but {other.verdict.status}: {summary(other.verdict)}", SKIP
