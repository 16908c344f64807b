# SPDX-License-Identifier: Apache-2.0
"""What two runs, or a run and what is known, have seen differently: six lists, and never one number.

Cases are aligned by their names, targets by theirs or by their kind, and what is seen by status and findings: another
finding is another deviation, also where the case fails in both. Nothing is a failure, or mended, that was not tried in
both; and a run that did not get to a case says nothing about it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from lockproof.conformance.counted import counted
from lockproof.conformance.errors import UsageError
from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.language.selection import described, matches

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lockproof.conformance.language.selection import Sweeps
    from lockproof.conformance.running.manifest import Manifest
    from lockproof.conformance.running.results import Result
    from lockproof.conformance.running.tally import CaseTally, Tally

__all__ = ["LISTS", "Difference", "Differences", "Pair", "Seen", "Side", "differences", "findings", "side"]

_TRIED = {Status.PASS, Status.FAIL}


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of a case on a target, as far as it is compared."""

    status: Status
    findings: tuple[str, ...] = ()
    """Each as `requirement:aspect`, sorted."""
    said: str = ""
    """The first finding, or why there is no PASS or FAIL, in one line."""

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.status} ({self.said})" if self.said else f"{self.status}"

    def as_json(self) -> dict[str, Any]:
        """Return the fields as plain data."""
        return {"verdict": self.status, "findings": list(self.findings), "said": self.said}


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two that are compared."""

    name: str
    """Of the run, or of the file of a baseline."""
    targets: Mapping[str, Mapping[str, Seen]]
    """What became of each case, by target."""
    selection: tuple[str, ...] = ()
    """The cases that were asked for; empty: all."""
    sweeps: Sweeps = "full"
    """How much of the sweeps was."""
    finished: bool = True
    corpus: str = ""
    """Digest of the cases that were asked for; empty: not known."""
    readings: tuple[str, ...] = ()
    """Readings of the standard by which it was judged besides those that were decided."""

    @property
    def partial(self) -> str:
        """Why it says nothing about some cases, as the end of a sentence; empty: it is complete."""
        if not self.finished:
            return "it ended before all was run"
        asked = described(self.selection, self.sweeps)
        return f"only {asked} was asked for" if asked else ""

    def speaks_of(self, case: str) -> bool:
        """Tell whether it has a case unless there is none of that name."""
        named = not self.selection or any(matches(case, pattern) for pattern in self.selection)
        return self.finished and named and self.sweeps == "full"  # a name does not tell whether it is a sweep


@dataclass(frozen=True, slots=True)
class Pair:
    """The targets of both sides that are compared."""

    before: str
    after: str

    def __str__(self) -> str:
        """Name both, or the one that is the same."""
        return self.before if self.before == self.after else f"{self.before} → {self.after}"


@dataclass(frozen=True, slots=True)
class Difference:
    """A case that both sides see differently, or that one of them has not."""

    pair: Pair
    case: str
    before: Seen | None
    """None: it was not run."""
    after: Seen | None

    def as_json(self) -> dict[str, Any]:
        """Return the fields as plain data."""
        return {
            "case": self.case,
            "before": {"target": self.pair.before} | (self.before.as_json() if self.before else {}),
            "after": {"target": self.pair.after} | (self.after.as_json() if self.after else {}),
        }


_List = tuple[Difference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """Where two sides differ."""

    before: str
    """Name of the first side."""
    after: str
    pairs: tuple[Pair, ...]
    new_failures: _List
    """FAIL now, and tried before without one."""
    fixed: _List
    """PASS now, FAIL before."""
    changed_findings: _List
    """FAIL in both, with other findings."""
    new_cases: _List
    """Found out now, and not run, UNTESTED, UNSUPPORTED or not found out before."""
    gone_cases: _List
    """Found out before, and not there, UNTESTED or UNSUPPORTED now."""
    still_unresolved: _List
    """UNRESOLVED now, whatever was seen before."""
    remarks: tuple[str, ...] = ()
    """What was left out, each in one line."""

    @property
    def exit_code(self) -> int:
        """0: the second side is as good; 1: it is worse; 3: what was found out before could not be found out."""
        lost = any(each.before is not None and each.before.status in _TRIED for each in self.still_unresolved)
        return 1 if self.new_failures or any(map(_has_more, self.changed_findings)) else 3 if lost else 0

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {
            "before": self.before,
            "after": self.after,
            "targets": [{"before": pair.before, "after": pair.after} for pair in self.pairs],
            **{name: [each.as_json() for each in getattr(self, name)] for name in LISTS},
            "remarks": list(self.remarks),
        }


LISTS = tuple(field.name for field in fields(Differences) if field.type == "_List")
"""The names of the six lists, in their order."""


def findings(result: Result) -> tuple[str, ...]:
    """Return what a result has found, each as `requirement:aspect`."""
    return tuple(sorted(result.verdict.kinds))


def side(manifest: Manifest, tally: Tally, *, name: str = "", target: str | None = None) -> Side:
    """Return a run as a side of a comparison; `name`: what it is called there, `target`: only that one.

    Raises UsageError where it has no such target.
    """
    if target is not None and target not in manifest.targets:
        msg = f"run {manifest.run!r}: it has no target {target!r}; write one of: {', '.join(manifest.targets)}"
        raise UsageError(msg)
    names = manifest.targets if target is None else (target,)
    return Side(
        name=name or manifest.run,
        targets={name: {entry.worst.case: seen(entry) for entry in tally.of_target(name)} for name in names},
        selection=manifest.selection,
        sweeps=manifest.sweeps,
        finished=manifest.finished is not None,
        corpus=manifest.corpus,
        readings=manifest.readings,
    )


def seen(entry: CaseTally) -> Seen:
    """Return what became of a case."""
    verdict = entry.worst.verdict
    if verdict.status is Status.FAIL:
        return Seen(verdict.status, findings(entry.worst), str(verdict.findings[0]))
    return Seen(verdict.status, (), verdict.reason)


def differences(before: Side, after: Side) -> Differences:
    """Compare two sides. Raises UsageError where nobody can tell which of their targets are the same."""
    pairs = tuple(_pairs(before, after))
    lists: dict[str, list[Difference]] = {name: [] for name in LISTS}
    not_run = 0
    for pair in pairs:
        was, now = before.targets[pair.before], after.targets[pair.after]
        for case in sorted({*now, *was}):
            each = Difference(pair, case, was.get(case), now.get(case))
            if (each.before is None and not before.speaks_of(case)) or (
                each.after is None and not after.speaks_of(case)
            ):
                not_run += 1
            elif (name := _list_of(each)) is not None:
                lists[name].append(each)
    found = {name: tuple(each) for name, each in lists.items()}
    remarks = (*_unpaired(before, after, pairs), *_partial(before, after, not_run), *_changed(before, after))
    return Differences(before=before.name, after=after.name, pairs=pairs, remarks=remarks, **found)


def _list_of(each: Difference) -> str | None:
    """Return the list that a case belongs to; None: it is the same, or nobody has tried it."""
    was = each.before.status if each.before is not None else Status.UNTESTED
    now = each.after.status if each.after is not None else Status.UNTESTED
    match was, now:
        case _, Status.UNRESOLVED:
            return "still_unresolved"
        case ((Status.PASS | Status.UNRESOLVED), Status.FAIL):
            return "new_failures"
        case Status.FAIL, Status.PASS:
            return "fixed"
        case Status.FAIL, Status.FAIL:
            return "changed_findings" if _findings(each.before) != _findings(each.after) else None
        case Status.PASS, Status.PASS:
            return None
        case _:
            return "new_cases" if now in _TRIED else "gone_cases" if was in _TRIED else None


def _findings(of: Seen | None) -> frozenset[str]:
    return frozenset(of.findings if of is not None else ())


def _has_more(each: Difference) -> bool:
    """Tell whether something is found now that was not found before."""
    return not _findings(each.after) <= _findings(each.before)


def _kind(target: str) -> str:
    """Return the kind of a target, with its options: `qemu` of `qemu:debian/6.12`, `local+posixmlock` of itself."""
    return target.partition(":")[0]


def _pairs(before: Side, after: Side) -> Iterator[Pair]:
    """Pair targets by their names, those that are left by their kinds, and the only ones of both sides anyway."""
    if len(before.targets) == len(after.targets) == 1:
        yield Pair(*before.targets, *after.targets)
        return
    left = [name for name in before.targets if name not in after.targets]
    right = [name for name in after.targets if name not in before.targets]
    yield from (Pair(name, name) for name in before.targets if name in after.targets)
    found = 0
    for each in dict.fromkeys(map(_kind, left)):
        of_before = [name for name in left if _kind(name) == each]
        of_after = [name for name in right if _kind(name) == each]
        if of_before and of_after:
            if max(len(of_before), len(of_after)) > 1:
                raise _ambiguous(before, of_before, after, of_after)
            found += 1
            yield Pair(*of_before, *of_after)
    if not found and set(before.targets).isdisjoint(after.targets):
        raise _ambiguous(before, left, after, right)


def _ambiguous(before: Side, of_before: Sequence[str], after: Side, of_after: Sequence[str]) -> UsageError:
    sides = ((before, of_before), (after, of_after))
    has = " and ".join(f"{side.name} has {', '.join(names)}" for side, names in sides)
    how = " ".join(f"'{side.name}#{names[0]}'" for side, names in sides)
    return UsageError(f"which targets are to be compared? {has}; name one of each, such as {how}")


def _unpaired(before: Side, after: Side, pairs: Sequence[Pair]) -> Iterator[str]:
    for side_, used in ((before, {pair.before for pair in pairs}), (after, {pair.after for pair in pairs})):
        if left := [name for name in side_.targets if name not in used]:
            yield f"only {side_.name} has {', '.join(left)}: not compared"


def _changed(before: Side, after: Side) -> Iterator[str]:
    if before.readings != after.readings:
        how = " and ".join(
            f"{each.name} by {', '.join(each.readings) or 'what was decided'}" for each in (before, after)
        )
        yield f"judged by other readings of the standard, {how}: a difference may be theirs"
    elif (
        (before.selection, before.sweeps) == (after.selection, after.sweeps)
        and "" not in (before.corpus, after.corpus)
        and before.corpus != after.corpus
    ):
        yield "the cases themselves have changed between the two: a difference may be theirs"


def _partial(before: Side, after: Side, not_run: int) -> Iterator[str]:
    for side_ in (before, after):
        if side_.partial:
            yield f"{side_.name} is partial, {side_.partial}; what it did not run is neither gone nor new"
    if not_run:
        yield f"{counted(not_run, 'case was', 'cases were')} not run in both, and not compared"
