# SPDX-License-Identifier: Apache-2.0
"""Baselines (results/baselines/*.yaml): what is known to deviate, by what it does, where, until when, and why.

A baseline hides nothing and changes no verdict: a FAIL that it knows is a FAIL in every report, with the word that it
is known. It only says what is news. docs/baselines.md says how one is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, PlainValidator

from lockproof.conformance.errors import CaseFileError, Location, Problem, UsageError, suggest
from lockproof.conformance.files import read_input
from lockproof.conformance.language.decoding import Table
from lockproof.conformance.language.fields import CONFIG
from lockproof.conformance.language.loading import Corpus
from lockproof.conformance.language.loading import load as load_corpus
from lockproof.conformance.language.requirements import Aspect
from lockproof.conformance.language.selection import matches
from lockproof.conformance.language.yaml_nodes import Mapping as MappingNode
from lockproof.conformance.language.yaml_nodes import Sequence as SequenceNode
from lockproof.conformance.language.yaml_nodes import read
from lockproof.conformance.running import shown
from lockproof.conformance.running.place import VENDORS, Place, Range, compare_upstream, read_range

if TYPE_CHECKING:
    from pathlib import Path

    from lockproof.conformance.language.yaml_nodes import Node
    from lockproof.conformance.running.shown import Shown

__all__ = ["UNEXPLAINED", "Baseline", "KnownIssue", "Sighting", "Where", "existing", "load", "today", "vocabulary"]

UNEXPLAINED = "unexplained"
"""What `about` and `url` of a generated entry say, until a person writes them."""

_OLD = "the format of before, by versions; write a list of what is known, each with id, cases, finding and where"
_SILENT = {"gvisor"}
"""Vendors whose kernels do not tell the version of their package."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How often a deviation shows itself that does not always."""

    rate: float
    runs: int
    """Of which it was counted."""


Outcome = Literal["always", "may-pass"] | Rate


def _outcome(written: object) -> Outcome:
    match written:
        case "always" | "may-pass":
            return written
        case {"sometimes": {"rate": str(rate), "runs": str(runs)}}:
            try:
                made = Rate(float(rate), int(runs))
            except ValueError:
                made = Rate(0, 0)
            if 0 < made.rate < 1 <= made.runs:
                return made
    msg = "is no outcome; write always, may-pass or {sometimes: {rate: 0.1, runs: 200}}"
    raise ValueError(msg)


def _date(written: object) -> date:
    try:
        return date.fromisoformat(str(written))
    except ValueError:
        msg = "is no date; write one, such as 2027-11-23"
        raise ValueError(msg) from None


