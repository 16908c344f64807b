# SPDX-License-Identifier: Apache-2.0
"""Generated cases: layouts, locks, limits, ranges and calls."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import strategies as st

from lockproof.conformance.errors import Location
from lockproof.conformance.language.calls import Call
from lockproof.conformance.language.case import Case, Kind, Limits, Range, Region, Size, Step, flatten
from lockproof.conformance.language.requirements import Profile
from lockproof.conformance.language.strips import marked

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    _Make = Callable[[str, "_Parts", "Calls"], Any]
    """Makes a field of a step that names the pages of a strip."""

__all__ = ["LINUX", "NUMBERS", "POSIX", "Calls", "Numbers", "case_of", "choices", "draw"]

_MOST_PAGES = 10
_MOST_STEPS = 6
_REGIONS = {
    "a": Region(),
    "b": Region(),
    "f": Region(kind=Kind.FILE, share="shared", file_pages=3),
    "h": Region(kind=Kind.HEAP),
    "k": Region(kind=Kind.STACK),
    "n": Region(protection="none"),
    "p": Region(kind=Kind.FILE),
    "r": Region(protection="r"),
    "s": Region(kind=Kind.SHARED),
}
_STARTS = (0, 0, 0, 0, 1, 100, -1)
_LENGTHS = (None, None, None, None, None, None, Size(0, 0), Size(0, 1), Size(2, 0), Size(0, 1, negative=True))
_PROTECTIONS = ("none", "r", "rw")
_LIMITS = (None, None, None, None, 4, 2, 0)
_AS_BEFORE = (False, False, True)
_FAULTY = {Call.MLOCK, Call.MLOCK2, Call.MUNLOCK, Call.MLOCKALL, Call.MUNLOCKALL, Call.MMAP}
"""The calls whose allocations fail. Of others nobody says which they make."""
_WITHOUT_FAULT = 8
_FAULTS = 10


@dataclass(frozen=True, slots=True)
class Calls:
    """What the steps of a case may be."""

    calls: tuple[Call, ...]
    """One that stands there several times comes so often."""
    mlockall: tuple[tuple[str, ...], ...]
    """Flags of mlockall."""
    mmap: tuple[tuple[str, ...], ...]
    """Flags of mmap."""
    layouts: str
    """What a page of the map may be."""
    letters: str
    """What mmap may map."""


POSIX = Calls(
    (
        *(Call.MLOCK,) * 5, *(Call.MUNLOCK,) * 4, Call.MLOCKALL, Call.MLOCKALL, Call.MUNLOCKALL, Call.MMAP, Call.MMAP,
        Call.MUNMAP, Call.MPROTECT, Call.MSYNC, Call.FORK, Call.THREAD, Call.EXEC, Call.TOUCH,
    ),
    mlockall=(("CURRENT",), ("FUTURE",), ("CURRENT", "FUTURE")),
    mmap=((),),
    layouts="aab_fnprs",
    letters="aabbfnprs",
)  # fmt: skip
"""The calls of which the standard says something."""

LINUX = Calls(
    (*POSIX.calls, Call.MLOCK2, Call.MLOCK2, Call.MADVISE, *(Call.MREMAP,) * 4, Call.BRK, Call.BRK),
    mlockall=(*POSIX.mlockall, *((*flags, "ONFAULT") for flags in POSIX.mlockall)),
    mmap=((), (), ("LOCKED",)),
    layouts="aab_fnprshk",
    letters="aabbfnprsk",
)
"""And those by which Linux locks besides, resizes and moves what is locked, or takes memory from it."""


class _Parts(NamedTuple):
    """What a step is made of."""

    call: int
    first: int
    pages: int
    to_first: int
    to_pages: int
    length: int
    more: int
    """What else the call wants."""


def _parts(call: int, place: int, rest: int) -> _Parts:
    to, place = divmod(place, _MOST_PAGES**2)
    places = (*divmod(place, _MOST_PAGES), *divmod(to, _MOST_PAGES))
    return _Parts(call, *places, *reversed(divmod(rest, len(_LENGTHS))))


# A step is three numbers, as hypothesis leaves out at most five choices at once, and one is that there is a step.
_ENDS = (len(LINUX.calls) * len(POSIX.calls), _MOST_PAGES**4, 1260 * len(_LENGTHS))
_PAGES = 2 * len(_AS_BEFORE) * len(POSIX.layouts) * len(LINUX.layouts)

Numbers = tuple[list[int], list[tuple[int, ...]], int, int]
"""What a case is made of: pages, steps, limit, fault. Small numbers make simple cases."""

NUMBERS: st.SearchStrategy[Numbers] = st.tuples(
    st.lists(st.integers(0, _PAGES - 1), min_size=1, max_size=_MOST_PAGES),
    st.lists(st.tuples(*(st.integers(0, end - 1) for end in _ENDS)), min_size=1, max_size=_MOST_STEPS),
    st.integers(0, len(_LIMITS) - 1),
    st.integers(0, _FAULTS - 1),
)
"""Numbers that hypothesis draws, and makes fewer and smaller."""


def draw(random: Random) -> Numbers:
    """Draw numbers without hypothesis, many times quicker."""
    pages = [random.randrange(_PAGES) for _ in range(random.randint(1, _MOST_PAGES))]
    steps = [tuple(random.randrange(end) for end in _ENDS) for _ in range(random.randint(1, _MOST_STEPS))]
    return pages, steps, random.randrange(len(_LIMITS)), random.randrange(_FAULTS)


def choices(numbers: Numbers) -> tuple[int | bool, ...]:
    """Return the choices by which hypothesis would draw these numbers: before each element of a list, that it comes."""
    pages, steps, limit, fault = numbers
    return (
        *(part for page in pages for part in (True, page)), False,
        *(part for step in steps for part in (True, *step)), False,
        limit, fault,
    )  # fmt: skip


def case_of(numbers: Numbers, calls: Calls, *, faults: bool) -> Case:
    """Make the case; `faults`: of a fifth of them an allocation fails."""
    pages, parts, limit_at, fault = numbers
    drawn = _layout(pages, calls)
    limit = _LIMITS[limit_at]
    locked = "".join(
        "_" if letter == "_" else "L" if letter not in "nf" and page % 2 else "."
        for page, letter in zip(pages, drawn, strict=True)
    )
    if limit is not None and locked.count("L") > limit:
        locked = locked.replace("L", ".")
    steps = _nested([_step(drawn, _parts(*part), calls) for part in parts])
    if faults and fault >= _WITHOUT_FAULT:
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


_NOWHERE = Location("generated", 1, 1)


def _layout(pages: list[int], calls: Calls) -> str:
    """Lay out pages, of which one in three is as the one before it. The heap can only be the first memory."""
    drawn = ""
    for page in pages:
        times, letter = divmod(page // 2, len(calls.layouts))
        drawn += drawn[-1] if drawn and _AS_BEFORE[times % len(_AS_BEFORE)] else calls.layouts[letter]
    behind = drawn.lstrip("_").lstrip("h")
    return drawn.removesuffix(behind) + behind.replace("h", "a")


def _step(drawn: str, parts: _Parts, calls: Calls) -> Step:
    call = calls.calls[parts.call % len(calls.calls)]
    if call is Call.BRK and "h" not in drawn:
        call = Call.TOUCH
    if call is Call.EXEC and "h" in drawn:
        # A new image may have memory of its own where the heap of this one was.
        return Step(call=call, image="missing")
    first = parts.first % len(drawn)
    strip = marked(first, min(parts.pages + 1, len(drawn) - first), len(drawn))
    return Step(call=call, **{name: make(strip, parts, calls) for name, make in _FIELDS.get(call, {}).items()})


def _bytes(strip: str, parts: _Parts, _calls: Calls) -> Range:
    return Range(pages=strip, start=_STARTS[parts.more % len(_STARTS)], length=_LENGTHS[parts.length])


def _whole(strip: str, _parts: _Parts, _calls: Calls) -> Range:
    return Range(pages=strip)


def _target(strip: str, parts: _Parts, _calls: Calls) -> Range:
    """In place in half of all cases."""
    first = strip.index("^") if parts.to_first < _MOST_PAGES // 2 else parts.to_first % len(strip)
    return Range(pages=marked(first, min(parts.to_pages + 1, len(strip) - first), len(strip)))


def _letter(_strip: str, parts: _Parts, calls: Calls) -> str:
    return calls.letters[parts.more % len(calls.letters)]


def _child(_strip: str, parts: _Parts, _calls: Calls) -> tuple[Step, ...]:
    return (Step(call=Call.OBSERVE),) * (1 + parts.more % 3)


def _one_of(*values: object) -> _Make:
    return lambda _strip, parts, _calls: values[parts.more % len(values)]


_FIELDS: dict[Call, dict[str, _Make]] = {
    Call.MLOCK: {"range": _bytes},
    Call.MLOCK2: {"range": _bytes, "flags": _one_of(("ONFAULT",), ("0",))},
    Call.MUNLOCK: {"range": _bytes},
    Call.MLOCKALL: {"flags": lambda _strip, parts, calls: calls.mlockall[parts.more % len(calls.mlockall)]},
    Call.MMAP: {
        "range": _whole,
        "region": _letter,
        "flags": lambda _strip, parts, calls: calls.mmap[parts.length % len(calls.mmap)],
    },
    Call.MUNMAP: {"range": _whole},
    Call.MPROTECT: {"range": _whole, "protection": _one_of(*_PROTECTIONS)},
    Call.MADVISE: {"range": _whole, "advice": _one_of("dontneed", "willneed")},
    Call.MSYNC: {"range": _whole, "flags": _one_of(("ASYNC", "INVALIDATE"))},
    Call.MREMAP: {"range": _whole, "to": _target},
    Call.BRK: {"range": _whole},
    Call.TOUCH: {"range": _whole},
    Call.EXEC: {"image": _one_of("self", "missing")},
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
            inside = [
                inner
                for inner in rest[: len(step.child)]
                if not inner.child and step.call not in inner.call.signature.not_within
            ]
            del rest[: len(step.child)]
            step = replace(step, child=(Step(call=Call.OBSERVE), *inside))
        made.append(step)
    return tuple(made)


def _with_fault(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Let the allocations of the last call that can have a fault fail.

    No access follows: where one ends the process the sweep ends too, and what comes of later allocations is not seen.
    """
    for index in reversed(range(len(steps))):
        if steps[index].call in _FAULTY:
            rest = (step for step in steps[index + 1 :] if Call.TOUCH not in {each.call for each in flatten((step,))})
            return (*steps[:index], replace(steps[index], fault="each-allocation"), *rest)
    return steps
