# SPDX-License-Identifier: Apache-2.0
"""Generated cases: layouts, locks, ranges and calls, by hypothesis; and a case as YAML."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from lockproof.conformance import strips
from lockproof.conformance.case import Call, Case, Kind, Limits, Range, Region, Size, Step, flatten
from lockproof.conformance.errors import Location
from lockproof.conformance.requirements import Profile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

    from lockproof.conformance.following import Difference

__all__ = ["NUMBERS", "Numbers", "as_yaml", "case_of", "choices", "draw"]

_MOST_PAGES = 10
_REGIONS = {
    "a": Region(),
    "b": Region(),
    "f": Region(kind=Kind.FILE, share="shared", file_pages=3),
    "n": Region(protection="none"),
    "p": Region(kind=Kind.FILE),
    "r": Region(protection="r"),
    "s": Region(kind=Kind.SHARED),
}
_LETTERS = "aabbfnprs"
_CALLS = (
    *(Call.MLOCK,) * 5, *(Call.MUNLOCK,) * 4, Call.MLOCKALL, Call.MLOCKALL, Call.MUNLOCKALL, Call.MMAP, Call.MMAP,
    Call.MUNMAP, Call.MPROTECT, Call.MSYNC, Call.FORK, Call.THREAD, Call.EXEC,
)  # fmt: skip
_FLAGS = (("CURRENT",), ("FUTURE",), ("CURRENT", "FUTURE"))
_STARTS = (0, 0, 0, 0, 1, 100, -1)
_LENGTHS = (None, None, None, None, None, None, Size(0, 0), Size(0, 1), Size(2, 0), Size(0, 1, negative=True))
_PROTECTIONS = ("none", "r", "rw")

# One number for each part of a case: few draws make generating quick, and small numbers are simple cases.
_LAYOUTS = "aab_fnprs"
_PART = (1 << 40) - 1
_LOCKS = (1 << _MOST_PAGES) - 1
_MOST_STEPS = 6
_LIMITS = (None, None, None, None, 4, 2, 0)
_SETTINGS = 10 * len(_LIMITS) - 1

Numbers = tuple[int, int, list[int], int]
"""What a case is made of: layout, locks, steps, and limit and fault together."""

NUMBERS: st.SearchStrategy[Numbers] = st.tuples(
    st.integers(0, _PART),
    st.integers(0, _LOCKS),
    st.lists(st.integers(0, _PART), min_size=1, max_size=_MOST_STEPS),
    st.integers(0, _SETTINGS),
)
"""Numbers that hypothesis draws, and makes smaller."""


def draw(random: Random) -> Numbers:
    """Draw numbers without hypothesis, many times quicker."""
    steps = [random.getrandbits(40) for _ in range(random.randint(1, _MOST_STEPS))]
    return random.getrandbits(40), random.getrandbits(_MOST_PAGES), steps, random.randint(0, _SETTINGS)


def choices(numbers: Numbers) -> tuple[int | bool, ...]:
    """Give the choices with which hypothesis would draw these numbers."""
    layout, locks, steps, setting = numbers
    return (layout, locks, *(part for step in steps for part in (True, step)), False, setting)


def _digits(number: int, *bases: int) -> Iterator[int]:
    """Take a number apart, the digit that matters most to the size of a case last."""
    for base in bases:
        number, digit = divmod(number, base)
        yield digit


def case_of(numbers: Numbers, *, faults: bool) -> Case:
    """Make the case; `faults`: of a fifth of them an allocation fails."""
    layout, locks, parts, setting = numbers
    *letters, more = _digits(layout, *(len(_LAYOUTS),) * _MOST_PAGES, _MOST_PAGES)
    drawn = "".join(_LAYOUTS[letter] for letter in letters)[: more + 1]
    fault, index = divmod(setting, len(_LIMITS))
    limit = _LIMITS[index]
    locked = "".join(
        "_" if letter == "_" else "L" if letter not in "nf" and locks >> page & 1 else "."
        for page, letter in enumerate(drawn)
    )
    if limit is not None and locked.count("L") > limit:
        locked = locked.replace("L", ".")
    steps = _nested([_step(len(drawn), part) for part in parts])
    if faults and fault > 7:  # noqa: PLR2004
        steps = _with_fault(steps)
    used = {*drawn, *(step.region for step in flatten(steps) if step.region)} - {"_"}
    return Case(
        name="generated",
        source=_NOWHERE,
        about="",
        checks=(),
        profile=Profile.POSIX,
        map=drawn,
        regions={letter: _REGIONS[letter] for letter in sorted(used)},
        locked=locked,
        limits=Limits() if limit is None else Limits(memlock=Size(limit, 0)),
        privilege=None if limit is None else "unprivileged",
        steps=steps,
    )


_ALL = 1 << 16
_EVERYTHING = {Call.MLOCKALL, Call.MUNLOCKALL, Call.EXEC, Call.FORK, Call.OBSERVE}
_NOWHERE = Location("generated", 1, 1)


def _step(pages: int, number: int) -> Step:
    which, first, count, more, length = _digits(number, len(_CALLS), pages, _MOST_PAGES, 126, len(_LENGTHS))
    call = _CALLS[which]
    count = min(count + 1, pages - first)
    strip = "." * first + "^" * count + "." * (pages - first - count)
    return Step(call=call, **{name: make(strip, more, length) for name, make in _FIELDS.get(call, {}).items()})


def _bytes(strip: str, more: int, length: int) -> Range:
    return Range(pages=strip, start=_STARTS[more % len(_STARTS)], length=_LENGTHS[length])


def _whole(strip: str, _more: int, _length: int) -> Range:
    return Range(pages=strip)


def _child(_strip: str, more: int, _length: int) -> tuple[Step, ...]:
    return (Step(call=Call.OBSERVE),) * (1 + more % 3)


_FIELDS: dict[Call, dict[str, Callable[[str, int, int], Any]]] = {
    Call.MLOCK: {"range": _bytes},
    Call.MUNLOCK: {"range": _bytes},
    Call.MLOCKALL: {"flags": lambda _strip, more, _length: _FLAGS[more % len(_FLAGS)]},
    Call.MMAP: {"range": _whole, "region": lambda _strip, more, _length: _LETTERS[more % len(_LETTERS)]},
    Call.MUNMAP: {"range": _whole},
    Call.MPROTECT: {
        "range": _whole,
        "protection": lambda _strip, more, _length: _PROTECTIONS[more % len(_PROTECTIONS)],
    },
    Call.MSYNC: {"range": _whole, "flags": lambda _strip, _more, _length: ("ASYNC", "INVALIDATE")},
    Call.EXEC: {"image": lambda _strip, more, _length: "missing" if more % 2 else "self"},
    Call.FORK: {"child": _child},
    Call.THREAD: {"child": _child},
}


def _nested(steps: list[Step]) -> tuple[Step, ...]:
    """Put the steps that follow a fork or a thread into it, as many as it has room for."""
    made: list[Step] = []
    rest = list(steps)
    while rest:
        step = rest.pop(0)
        if step.child:
            inside = [inner for inner in rest[: len(step.child)] if not inner.child and _may(inner, step.call)]
            del rest[: len(step.child)]
            step = replace(step, child=(Step(call=Call.OBSERVE), *inside))
        made.append(step)
    return tuple(made)


def _may(step: Step, within: Call) -> bool:
    return not (within is Call.THREAD and step.call is Call.EXEC)


def _with_fault(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Let the allocations of the last call that can have a fault fail."""
    for index in reversed(range(len(steps))):
        if steps[index].call in {Call.MLOCK, Call.MUNLOCK, Call.MLOCKALL, Call.MMAP}:
            return (*steps[:index], replace(steps[index], fault="each-allocation"), *steps[index + 1 :])
    return steps