def _url(written: str) -> str:
    if written != UNEXPLAINED and not written.startswith(("https://", "http://")):
        msg = "is no address; write one that begins with https://"
        raise ValueError(msg)
    return written


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Kernels of a vendor by the versions of their packages, or all by the version of Linux that they say they are."""

    __pydantic_config__ = CONFIG

    vendor: str | None = None
    package: str | None = None
    upstream: str | None = None

    @property
    def range(self) -> Range | None:
        """The versions; None: all. Raises ValueError where they are none."""
        if self.vendor is not None:
            return _range(self.package, self.vendor) if self.package is not None else None
        return _range(self.upstream or "", None)

    def has(self, place: Place) -> bool:
        """Tell whether a kernel is one of these."""
        version = place.package if self.vendor is not None else place.upstream
        return self.vendor in (None, place.vendor) and (self.range is None or (bool(version) and version in self.range))

    def meets(self, other: Where) -> bool:
        """Tell whether there can be a kernel that is one of these and one of the others."""
        if self.vendor != other.vendor:
            # Of a vendor and by what it says of itself: nobody can rule it out, unless it says nothing.
            return None in (self.vendor, other.vendor) and _SILENT.isdisjoint((self.vendor, other.vendor))
        return self.range is None or other.range is None or self.range.meets(other.range)


@cache
def _range(text: str, vendor: str | None) -> Range:
    return read_range(text, VENDORS[vendor] if vendor is not None else compare_upstream)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """When it was seen last on a target."""

    __pydantic_config__ = CONFIG

    release: str
    run: str
    count: int
    """Cases that showed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownIssue:
    """A deviation that is known."""

    __pydantic_config__ = CONFIG

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
    about: Annotated[str, Field(min_length=1)]
    """In one line."""
    url: Annotated[str, AfterValidator(_url)]
    cases: Annotated[tuple[str, ...], Field(min_length=1)]
    """Names, leading parts of names, or patterns with * and ?."""
    finding: str
    """The requirement that it breaks, in what that is mainly about; or `requirement:aspect`, as it is once loaded."""
    where: Annotated[tuple[Where, ...], Field(min_length=1)]
    outcome: Annotated[Outcome, PlainValidator(_outcome)] = "always"
    fixed_by: tuple[str, ...] = ()
    """Commits of Linux."""
    expires: Annotated[date, PlainValidator(_date)]
    """The last day on which it excuses anything."""
    seen: Mapping[str, Sighting] = field(default_factory=dict)
    """By target; `lockproof baseline update` writes it."""

    def names(self, case: str) -> bool:
        """Tell whether it is about a case."""
        return any(matches(case, pattern) for pattern in self.cases)

    def is_at(self, place: Place) -> bool:
        """Tell whether it is about a kernel: by its vendor's package where it speaks of that vendor, else by Linux's.

        A vendor mends early, and breaks early: what is said of its packages is not overruled by what Linux does.
        """
        of_vendor = [where for where in self.where if where.vendor is not None and where.vendor == place.vendor]
        return any(where.has(place) for where in of_vendor or [each for each in self.where if each.vendor is None])

    def assumes(self, place: Place) -> bool:
        """Tell whether it is assumed of a vendor's kernel, as nobody said anything of that vendor's packages."""
        return bool(place.vendor) and all(where.vendor != place.vendor for where in self.where)


@dataclass(frozen=True, slots=True)
class Baseline:
    """A file."""

    path: Path
    issues: tuple[KnownIssue, ...]
    lines: Mapping[str, Location] = field(repr=False)
    """Where each stands, by its id."""
    shown: Shown = field(default_factory=dict, repr=False)
    """What its cases are known to show."""


def vocabulary(corpus: Corpus, cases: Path | None) -> Corpus:
    """Return what baselines may speak of where cases come from a path: those, and all that lockproof brings along."""
    if cases is None:
        return corpus
    own, more = {case.name for case in corpus.cases}, load_corpus()
    rest = tuple(case for case in more.cases if case.name not in own)
    return replace(corpus, cases=(*corpus.cases, *rest), requirements=more.requirements | corpus.requirements)


def today() -> date:
    """Return the day in UTC."""
    return datetime.now(UTC).date()


def load(paths: Sequence[Path], corpus: Corpus) -> tuple[Baseline, ...]:
    """Read baselines that are used together, about the cases of a corpus.

    Raises UsageError where there is no such file, CaseFileError with every mistake in all of them.
    """
    found, problems = [], []
    for path in paths:
        baseline, wrong = _read(path, corpus)
        found.append(baseline)
        problems += wrong
        problems += [
            Problem(baseline.lines[issue.id], name, f"is {UNEXPLAINED}; write {what}")
            for issue in baseline.issues
            for name, what in (("about", "what deviates"), ("url", "where one can read of it"))
            if getattr(issue, name) == UNEXPLAINED
        ]
    problems += _clashes(found, corpus)
    if problems:
        raise CaseFileError(problems)
    return tuple(found)


def existing(path: Path, corpus: Corpus) -> Baseline:
    """Read a baseline that is to be added to, whose entries need not be explained yet; empty where there is none.

    Raises UsageError where it cannot be written, CaseFileError.
    """
    if not path.parent.is_dir():
        msg = f"{path}: there is no folder {path.parent}; make it first, or name another file"
        raise UsageError(msg)
    if not path.exists() and not path.is_symlink():
        return Baseline(path, (), {}, shown.read(shown.file_of(path)))
    baseline, problems = _read(path, corpus)
    if problems:
        raise CaseFileError(problems)
    return baseline


