# SPDX-License-Identifier: Apache-2.0
"""What must hold within a case beyond the types of its fields, and how its defaults are filled in."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from lockproof.conformance.errors import suggest
from lockproof.conformance.language import strips
from lockproof.conformance.language.calls import ARGUMENTS, Call
from lockproof.conformance.language.case import (
    ANY,
    UNCHANGED,
    Case,
    Kind,
    Limits,
    Outcome,
    Range,
    Region,
    Size,
    Step,
    WrittenCase,
    flatten,
)
from lockproof.conformance.language.effects import filled, unknown_effects
from lockproof.conformance.language.interpretations import decided, reading_of
from lockproof.conformance.language.orders import FEWEST, MOST, ends_of, is_known
from lockproof.conformance.language.readings import read_by, turned_on
from lockproof.conformance.language.requirements import Aspect, Modality

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lockproof.conformance.errors import Location
    from lockproof.conformance.language.interpretations import Interpretation
    from lockproof.conformance.language.requirements import Requirement

__all__ = ["check", "resolve", "stated"]

_Path = tuple[str | int, ...]
_HOLE = "_"
_MOST = 256  # mappings, earlier locks and steps: what a program may have (native/probe/PROTOCOL.md)
_SHOWN = 4  # requirements that a message suggests
_NUMBER = re.compile(r"0x[0-9a-fA-F]{1,8}|0|[1-9][0-9]{0,9}")


_UNLOCKED = str.maketrans("LF", "..")
_ONE_PAGE_SIZE = {Kind.HUGETLB, Kind.SECRETMEM}
_HAS_OBJECT = {Kind.FILE, Kind.SHM, Kind.MEMFD}


def stated(outcome: Outcome) -> set[Aspect]:
    """Return the aspects that an outcome says something about."""
    aspects = {
        Aspect.RESULT: ANY not in outcome.result,
        Aspect.LOCKED: not _is_open(outcome.locked) or outcome.locks_elsewhere != ANY,
        Aspect.RESIDENT: not _is_open(outcome.resident),
        Aspect.MAPPINGS: outcome.mappings != ANY,
        Aspect.ACCOUNTING: outcome.accounting != ANY,
        Aspect.MLOCKED: outcome.mlocked != ANY,
        Aspect.VM_AREAS: outcome.vm_areas != ANY,
        Aspect.PAGE_FAULTS: outcome.page_faults != ANY,
    }
    return {aspect for aspect, is_stated in aspects.items() if is_stated}


def _is_open(strip: str) -> bool:
    return strip == ANY or not strip.strip("?")


def check(
    written: WrittenCase, requirements: Mapping[str, Requirement], interpretations: Mapping[str, Interpretation]
) -> Iterator[tuple[_Path, str]]:
    """Find every mistake of a case: the path of the field, what is wrong, and what to write instead."""
    yield from _sizes(written)
    yield from _regions(written)
    if written.locked is not None:
        yield from _holes(written.locked, written.map)
    yield from _heap(written)
    yield from _steps(written.steps, ("steps",), within=None)
    everything = list(_flat(written.steps, ("steps",)))
    faults = [path for path, step in everything if step.fault]
    yield from (((*path, "fault"), "a second fault; write one for each case") for path in faults[1:])
    if written.closing and faults:
        yield (*faults[0], "fault"), "a closing case has none, it looks at what others left; remove it, or closing"
    if not everything:
        yield ("steps",), "no step; write at least one call"
    elif not any(step.expect for _, step in everything):
        yield (
            (*everything[-1][0], "expect"),
            "is missing, so that the case judges nothing; write the permitted outcomes",
        )
    yield from _objects(written)
    yield from unknown_effects(written)
    yield from _threads(written)
    yield from _limited_reclaim(written, everything)
    yield from _endings(everything)
    yield from _readings(everything, interpretations)
    yield from _checks(written, everything, requirements)


def resolve(
    written: WrittenCase,
    name: str,
    source: Location,
    requirements: Mapping[str, Requirement],
    interpretations: Mapping[str, Interpretation],
) -> Case:
    """Fill in the defaults of a case without mistakes, which is judged by the readings that were decided."""
    letters = {*strips.characters(written.map), *(step.region for step in flatten(written.steps) if step.region)} - {
        _HOLE
    }
    steps = filled(written)
    case = Case(
        name=name,
        source=source,
        about=written.about,
        checks=written.checks,
        profile=requirements[written.checks[0]].profile,
        map=written.map,
        regions={letter: written.regions.get(letter, Region()) for letter in sorted(letters)},
        locked=written.locked or strips.unlocked(written.map),
        limits=written.limits,
        privilege=written.as_,
        steps=steps,
        closing=written.closing,
        written=steps if turned_on(steps) else (),
    )
    return read_by(case, decided(interpretations))


def _flat(steps: tuple[Step, ...], path: _Path) -> Iterator[tuple[_Path, Step]]:
    for index, step in enumerate(steps):
        yield (*path, index), step
        yield from _flat(step.child, (*path, index, "child"))


def _sizes(written: WrittenCase) -> Iterator[tuple[_Path, str]]:
    steps = sum(1 for _ in flatten(written.steps))
    if max(steps, len(written.map)) <= _MOST:  # almost always, and then nothing has to be counted
        return
    mappings = sum(run.character != _HOLE for run in strips.runs(written.map))
    locks = sum(run.character in "LF" for run in strips.runs(written.locked or ""))
    for field, count, what in (
        ("map", mappings, "mappings"),
        ("locked", locks, "runs of locks"),
        ("steps", steps, "steps"),
    ):
        if count > _MOST:
            yield (field,), f"{count} {what} are too many; write at most {_MOST}"


def _holes(locked: str, layout: str) -> Iterator[tuple[_Path, str]]:
    if locked.translate(_UNLOCKED) == strips.unlocked(layout):  # almost always, and then nobody asks which page
        return
    for page, (lock, letter) in enumerate(zip(locked, layout, strict=True)):
        if (lock == _HOLE) != (letter == _HOLE):
            state = "a hole in the map; write _ there" if letter == _HOLE else "mapped; write L, F or . there"
            yield ("locked",), f"page {page} is {state}"
            return


def _regions(written: WrittenCase) -> Iterator[tuple[_Path, str]]:
    used = {*strips.characters(written.map), *(step.region for step in flatten(written.steps))}
    for letter, region in written.regions.items():
        path = ("regions", letter)
        if not _is_letter(letter):
            yield path, f"{letter!r} is no letter; call a region by one of A-Z or a-z"
        elif letter not in used:
            yield path, f"no page of the map is {letter!r}; use the letter in the map, or remove the region"
        if region.alias is not None:
            target = written.regions.get(region.alias)
            if target is None or target.kind not in _HAS_OBJECT or region.alias >= letter:
                yield (
                    (*path, "alias"),
                    (f"{region.alias!r} is no earlier region of kind file, shm or memfd; write the letter of one"),
                )
            elif region.kind is not target.kind:
                yield (*path, "alias"), f"{region.alias!r} is of kind {target.kind}; write kind: {target.kind} here too"
        if region.file_pages is not None and region.kind not in _HAS_OBJECT:
            yield (*path, "file-pages"), f"{region.kind} memory has no file; write kind: file, shm or memfd"
        if region.huge is not None and region.kind in _ONE_PAGE_SIZE:
            yield (*path, "huge"), f"{region.kind} memory has pages of one size only; remove it"
        if region.guard is not None and len(region.guard) != (mapped := written.map.count(letter)):
            yield (
                (*path, "guard"),
                f"a strip of {len(region.guard)}, but region {letter} has {mapped}; write one character for each page",
            )


def _heap(written: WrittenCase) -> Iterator[tuple[_Path, str]]:
    """Find memory of kind heap that is not what brk() can give."""
    for letter in (letter for letter, region in written.regions.items() if region.kind is Kind.HEAP):
        if written.map.lstrip(_HOLE).lstrip(letter).count(letter) or not written.map.lstrip(_HOLE).startswith(letter):
            yield ("map",), f"{letter} is the heap; write it as the first memory of the map, in one piece"
        if any(step.region == letter for step in flatten(written.steps)):
            yield ("regions", letter, "kind"), "the heap cannot be mapped; make it larger with `call: brk`"


def _steps(steps: tuple[Step, ...], path: _Path, *, within: Call | None) -> Iterator[tuple[_Path, str]]:
    for index, step in enumerate(steps):
        here = (*path, index)
        yield from _arguments(step, here)
        yield from _nested(step, here, within)
        yield from _counts(step, here)
        yield from _reclaim(step, here)
        if step.fault is not None and not step.call.signature.swept:
            yield (*here, "fault"), f"the allocations of {step.call} cannot be made to fail; write it at another call"
        if step.call is Call.FORK and (step.fault or "").startswith("from-"):
            yield (*here, "fault"), "what lasts would last in the child as well; write a fault that comes once"
        if step.region is not None and not _is_letter(step.region):
            yield (*here, "region"), f"{step.region!r} is no letter; write the letter of a region"
        if step.range is not None and not (step.call.signature.bytewise or _takes(step.call, step.range)):
            yield (*here, "range"), f"{step.call} takes whole pages; write only the strip"
        yield from _inherited(step, here)
        yield from _steps(step.child, (*here, "child"), within=step.call)


def _takes(call: Call, pages: Range) -> bool:
    """Tell whether a call that takes whole pages takes these; mremap also takes none of them, which maps them again."""
    return pages.whole_pages or (call is Call.MREMAP and pages == Range(pages=pages.pages, length=Size(0, 0)))


def _nested(step: Step, path: _Path, within: Call | None) -> Iterator[tuple[_Path, str]]:
    """Find what a child or another thread cannot do."""
    if within is None:
        return
    if (reason := step.call.signature.not_within.get(within)) is not None:
        yield (*path, "call"), reason
    if step.fault is not None and within is Call.THREAD:
        yield (*path, "fault"), "faults are armed for the first thread only; write it at a call outside"


def _counts(step: Step, path: _Path) -> Iterator[tuple[_Path, str]]:
    """Find where an outcome speaks of a count at a step that does not see it."""
    for number, outcome in enumerate(step.expect):
        for field, call in (("mlocked", Call.SETTLE), ("vm_areas", Call.SETTLE), ("page_faults", Call.TOUCH)):
            if step.call is not call and getattr(outcome, field) != ANY:
                name = field.replace("_", "-")
                yield (*path, "expect", number, name), f"{step.call} does not see it; write it at a step `call: {call}`"


def _reclaim(step: Step, path: _Path) -> Iterator[tuple[_Path, str]]:
    """Find where nothing would show that memory was taken: of that, an unlocked page that was there is the evidence."""
    if step.call is Call.RECLAIM and (len(step.expect) != 1 or "." not in step.expect[0].resident):
        what = "one outcome, with `resident` and a `.` in it for a page that was there and can go"
        yield (*path, "expect"), f"reclaim has {what}: without one nothing shows that memory was taken"


_ABOUT = {Call.FTRUNCATE: _HAS_OBJECT, Call.SHMCTL: {Kind.SYSV}}
"""The kinds of memory that a step may be about which names a region."""


def _objects(written: WrittenCase) -> Iterator[tuple[_Path, str]]:
    """Find steps about an object that the region does not have."""
    for path, step in _flat(written.steps, ("steps",)):
        kinds = _ABOUT.get(step.call)
        if kinds is None or step.region is None:
            continue
        region = written.regions.get(step.region, Region())
        if region.kind not in kinds:
            yield (
                (*path, "region"),
                f"{step.region} is of kind {region.kind}; {step.call} wants one of kind {' or '.join(sorted(kinds))}",
            )


def _threads(written: WrittenCase) -> Iterator[tuple[_Path, str]]:
    """Find calls at the same time of which it is not known what they do in each order."""
    numbers = [number for number, step in enumerate(written.steps) if step.call is Call.THREADS]
    for number in numbers:
        step = written.steps[number]
        if not FEWEST <= len(step.child) <= MOST:
            what = f"{len(step.child)} calls; write {FEWEST} to {MOST}, each is made by a thread of its own"
            yield ("steps", number, "child"), what
        mistakes = [
            mistake
            for which, call in enumerate(step.child)
            for mistake in _at_once(call, ("steps", number, "child", which))
        ]
        yield from mistakes
        if not mistakes and not ends_of(written.locked or strips.unlocked(written.map), written.steps, number):
            yield ("steps", number, "call"), "what a call before it does is not known; write these calls first"
    if numbers:
        yield from _beside_threads(written)


def _limited_reclaim(written: WrittenCase, steps: list[tuple[_Path, Step]]) -> Iterator[tuple[_Path, str]]:
    """Find memory that is taken where it is limited, and nothing can be swapped."""
    if written.limits.memory is not None and any(step.call is Call.RECLAIM for _, step in steps):
        yield ("limits", "memory"), "what is limited does not go to swap; remove it, or the reclaim"


def _at_once(call: Step, path: _Path) -> Iterator[tuple[_Path, str]]:
    if call.expect:
        yield (*path, "expect"), "calls at the same time are judged together; write it beside `child`"
    elif not call.call.signature.not_within.get("threads") and not is_known(call):
        yield (*path, "call"), f"what this {call.call} does in each order is not known; make it in a step of its own"


def _beside_threads(written: WrittenCase) -> Iterator[tuple[_Path, str]]:
    """Find what does not go with calls at the same time."""
    if written.limits != Limits():
        yield ("limits",), "what threads do at the same time is judged without; remove it, or the threads"
    if written.as_ == "unprivileged":
        yield ("as",), "threads are made beforehand, and keep their privileges; remove it"
    for path, step in _flat(written.steps, ("steps",)):
        if step.fault is not None:
            yield (*path, "fault"), "no sweep goes with threads at the same time; write a case of its own"
        elif step.call is Call.EXEC:
            yield (*path, "call"), "a new image has no threads; write a case of its own"


def _endings(steps: list[tuple[_Path, Step]]) -> Iterator[tuple[_Path, str]]:
    """Find outcomes that depend on how an earlier call returned where none may return in two ways."""
    decided = False
    for path, step in steps:
        for number, outcome in enumerate(step.expect):
            if outcome.when is not None and not decided:
                yield (
                    (*path, "expect", number, "when"),
                    "no call before it may both succeed and fail; permit both at an earlier step, or remove it",
                )
        decided |= len(step.endings) > 1


def _readings(
    steps: list[tuple[_Path, Step]], interpretations: Mapping[str, Interpretation]
) -> Iterator[tuple[_Path, str]]:
    """Find steps that say what some reading permits, and not what another reading of the same question does."""
    for path, step in steps:
        said = {outcome.reading for outcome in step.expect}
        for name in turned_on((replace(step, child=()),)):
            missing = [choice for choice in interpretations[name].readings if reading_of(name, choice) not in said]
            if missing:
                what = f"says nothing of {', '.join(reading_of(name, choice) for choice in missing)}"
                yield (*path, "expect"), f"{what}; write an outcome for each reading of {name}"


def _inherited(fork: Step, path: _Path) -> Iterator[tuple[_Path, str]]:
    """Find where a child's first step compares with the state before it: that was not seen, and is not the parent's."""
    for first in fork.child[:1] if fork.call is Call.FORK else ():
        for number, outcome in enumerate(first.expect):
            if UNCHANGED in {outcome.locked, outcome.locks_elsewhere, outcome.mappings}:
                yield (
                    (*path, "child", 0, "expect", number),
                    "a child does not begin with its parent's locks; observe them in a step before this one",
                )


def _arguments(step: Step, path: _Path) -> Iterator[tuple[_Path, str]]:
    takes = step.call.signature
    for field in ARGUMENTS:
        given = getattr(step, field) not in (None, ())
        if given and field not in (*takes.needs, *takes.may_have):
            what = f"takes {' and '.join(takes.needs)}" if takes.needs else "takes no argument"
            yield (*path, field), f"{step.call} has none; it {what}"
        elif field in takes.needs and not given:
            yield (*path, field), f"is missing; {step.call} takes {' and '.join(takes.needs)}"
    if takes.flags and not (len(step.flags) == 1 and _is_number(step.flags[0])):
        for flag in step.flags:
            if flag not in takes.flags:
                yield (
                    (*path, "flags"),
                    f"{flag!r} is no flag of {step.call}; {suggest(flag, takes.flags)} (A number will do too.)",
                )


def _is_letter(text: str) -> bool:
    return len(text) == 1 and text.isascii() and text.isalpha()


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None and int(text, 0) < 2**31


def _checks(
    written: WrittenCase, steps: list[tuple[_Path, Step]], requirements: Mapping[str, Requirement]
) -> Iterator[tuple[_Path, str]]:
    known = [requirements[name] for name in written.checks]
    if len({requirement.profile for requirement in known}) > 1:
        profiles = ", ".join(f"{requirement.id} is {requirement.profile}" for requirement in known)
        yield ("checks",), f"requirements of several profiles ({profiles}); write a case for each profile"
    spoken_of = {aspect for requirement in known for aspect in requirement.observes}
    judges = any(requirement.modality is not Modality.UNSPECIFIED for requirement in known)
    for path, step in steps:
        for number, outcome in enumerate(step.expect):
            aspects = stated(outcome)
            if judges and not aspects:
                yield (
                    (*path, "expect", number),
                    "permits everything, so that no target fails; state what is permitted",
                )
            for aspect in sorted(aspects - spoken_of):
                able = sorted(
                    r.id for r in requirements.values() if aspect in r.observes and r.profile == known[0].profile
                )
                shown = ", ".join(able[:_SHOWN]) + (" …" if len(able) > _SHOWN else "")
                instead = (
                    f"add one that does ({shown}) to checks" if able else "no other of the profile does; remove it"
                )
                yield (
                    (*path, "expect", number),
                    (f"says something about `{aspect}`, of which no requirement in checks speaks; {instead}"),
                )
