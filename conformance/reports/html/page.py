# SPDX-License-Identifier: Apache-2.0
"""What the page shows: the facts that the template has, all of them texts and numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lockproof.conformance.running.baselines import KnownIssue

__all__ = [
    "Bar",
    "CaseCell",
    "CaseRow",
    "Cell",
    "Change",
    "Difference",
    "Differences",
    "Evidence",
    "Folder",
    "Group",
    "Mark",
    "Note",
    "Page",
    "ProfilePart",
    "RequirementRow",
    "RunLine",
    "TargetRow",
]


class Mark(Enum):
    """What a cell says: in one character to those who see, in words to all others; and its class in the style."""

    PASS = ("p", "·", "pass")
    FAIL = ("f", "F", "FAIL")
    KNOWN = ("x", "x", "FAIL, known")
    UNRESOLVED = ("u", "?", "UNRESOLVED")
    UNSUPPORTED = ("s", "–", "unsupported")  # noqa: RUF001  a dash is what is meant
    UNTESTED = ("o", "○", "untested")
    FIXED = ("m", "!", "pass, fixed")
    NOT_RUN = ("n", "?", "not run")
    NOT_ASKED = ("e", "", "not asked")

    def __init__(self, css: str, letter: str, word: str) -> None:
        """Keep the parts."""
        self.css = css
        self.letter = letter
        self.word = word


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run that the page is made of."""

    name: str
    started: str
    lockproof: str
    corpus: str
    """Digest of its cases."""
    readings: tuple[str, ...] = ()
    """Readings of the standard by which it was judged besides those that were decided."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a target's bar, and the count beside it."""

    mark: Mark
    verdict: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRow:
    """A target."""

    name: str
    label: str
    """As short as it is still told from the others."""
    kernel: str
    """Release, architecture and page size; `not started` where nobody knows."""
    observers: str
    faults: str
    bars: tuple[Bar, ...]
    """One for each of the five verdicts."""
    known: str
    """What baselines know of its failures."""
    notes: tuple[str, ...]
    """What of it is not as it should be."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What a target does with a requirement."""

    mark: Mark
    word: str
    count: int = 0
    """How many cases show it, where that is told."""
    note: str = ""
    """Of how many cases, where these are not all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementRow:
    """A requirement."""

    number: int
    """In the page, for classes."""
    name: str
    modality: str
    source: str
    statement: str
    cases: int
    cells: tuple[Cell, ...]
    """One for each target."""

    @property
    def kept(self) -> bool:
        """Whether every target was seen to keep it."""
        return all(cell.mark in {Mark.PASS, Mark.NOT_ASKED} for cell in self.cells)


@dataclass(frozen=True, slots=True)
class ProfilePart:
    """The requirements of a profile."""

    name: str
    sentence: str
    """How many of them are broken, on how many targets."""
    rows: tuple[RequirementRow, ...]
    """Those that most targets break first."""


@dataclass(frozen=True, slots=True)
class Group:
    """What is the same for some targets."""

    targets: str
    verdict: str
    mark: Mark
    text: str
    """In one line, why."""
    picture: str = ""
    known: tuple[KnownIssue, ...] = ()
    """What it is known as."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What stands under a row."""

    about: str
    groups: tuple[Group, ...]
    source: str
    """File and line."""
    rerun: str
    repro: str


@dataclass(frozen=True, slots=True)
class CaseCell:
    """What became of a case on a target."""

    mark: Mark
    note: int = 0
    """Number of the note that says why it was not tried; 0: none."""