def _read(path: Path, corpus: Corpus) -> tuple[Baseline, list[Problem]]:
    try:
        content = read_input(path)
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}; name a baseline, or make one with lockproof baseline update"
        raise UsageError(msg) from error
    node, problems = read(content, str(path))
    issues: list[KnownIssue] = []
    lines: dict[str, Location] = {}
    for item in _items(node, str(path), problems):
        table = Table(item, {"where": Where, "seen": Sighting})
        issue, wrong = table.decode(KnownIssue)
        problems += wrong
        if issue is not None:
            problems += [table.problem(at, text) for at, text in _mistakes(issue, corpus)]
            if issue.id in lines:
                problems.append(table.problem(("id",), f"{issue.id} stands here a second time; write another"))
            else:
                lines[issue.id] = item.at
                issues.append(_complete(issue, corpus))
    return Baseline(path, tuple(issues), lines, shown.read(shown.file_of(path))), problems


def _items(node: Node | None, file: str, problems: list[Problem]) -> Sequence[Node]:
    if isinstance(node, SequenceNode):
        return node.items
    if isinstance(node, MappingNode) and node.get("deviations") is not None:
        problems.append(Problem(node.at, "deviations", f"{_OLD} (docs/baselines.md)"))
    elif not problems and node is not None:
        problems.append(Problem(Location(file, 1, 1), "", "no baseline; write a list of what is known"))
    return ()


def _complete(issue: KnownIssue, corpus: Corpus) -> KnownIssue:
    """Return an issue whose finding has its aspect."""
    check = corpus.requirements.get(issue.finding)
    return issue if check is None else replace(issue, finding=f"{check.id}:{check.observes[0]}")


_Mistakes = Iterator[tuple[tuple[str | int, ...], str]]


def _mistakes(issue: KnownIssue, corpus: Corpus) -> _Mistakes:
    for number, pattern in enumerate(issue.cases):
        if not any(matches(case.name, pattern) for case in corpus.cases):
            yield ("cases", number), f"{pattern!r} is no case; remove it, or write one (lockproof cases lists them)"
    check, colon, aspect = issue.finding.partition(":")
    if check not in corpus.requirements:
        yield ("finding",), f"{check!r} is no requirement; {suggest(check, corpus.requirements)}"
    elif colon and aspect not in set(Aspect):
        yield ("finding",), f"{aspect!r} is no aspect; {suggest(aspect, set(Aspect))}"
    behind = False
    for number, where in enumerate(issue.where):
        if where.vendor is not None and behind:
            yield (
                ("where", number),
                "a vendor behind upstream; write vendors first, as what is said of them counts first",
            )
        behind = behind or where.vendor is None
        yield from ((("where", number, *at), text) for at, text in _wrong_where(where))


def _wrong_where(where: Where) -> _Mistakes:
    if (where.vendor is None) is (where.upstream is None) or (where.package is not None and where.vendor is None):
        yield (), "write {vendor: debian, package: '< 6.12.200-1'}, or {upstream: '>= 2.6.16, < 7.4'}"
    elif where.vendor is not None and where.vendor not in VENDORS:
        yield ("vendor",), f"{where.vendor!r} is no vendor here; {suggest(where.vendor, VENDORS)}"
    elif where.vendor is not None and where.package is None and where.vendor not in _SILENT:
        yield (), "has no end, so that nobody would look at it again; add package: with < and a version"
    else:
        try:
            _ = where.range
        except ValueError as error:
            yield ("package" if where.vendor is not None else "upstream",), f"{error}"


def _clashes(baselines: Sequence[Baseline], corpus: Corpus) -> Iterator[Problem]:
    """Yield issues of which two could be meant by one finding."""
    every = [(baseline.lines[issue.id], issue) for baseline in baselines for issue in baseline.issues]
    about = {(at, issue.id): {case.name for case in corpus.cases if issue.names(case.name)} for at, issue in every}
    for (at, one), (at_other, other) in combinations(every, 2):
        if one.finding != other.finding or not _meet(one, other):
            continue
        if both := sorted(about[at, one.id] & about[at_other, other.id]):
            what = f"both {one.id} ({at.file}:{at.line}) and this can match {one.finding} in {both[0]}"
            yield Problem(at_other, other.id, f"{what}; tell them apart by cases or where")


def _meet(one: KnownIssue, other: KnownIssue) -> bool:
    try:
        return any(where.meets(also) for where in one.where for also in other.where)
    except (ValueError, KeyError):  # a range that was told already
        return False