_CHECKS = {
    Call.MLOCK: "[mlock.failure.no-change, mlock.locked-and-resident]",
    Call.MUNLOCK: "[munlock.failure.no-change, munlock.unlocks]",
    Call.MLOCKALL: "[mlockall.failure.no-additional, mlockall.locked-and-resident]",
    Call.MUNLOCKALL: "[munlockall.unlocks-all, munlockall.always-zero]",
    Call.MMAP: "[mlockall.future]",
    Call.MUNMAP: "[munmap.removed]",
    Call.MPROTECT: "[mlock.until-unlocked]",
    Call.MSYNC: "[msync.ebusy, mlock.until-unlocked]",
    Call.FORK: "[fork.parent-keeps]",
    Call.EXEC: "[exec.removed]",
    Call.THREAD: "[mlock.until-unlocked]",
    Call.OBSERVE: "[fork.not-inherited]",
}


def as_yaml(case: Case, difference: Difference, name: str) -> str:
    """Write a case that fails at the step of a difference, ready to be kept."""
    steps = list(flatten(case.steps))
    at = steps[difference.step]
    lines = [
        f"- id: {name}",
        f"  about: Found by exploring; {at.call} does what is not permitted.",
        f"  checks: {_CHECKS[at.call]}",
        f"  map:    {case.map}",
        f"  locked: {case.locked}" if "L" in case.locked else "",
        "  as:     unprivileged" if case.privilege else "",
        f"  limits: {{memlock: {case.limits.memlock}}}" if case.limits.memlock is not None else "",
    ]
    own = {letter: region for letter, region in case.regions.items() if region != Region()}
    lines += ["  regions:"] if own else []
    lines += [f"    {letter}: {{{_region(region)}}}" for letter, region in own.items()]
    lines += ["  steps:", *_written(case.steps, difference, len(case.map))]
    return "\n".join(line for line in lines if line)


