# SPDX-License-Identifier: Apache-2.0
"""Known deviations of known targets (results/baselines/*.yaml): what is expected to fail, and why.

A baseline hides nothing: a FAIL that it knows is a FAIL in every report. It only says which differences are news: a
deviation that it does not know, one that shows itself in another way, and one that is gone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import ConfigDict, Field

from lockproof.conformance.errors import CaseFileError, Location, Problem, UsageError
from lockproof.conformance.files import read_input, write_whole
from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.language.decoding import Table
from lockproof.conformance.language.writing import scalar
from lockproof.conformance.language.yaml_nodes import Mapping as MappingNode
from lockproof.conformance.language.yaml_nodes import read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from lockproof.conformance.running.results import Result
    from lockproof.conformance.running.tally import CaseTally, Tally

__all__ = [
    "Baseline",
    "Deviation",
    "Difference",
    "KnownIssue",
    "Reason",
    "compare",
    "known_issue",
    "load",
    "update",
    "write",
]

UNEXPLAINED = "unexplained"
"""The reason that a generated line has, until a person writes one."""

_CONFIG = ConfigDict(extra="forbid")
_FIRST_LINE = "# SPDX-License-Identifier: Apache-2.0"
_DEVIATION = re.compile(r"- \{case: (?P<case>[^,]*), .*breaks: (?P<breaks>\[[^]]*\])")
_REMARK = re.compile(r"- \{.*\}(?P<remark>\s+#.*)")
_VERSION = re.compile(r"[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a kernel deviates."""

    __pydantic_config__ = _CONFIG

    why: Annotated[str, Field(min_length=1)]
    """In one line."""
    where: Annotated[str, Field(min_length=1)]
    """In the kernel's sources: file and function."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """A case that fails, and how."""

    __pydantic_config__ = _CONFIG

    case: str
    """Its full name."""
    versions: tuple[str, ...]
    """Kernels that it was seen on: the first two numbers of their release."""
    verdict: Literal["FAIL"] = "FAIL"
    breaks: tuple[str, ...]
    """What is found, each as `requirement:aspect`."""
    reason: str
    """One of the reasons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A file."""

    __pydantic_config__ = _CONFIG

    targets: Annotated[tuple[str, ...], Field(min_length=1)]
    """Targets that it is about: names, or patterns with * and ?."""
    reasons: dict[str, Reason] = field(default_factory=dict)
    deviations: tuple[Deviation, ...] = ()

    def is_about(self, target: str) -> bool:
        """Tell whether it speaks of a target."""
        return any(fnmatchcase(target, pattern) for pattern in self.targets)

    def find(self, case: str, version: str) -> Deviation | None:
        """Return what is known of a case on a version of the kernel."""
        return next((d for d in self.deviations if d.case == case and version in d.versions), None)


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a run differs from what is known: one of the two is missing, or they show themselves in different ways."""

    target: str
    case: str
    found: CaseTally
    """What the run has shown."""
    known: Deviation | None
    """What was known of it."""


@dataclass(frozen=True, slots=True)
class KnownIssue:
    """Why a failure is no news, as reports say it."""

    id: str
    about: str
    """In one line."""


def version_of(release: str) -> str:
    """Return the part of a kernel's release that a baseline goes by: 6.18 of 6.18.44-generic."""
    match = _VERSION.match(release)
    return match[0] if match else release


def breaks(result: Result) -> tuple[str, ...]:
    """Return what a result has found, in the words of a baseline."""
    return tuple(sorted({f"{finding.requirement}:{finding.aspect}" for finding in result.verdict.findings}))


_HOLDS: dict[str, type] = {"reasons": Reason, "deviations": Deviation}


def _bytes(path: Path) -> bytes:
    try:
        return read_input(path)
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}; name a baseline, or make one with --write-baseline"
        raise UsageError(msg) from error


def load(path: Path) -> Baseline:
    """Read a baseline. Raises UsageError where there is no such file, CaseFileError with every mistake in it."""
    node, problems = read(_bytes(path), str(path))
    if not isinstance(node, MappingNode):
        problems = problems or [
            Problem(Location(str(path), 1, 1), "", "no baseline; write targets, reasons and deviations")
        ]
        raise CaseFileError(problems)
    table = Table(node, _HOLDS)
    baseline, wrong = table.decode(Baseline)
    problems = [*problems, *wrong]
    if baseline is not None:
        problems += [table.problem(place, text) for place, text in _mistakes(baseline)]
    if baseline is None or problems:
        raise CaseFileError(problems)
    return baseline


def existing(path: Path, targets: Sequence[str]) -> Baseline:
    """Read the baseline that is to be written anew, or give an empty one for these targets.

    Lines that a person has not explained yet may stand in it. Raises CaseFileError.
    """
    if not path.exists():
        return Baseline(targets=tuple(targets))
    node, problems = read(_bytes(path), str(path))
    found, wrong = Table(node, _HOLDS).decode(Baseline) if isinstance(node, MappingNode) else (None, [])
    if found is None:
        raise CaseFileError(
            [*problems, *wrong] or [Problem(Location(str(path), 1, 1), "", "no baseline; remove the file")]
        )
    return found