@dataclass(frozen=True, slots=True)
class Note:
    """Why cases were not tried."""

    text: str
    counts: tuple[tuple[str, int], ...]
    """How many cases, by label of the target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """A case."""

    name: str
    leaf: str
    cells: tuple[CaseCell, ...]
    """One for each target."""
    requirements: tuple[int, ...]
    """Their numbers in the page."""
    changed: bool
    """Whether it is in one of the lists of differences."""
    evidence: Evidence | None
    """None: it fails nowhere, and rests on no reading of the standard."""

    @property
    def marks(self) -> tuple[Mark, ...]:
        """What it has on each target."""
        return tuple(cell.mark for cell in self.cells)

    @property
    def uniform(self) -> bool:
        """Whether one cell can say it for all targets: there is nothing under the row, and they are alike."""
        return self.evidence is None and len(set(self.cells)) == 1

    @property
    def runs(self) -> tuple[tuple[CaseCell, int], ...]:
        """Its cells, those that are side by side and equal once, each with how many these are."""
        return tuple((cell, len(list(those))) for cell, those in groupby(self.cells))

    def words(self, labels: Iterable[str]) -> str:
        """Say what became of it on which targets."""
        targets: dict[str, list[str]] = {}
        for mark, label in zip(self.marks, labels, strict=True):
            targets.setdefault(mark.word, []).append(label)
        return "; ".join(f"{word}: {', '.join(those)}" for word, those in targets.items())

    @property
    def fails(self) -> bool:
        """Whether it fails, or was not found out about."""
        return not {Mark.FAIL, Mark.KNOWN, Mark.UNRESOLVED, Mark.FIXED}.isdisjoint(self.marks)

    @property
    def differs(self) -> bool:
        """Whether targets differ in it: it passes on one and fails on another, or fails in different ways."""
        outcomes = {_OUTCOMES[mark] for mark in self.marks if mark in _OUTCOMES}
        pictures = {group.picture for group in self.evidence.groups if group.picture} if self.evidence else set()
        return len(outcomes) > 1 or len(pictures) > 1

    @property
    def untested(self) -> bool:
        """Whether there is a target that it was not tried on."""
        return not {Mark.UNTESTED, Mark.UNSUPPORTED, Mark.NOT_RUN}.isdisjoint(self.marks)

    @property
    def css(self) -> str:
        """Return its classes: what it is shown for."""
        shown = {"F": self.fails, "D": self.differs, "C": self.changed, "T": self.untested}
        return " ".join([*(name for name, so in shown.items() if so), *(f"r{one}" for one in self.requirements)])


_OUTCOMES = {
    Mark.PASS: "pass",
    Mark.FIXED: "pass",
    Mark.FAIL: "fail",
    Mark.KNOWN: "fail",
    Mark.UNRESOLVED: "unresolved",
}


@dataclass(frozen=True, slots=True)
class Folder:
    """Cases of one folder and file."""

    name: str
    rows: tuple[CaseRow, ...]

    @property
    def failing(self) -> int:
        """How many of its cases fail somewhere."""
        return sum(row.fails for row in self.rows)

    @property
    def css(self) -> str:
        """Return the classes of all its rows."""
        return " ".join(dict.fromkeys(name for row in self.rows for name in row.css.split()))


@dataclass(frozen=True, slots=True)
class Change:
    """What is different in a release: a sentence, and the cases that show it."""

    before: str
    after: str
    sentence: str
    requirement: str = ""
    cases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """A case in one of the six lists."""

    target: str
    case: str
    before: str
    """What was seen, in one line."""
    after: str


@dataclass(frozen=True, slots=True)
class Differences:
    """The six lists of two sides."""

    before: str
    after: str
    lists: Mapping[str, tuple[Difference, ...]]
    """By title."""
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """All of it."""

    title: str
    runs: tuple[RunLine, ...]
    baselines: tuple[str, ...]
    """Names of their files."""
    missing: tuple[str, ...]
    """What the page cannot say because it was not asked or not run, a sentence each; empty: the runs are complete."""
    targets: tuple[TargetRow, ...]
    profiles: tuple[ProfilePart, ...]
    changes: tuple[Change, ...]
    folders: tuple[Folder, ...]
    notes: tuple[Note, ...]
    """By number, from 1."""
    written: Mapping[str, str]
    """Cases that fail, as they are written: the YAML by file and line."""
    differences: tuple[Differences, ...]
    marks: tuple[Mark, ...] = field(default=tuple(Mark))

    @property
    def cases(self) -> int:
        """How many cases there are."""
        return sum(len(folder.rows) for folder in self.folders)

    @property
    def labels(self) -> tuple[str, ...]:
        """The targets, as short as they are still told apart."""
        return tuple(target.label for target in self.targets)

    @property
    def large(self) -> bool:
        """Whether it has so many cells that a row of them is one string."""
        return self.cases * len(self.targets) > _LARGE

    @property
    def requirements(self) -> tuple[RequirementRow, ...]:
        """The requirements of all profiles."""
        return tuple(row for profile in self.profiles for row in profile.rows)

    @property
    def filters(self) -> tuple[tuple[str, int], ...]:
        """What can be shown: a word, and the number of cases."""
        rows = [row for folder in self.folders for row in folder.rows]
        return (
            ("failing", sum(row.fails for row in rows)),
            ("differs", sum(row.differs for row in rows)),
            ("changed", sum(row.changed for row in rows)),
            ("untested", sum(row.untested for row in rows)),
            ("all", len(rows)),
        )

    @property
    def shown_first(self) -> str:
        """The filter that the page opens with."""
        return next(word for word, count in self.filters if word in {"failing", "all"} and (count or word == "all"))

    @property
    def kept(self) -> int:
        """How many requirements every target keeps."""
        return sum(row.kept for row in self.requirements)

    @property
    def legend(self) -> tuple[Mark, ...]:
        """The marks that some cell has."""
        used = {mark for folder in self.folders for row in folder.rows for mark in row.marks}
        return tuple(mark for mark in Mark if mark in used and mark.letter)

    @property
    def upright(self) -> bool:
        """Whether the labels of the targets are so long that they must stand upright."""
        return any(len(target.label) > _SHORT for target in self.targets)


_SHORT = 6
_LARGE = 10_000
"""Cells. A page of 16 targets and 875 cases answered a filter in 145 ms with a cell for each, in 55 ms with strings."""