def _region(region: Region) -> str:
    words = [f"kind: {region.kind}"] if region.kind is not Kind.ANONYMOUS else []
    words += [f"share: {region.share}"] if region.share else []
    words += [f"protection: {region.protection}"] if region.protection != "rw" else []
    words += [f"file-pages: {region.file_pages}"] if region.file_pages is not None else []
    return ", ".join(words)


def _written(steps: tuple[Step, ...], difference: Difference, pages: int) -> Iterator[str]:
    numbers = iter(range(len(list(flatten(steps)))))

    def write(steps: tuple[Step, ...], indent: str, last: int) -> Iterator[str]:
        for step in steps:
            number = next(numbers)
            if number > last:
                continue
            yield f"{indent}- call: {step.call}"
            yield from (f"{indent}  {field}" for field in _fields(step))
            if step.child:
                yield f"{indent}  child:"
                yield from write(step.child, f"{indent}    ", _ALL if number == difference.step else last)
            yield from (f"{indent}  {line}" for line in _expected(number, step.call, difference, pages))

    yield from write(steps, "    ", difference.step)


def _fields(step: Step) -> Iterator[str]:
    if step.range is not None:
        asked = step.range
        words = [f'pages: "{asked.pages}"']
        words += [f"start: {asked.start}"] if asked.start else []
        words += [f"length: {asked.length}"] if asked.length is not None else []
        yield f"range: {{{', '.join(words)}}}" if len(words) > 1 else f'range: "{asked.pages}"'
    for name in ("region", "protection", "image", "fault"):
        if getattr(step, name):
            yield f"{name}: {getattr(step, name)}"
    if step.flags:
        yield f"flags: [{', '.join(step.flags)}]"


def _expected(number: int, call: Call, difference: Difference, pages: int) -> Iterator[str]:
    if number != difference.step:
        result = difference.results.get(number, "0")
        if result != "0":
            yield f"expect: {{result: {result}}}"
        return
    yield "expect:"
    for choice in difference.choices:
        after = choice.after
        strip = "".join(
            "_" if page not in after.mapped else "." if page not in after.locked else "?" if choice.fewer else "L"
            for page in range(pages)
        )
        resident = "".join("R" if page in after.locked and not choice.fewer else "?" for page in range(pages))
        words = [f"result: [{', '.join(sorted(choice.results))}]", f'locked: "{strips.compact(strip)}"']
        words += [f'resident: "{strips.compact(resident)}"'] if "R" in resident and "0" in choice.results else []
        if call in _EVERYTHING and not choice.fewer and after.program is not None:
            words.append(f"elsewhere: {'all' if after.program else 'none'}")
        yield f"  - {{{', '.join(words)}}}"