def _mistakes(baseline: Baseline) -> Iterator[tuple[tuple[str | int, ...], str]]:
    seen: set[tuple[str, str]] = set()
    for index, deviation in enumerate(baseline.deviations):
        if deviation.reason not in baseline.reasons:
            what = f"{deviation.reason!r} is none of the reasons; write why and where below reasons, and its name here"
            yield ("deviations", index, "reason"), what
        for version in deviation.versions:
            if (deviation.case, version) in seen:
                yield ("deviations", index, "case"), f"{deviation.case} stands here twice for {version}; remove one"
            seen.add((deviation.case, version))
    used = {deviation.reason for deviation in baseline.deviations}
    for reason in baseline.reasons:
        if reason not in used:
            yield ("reasons", reason), "no deviation has this reason; remove it"


def compare(baselines: Sequence[Baseline], tally: Tally, releases: Mapping[str, str]) -> list[Difference]:
    """Return where a run differs from what is known.

    What is known to fail and was not tried this time is a difference; what the suite could not find out is none: it
    stands for itself.
    """
    compared = (
        Difference(target, case, entry, _known(baselines, target, case, releases))
        for (target, case), entry in tally.cases.items()
    )
    return [each for each in compared if _differs(each.found, each.known)]


def _known(baselines: Sequence[Baseline], target: str, case: str, releases: Mapping[str, str]) -> Deviation | None:
    version = version_of(releases.get(target, ""))
    found = (baseline.find(case, version) for baseline in baselines if baseline.is_about(target))
    return next(filter(None, found), None)


def known_issue(baselines: Sequence[Baseline], result: Result, release: str) -> KnownIssue | None:
    """Return which known issue a failure is, if it is one and shows itself as it is known to."""
    if result.verdict.status is not Status.FAIL:
        return None
    version = version_of(release)
    for baseline in baselines:
        known = baseline.find(result.case, version) if baseline.is_about(result.target) else None
        if known is not None:
            reason = baseline.reasons[known.reason]
            return KnownIssue(known.reason, reason.why) if breaks(result) == known.breaks else None
    return None


def _differs(found: CaseTally, known: Deviation | None) -> bool:
    if found.status is Status.FAIL:
        return known is None or breaks(found.worst) != known.breaks
    return found.status is not Status.UNRESOLVED and known is not None


def update(baseline: Baseline, tally: Tally, releases: Mapping[str, str]) -> Baseline:
    """Return the baseline with what a run has shown: new lines, and versions that are gone. People write reasons."""
    lines = {(deviation.case, deviation.breaks): deviation for deviation in baseline.deviations}
    for (target, case), entry in tally.cases.items():
        version = version_of(releases.get(target, ""))
        if not baseline.is_about(target) or entry.status not in {Status.PASS, Status.FAIL}:
            continue
        found = breaks(entry.worst) if entry.status is Status.FAIL else None
        for key, line in list(lines.items()):
            if key[0] == case and key[1] != found:
                lines[key] = replace(line, versions=tuple(known for known in line.versions if known != version))
        if found is not None:
            old = lines.get((case, found)) or Deviation(case=case, versions=(), breaks=found, reason=UNEXPLAINED)
            lines[case, found] = replace(old, versions=_sorted({*old.versions, version}))
    kept = tuple(line for line in lines.values() if line.versions)
    return replace(baseline, deviations=kept)


def _sorted(versions: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(versions, key=lambda version: [int(part) for part in re.findall(r"[0-9]+", version)]))


def write(path: Path, baseline: Baseline) -> None:
    """Write a baseline, a line for each deviation; comments stay with the lines that they are at. Raises StoreError."""
    before = path.read_text(encoding="utf-8").splitlines() if path.exists() else [_FIRST_LINE, "targets:"]
    lines = [
        f"targets: [{', '.join(map(scalar, baseline.targets))}]",
        "",
        "reasons:" if baseline.reasons else "reasons: {}",
    ]
    for name, reason in baseline.reasons.items():
        lines += [f"  {name}:", f"    why: {scalar(reason.why)}", f"    where: {scalar(reason.where)}"]
    lines += ["", "deviations:" if baseline.deviations else "deviations: []"]
    for line in baseline.deviations:
        fields: dict[str, Any] = {
            "case": scalar(line.case),
            "versions": f"[{', '.join(map(scalar, line.versions))}]",
            "verdict": line.verdict,
            "breaks": f"[{', '.join(map(scalar, line.breaks))}]",
            "reason": line.reason,
        }
        lines.append(f"- {{{', '.join(f'{name}: {value}' for name, value in fields.items())}}}")
    write_whole(path, "\n".join([*_commented(lines, before), ""]), "name a file in a folder where you may write")


def _commented(lines: Sequence[str], before: Sequence[str]) -> Iterator[str]:
    """Yield lines with the comments of an earlier file before and behind them; last those whose lines are gone."""
    above: dict[str, list[str]] = {}
    behind: dict[str, str] = {}
    block: list[str] = []
    for line in before:
        if line.lstrip().startswith("#"):
            block.append(line)
        elif line.strip():
            above.setdefault(_anchor(line), []).extend(block)
            block = []
            if match := _REMARK.match(line):
                behind[_anchor(line)] = match["remark"]
    for line in lines:
        yield from above.pop(_anchor(line), ()) if line else ()
        yield line + behind.pop(_anchor(line), "")
    yield from (comment for comments in above.values() for comment in comments)
    yield from (remark.strip() for remark in behind.values())
    yield from block


def _anchor(line: str) -> str:
    """Return what tells a line from others, and stays when it is written anew: of a deviation its case and findings."""
    match = _DEVIATION.match(line)
    if match is not None:
        return f"{match['case']} {match['breaks']}"
    return line.strip() if line.startswith(" ") else line.partition(":")[0]
