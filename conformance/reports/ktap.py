# SPDX-License-Identifier: Apache-2.0
"""KTAP version 1 (Documentation/dev-tools/ktap.rst), in two dialects, as no reader reads both.

As specified: nested by indentation, which tools/testing/kunit/kunit.py reads. As the runner of kernel selftests writes
it: a test for each folder, the cases in comments before it, which LKFT, openQA and netdev's CI read.

Readers look for words anywhere in a line, so what is quoted is defused: no `#` but those that are syntax, no `FAIL:`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.reports.by_target import by_target, leaf, plain_name
from lockproof.conformance.reports.picture import row
from lockproof.conformance.reports.plain import one_line
from lockproof.conformance.reports.words import tally_summary

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lockproof.conformance.reports.by_target import TargetResults
    from lockproof.conformance.reports.run import Run
    from lockproof.conformance.running.tally import CaseTally

__all__ = ["SELFTESTS", "ktap"]

SELFTESTS = "selftests"
_LONGEST = 240
"""Characters of a line; the kernel's own log cuts at 1024 bytes, and people read it."""
_DEFUSED = {
    "#": "*",
    "FAIL:": "FAIL,",
    "SKIP:": "SKIP,",
    "[FAIL]": "(FAIL)",
    "[SKIP]": "(SKIP)",
    "TAP version": "TAP-version",
    # kunit.py stops reading at these of a kernel (KTAP_END).
    "List of all partitions:": "List of all partitions",
    "not syncing: VFS:": "not syncing, VFS:",
    "reboot: System": "reboot, System",
}
_SYNTAX = re.compile("|".join(map(re.escape, _DEFUSED)))


class _Test(NamedTuple):
    """A test, or a group of them."""

    name: str
    ok: bool
    directive: str
    """What follows the name; empty: nothing."""
    diagnostics: tuple[str, ...] = ()
    tests: tuple[_Test, ...] = ()

    @property
    def skipped(self) -> bool:
        return self.directive.startswith("SKIP")


def ktap(runs: Sequence[Run], option: str) -> str:
    """Write the report of runs. Of one target, the groups are its folders; of several, those of each target.

    Raises UsageError as `by_target` does.
    """
    targets = by_target(runs)
    head = [f"# {_header(each)}" for each in targets]
    groups = [_group(name, entries, each.run) for each in targets for name, entries in each.folders()]
    if len(targets) > 1 and option == SELFTESTS:
        names = [f"{each.label}/{plain_name(name)}" for each in targets for name, _ in each.folders()]
        groups = [group._replace(name=name) for group, name in zip(groups, names, strict=True)]
    elif len(targets) > 1:
        groups = [
            _parent(each.label, tuple(_group(name, entries, each.run) for name, entries in each.folders()))
            for each in targets
        ]
    lines = _selftests(head, groups) if option == SELFTESTS else _specified(head, groups)
    return "".join(f"{line}\n" for line in lines)


def _specified(head: Sequence[str], tests: Sequence[_Test]) -> Iterator[str]:
    yield "KTAP version 1"
    yield from head
    yield f"1..{len(tests)}"
    for number, test in enumerate(tests, 1):
        if test.tests:
            yield from (f"  {line}" for line in _specified([f"# Subtest: {test.name}"], test.tests))
        yield from (f"# {line}" for line in test.diagnostics)
        yield _result(number, test, test.name)


def _selftests(head: Sequence[str], groups: Sequence[_Test]) -> Iterator[str]:
    yield "TAP version 13"
    yield from head
    yield f"1..{len(groups)}"
    for number, group in enumerate(groups, 1):
        yield f"# selftests: lockproof: {group.name}"
        yield "# TAP version 13"
        yield f"# 1..{len(group.tests)}"
        for inner, test in enumerate(group.tests, 1):
            yield from (f"# # {line}" for line in test.diagnostics)
            # LKFT takes what follows SKIP for a part of the name, which is not to depend on why.
            yield f"# {_result(inner, test._replace(directive='SKIP') if test.skipped else test, test.name)}"
        yield _result(number, group, f"selftests: lockproof: {group.name}")


def _result(number: int, test: _Test, name: str) -> str:
    return f"{'ok' if test.ok else 'not ok'} {number} {name}{' # ' if test.directive else ''}{test.directive}"


def _group(name: str, entries: Sequence[CaseTally], run: Run) -> _Test:
    return _parent(plain_name(name), tuple(_test(entry, run) for entry in entries))


def _parent(name: str, tests: tuple[_Test, ...]) -> _Test:
    skipped = all(test.skipped for test in tests)
    return _Test(name, all(test.ok for test in tests), "SKIP" if skipped else "", tests=tests)


def _test(entry: CaseTally, run: Run) -> _Test:
    result, status = entry.worst, entry.status
    name = leaf(plain_name(result.case))
    if status is Status.PASS:
        return _Test(name, ok=True, directive="", diagnostics=tuple(filter(None, (result.verdict.resting,))))
    said, known = _defused(tally_summary(entry).lstrip()), run.known(entry)
    if status in {Status.UNTESTED, Status.UNSUPPORTED}:
        return _Test(name, ok=True, directive=f"SKIP {status}", diagnostics=(row("reason", f"{status} {said}"),))
    picture = [*run.picture(result).split("\n"), *run.origin(result)]
    diagnostics = tuple(map(_defused, picture))
    if known is not None:
        return _Test(name, ok=True, directive=f"XFAIL {plain_name(known.id)}", diagnostics=diagnostics)
    if status is Status.UNRESOLVED:
        return _Test(name, ok=False, directive=f"ERROR {status} {said}", diagnostics=diagnostics)
    hung = "TIMEOUT " if run.hung(result) else ""
    return _Test(name, ok=False, directive=f"{hung}{said}", diagnostics=diagnostics)


def _header(of: TargetResults) -> str:
    facts = [f"lockproof {of.run.manifest.lockproof} target={of.run.target(of.target)}"]
    facts += [f"readings={','.join(of.run.manifest.readings)}"] if of.run.manifest.readings else []
    if of.info is not None:
        facts.append(f"kernel={of.info.release} arch={of.info.machine} page={of.info.page_size}")
    return _defused(" ".join(facts))


def _defused(text: str) -> str:
    """Return a text as one line in which no reader finds what is none."""
    return one_line(_SYNTAX.sub(lambda found: _DEFUSED[found[0]], text.expandtabs(1)), _LONGEST)
