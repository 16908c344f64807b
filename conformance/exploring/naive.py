# SPDX-License-Identifier: Apache-2.0
"""What POSIX permits, said a second time and as simply as can be: a set of locked pages, and little else.

The reference model (native/models/posix) is the yardstick of the cases; this is the yardstick of the model. It shares
nothing with it: no mappings, no drafts, no allocations. Where the standard leaves a choice, all choices are permitted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING

from lockproof.conformance.language.calls import Call

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from lockproof.conformance.language.case import Region, Step

__all__ = ["Choice", "State", "at_once", "child_of", "is_mapped", "job", "permitted"]

_Pages = frozenset[int]

_NONE: _Pages = frozenset()
_CANNOT = frozenset({"EAGAIN", "ENOMEM"})
"""What a call may say of a page that cannot be brought into memory, and of an allocation that fails."""
_NO_CONTENT = _CANNOT | {"EFAULT"}
"""What mlockall, and mmap under MCL_FUTURE, may say of a page that can have no content (docs/interpretations.md)."""
_NO_OBJECT = frozenset({"ENOSPC"})
"""What mmap may say besides of an object that could not be made for its memory. An implementation may have more errors
than the standard lists for a call (POSIX.1-2024, XSH 2.3), and this one is about no lock.
"""


@dataclass(frozen=True, slots=True)
class State:
    """A process, as far as locks go. Pages are numbered as in the arena."""

    mapped: _Pages
    locked: _Pages
    past_end: _Pages = frozenset()
    """Pages past the end of a file: mapped, but perhaps not validly."""
    barred: _Pages = frozenset()
    """Pages without any access."""
    unsure: _Pages = frozenset()
    """Other pages of which nobody knows whether there is access."""
    absent: _Pages = frozenset()
    """Locked pages that need not be in memory, because a call that is known to deviate has left them out."""
    future: bool | None = False
    """Whether MCL_FUTURE is in force; None: that is open."""
    program: bool | None = None
    """Whether all pages outside the arena are locked, or none; None: neither."""
    limit: int | None = None
    """Pages that it may lock; None: any number."""
    page_size: int = 4096

    @property
    def inaccessible(self) -> _Pages:
        """Pages that may not be accessible, so that nobody knows whether they can be brought in."""
        return self.past_end | self.barred | self.unsure


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that a call may do."""

    results: frozenset[str]
    """Of an access also signals, which end the process."""
    after: State
    open: _Pages = frozenset()
    """Mapped pages that may be locked or not, whatever `after` says."""
    on_fault: _Pages = frozenset()
    """Those of the locked pages that are locked on fault; the standard knows no such locks."""


def permitted(state: State, step: Step, region: Region | None, object_page: int, *, fault: bool) -> list[Choice]:
    """Return all that a step may do.

    `region` and `object_page`: what mmap maps; `fault`: whether an allocation was made to fail.
    """
    if step.call is Call.MMAP:
        choices = list(_mmap(state, step, region, object_page))
    else:
        choices = list(_RULES[step.call](state, step))
    if fault and step.call is Call.MLOCKALL:
        choices.append(_failed_mlockall(_CANNOT, state))
    elif fault and step.call is Call.MMAP:
        choices += (
            Choice(_CANNOT | _NO_OBJECT, state),
            Choice(_CANNOT | _NO_OBJECT, _without(state, _pages(state, step))),
        )
    elif fault and step.call is not Call.MUNLOCKALL:  # which always returns 0
        choices.append(Choice(_CANNOT, state))
    return choices


def job(state: State, step: Step) -> _Pages:
    """Return the pages that would be locked if a call did all that it was asked for, whatever it may not do.

    A call that is known to deviate leaves its job half done: each page is as it was, or as it is here.
    """
    match step.call:
        case Call.MLOCK:
            return state.locked | ((_pages(state, step) or _begun(state, step)) & state.mapped)
        case Call.MUNLOCK:
            return state.locked - (_pages(state, step) or _begun(state, step))
        case Call.MLOCKALL if "CURRENT" in step.flags:
            return state.mapped
        case Call.MUNLOCKALL:
            return _NONE
    return state.locked


_ZERO = frozenset({"0"})
_OF_MLOCK = frozenset({"EAGAIN", "EINVAL", "ENOMEM", "EPERM"})
"""The errors that the standard has for mlock, and but for EPERM for munlock."""


def _pages(state: State, step: Step) -> _Pages:
    """Return the pages that hold a byte of the range, a part of them outside the arena."""
    start, length = _bytes(state, step)
    if not length:
        return frozenset()
    return frozenset(range(start // state.page_size, (start + length - 1) // state.page_size + 1))


def _begun(state: State, step: Step) -> _Pages:
    """Return the page inside which the range begins: what sums that wrap may leave of a range that has no pages."""
    start = _bytes(state, step)[0]
    return frozenset({start // state.page_size}) if start % state.page_size else _NONE


def _bytes(state: State, step: Step) -> tuple[int, int]:
    """Return where the range begins in the arena, and its length, negative for one that counts from the top."""
    if step.range is None:
        return 0, 0
    named = step.range
    start = named.first * state.page_size + named.start
    length = named.count * state.page_size + named.end - named.start
    return start, named.length.in_bytes(state.page_size) if named.length is not None else length


def _without(state: State, pages: _Pages) -> State:
    return replace(
        state,
        mapped=state.mapped - pages,
        locked=state.locked - pages,
        past_end=state.past_end - pages,
        barred=state.barred - pages,
        unsure=state.unsure - pages,
        absent=state.absent - pages,
    )


def _range_errors(state: State, step: Step) -> tuple[set[str], _Pages | None]:
    """Return the errors that the range alone calls for, and its pages where it has any that can be named."""
    length = _bytes(state, step)[1]
    if length < 0:
        return {"ENOMEM", "EINVAL"}, None
    pages = _pages(state, step)
    return ({"ENOMEM"} if pages - state.mapped else set()), pages


def is_mapped(state: State, step: Step) -> bool:
    """Tell whether every page of a step's range is mapped; so of one that has no range."""
    return not _range_errors(state, step)[0]


def _unaligned(state: State, step: Step) -> Iterator[Choice]:
    if _bytes(state, step)[0] % state.page_size:
        yield Choice(frozenset({"EINVAL"}), state)


def _empty(state: State, step: Step, errors: frozenset[str], job: Callable[[_Pages], _Pages]) -> Iterator[Choice]:
    """Permit what a call may do of a range of no bytes, of which the standard does not speak.

    Its errors are as good as any (XSH 2.3), and change nothing, as those of a call that fails "for whatever reason".
    No page holds a part of the range; but rounding outward gives one where the address lies inside a page.
    """
    yield Choice(errors, state)
    yield Choice(_ZERO, state)
    if _begun(state, step):
        yield Choice(_ZERO, replace(state, locked=job(_begun(state, step) & state.mapped)))


def _mlock(state: State, step: Step) -> Iterator[Choice]:
    errors, pages = _range_errors(state, step)
    if pages is not None and not pages:
        yield from _empty(state, step, _OF_MLOCK, state.locked.union)
        return
    yield from _unaligned(state, step)
    if state.limit == 0:
        errors |= {"EPERM", "ENOMEM"}
    elif pages is not None and state.limit is not None and len(state.locked | pages) > state.limit:
        errors |= {"ENOMEM"}
    if errors or pages is None:
        yield Choice(frozenset(errors), state)
        return
    if pages & state.inaccessible:
        yield Choice(_CANNOT, state)
    yield Choice(_ZERO, replace(state, locked=state.locked | pages, absent=state.absent - pages))


def _munlock(state: State, step: Step) -> Iterator[Choice]:
    errors, pages = _range_errors(state, step)
    if pages is not None and not pages:
        yield from _empty(state, step, _OF_MLOCK - {"EPERM"}, state.locked.difference)
        return
    yield from _unaligned(state, step)
    if pages is not None and pages & state.past_end:
        yield Choice(frozenset({"ENOMEM"}), state)
    if errors or pages is None:
        yield Choice(frozenset(errors), state)
    else:
        yield Choice(_ZERO, replace(state, locked=state.locked - pages))


def _failed_mlockall(results: frozenset[str], state: State) -> Choice:
    """Lock nothing more. What becomes of earlier locks is unspecified (mlockall, RETURN VALUE)."""
    return Choice(results, replace(state, program=False if state.program is False else None), open=state.locked)


def _mlockall(state: State, step: Step) -> Iterator[Choice]:
    if state.limit == 0:
        yield _failed_mlockall(frozenset({"EPERM", "ENOMEM"}), state)
        return
    if "CURRENT" not in step.flags:
        yield Choice(_ZERO, replace(state, future=True))
        return
    # Whether MCL_CURRENT alone cancels an earlier MCL_FUTURE is not said.
    future = True if "FUTURE" in step.flags else None if state.future is not False else False
    if state.limit is not None:
        yield _failed_mlockall(frozenset({"ENOMEM"}), state)
    if state.inaccessible:
        yield _failed_mlockall(_NO_CONTENT, state)
    for locked in dict.fromkeys((state.mapped, state.mapped - state.inaccessible)):  # without content: passed over
        yield Choice(_ZERO, replace(state, locked=locked, absent=state.inaccessible, future=future, program=True))


def _munlockall(state: State, _step: Step) -> Iterator[Choice]:
    yield Choice(_ZERO, replace(state, locked=_NONE, absent=_NONE, future=False, program=False))


def _mmap(state: State, step: Step, region: Region | None, object_page: int) -> Iterator[Choice]:
    if region is None or step.range is None:
        return
    pages = _pages(state, step)
    fresh = _without(state, pages)
    ends = region.file_pages
    past = frozenset(page for page in pages if ends is not None and object_page + (page - step.range.first) >= ends)
    barred = pages if region.protection == "none" else _NONE
    made = replace(fresh, mapped=fresh.mapped | pages, past_end=fresh.past_end | past, barred=fresh.barred | barred)
    if state.future is not True:
        yield Choice(_ZERO, made)
    if state.future is False:
        return
    # What counts against a limit, and what is done above it, the implementation defines (mlockall, DESCRIPTION): what
    # is replaced may still count.
    limit = inf if state.limit is None else state.limit
    errors = _NO_CONTENT if past or barred else _CANNOT
    if len(state.locked) + len(pages) > limit or past or barred:
        yield Choice(errors, state)
        yield Choice(errors, fresh)
    above = len(made.locked | pages) > limit
    locked = made.locked | pages
    for kept in dict.fromkeys((locked, locked - past - barred)):  # what has no content may be passed over
        after = replace(made, locked=kept, absent=made.absent | past | barred)
        yield Choice(_ZERO, after, open=pages if above else _NONE)


def _munmap(state: State, step: Step) -> Iterator[Choice]:
    yield Choice(_ZERO, _without(state, _pages(state, step)))


def _mprotect(state: State, step: Step) -> Iterator[Choice]:
    pages = _pages(state, step)
    barred = state.barred | pages if step.protection == "none" else state.barred - pages
    if not pages - state.mapped:
        yield Choice(_ZERO, replace(state, barred=barred, unsure=state.unsure - pages))
        return
    # Protections may have changed up to the hole.
    barred &= state.barred
    unsure = (state.unsure | (pages & state.mapped)) - barred
    yield Choice(frozenset({"ENOMEM"}), replace(state, barred=barred, unsure=unsure))


def _touch(state: State, step: Step) -> Iterator[Choice]:
    """Page by page, up to one of which it is sure that the process ends there."""
    ends: set[str] = set()
    for page in sorted(_pages(state, step)):
        if page in state.unsure or page in state.barred or page not in state.mapped:
            ends.add("SIGSEGV")
        if page in state.past_end and page not in state.barred:
            ends.add("SIGBUS")
        if page in state.past_end | state.barred or page not in state.mapped:
            break
    else:
        yield Choice(_ZERO, state)
    if ends:
        yield Choice(frozenset(ends), state)


def _msync(state: State, step: Step) -> Iterator[Choice]:
    pages = _pages(state, step)
    errors = {"ENOMEM"} if pages - state.mapped else set()
    errors |= {"EBUSY"} if pages & state.locked else set()
    yield Choice(frozenset(errors) or _ZERO, state)


def _exec(state: State, step: Step) -> Iterator[Choice]:
    if step.image == "missing":
        # What becomes of locks where exec fails is left open (exec, DESCRIPTION).
        future, program = (False if known is False else None for known in (state.future, state.program))
        yield Choice(frozenset({"ENOENT"}), replace(state, future=future, program=program), open=state.locked)
        return
    yield Choice(_ZERO, State(_NONE, _NONE, program=False, limit=state.limit, page_size=state.page_size))


def _nothing(state: State, _step: Step) -> Iterator[Choice]:
    yield Choice(_ZERO, state)


def _spawn(state: State, step: Step) -> Iterator[Choice]:
    yield Choice(frozenset({"ENOENT"}) if step.image == "missing" else _ZERO, state)


def at_once(
    state: State, calls: Sequence[tuple[Step, Region | None, int]], results: Sequence[Collection[str]], times: int
) -> list[Choice]:
    """Return what calls may leave that are made at the same time, so often each, and give these results.

    It is what they may leave one after another, each page for itself. `calls`: each with what `permitted` wants to know
    of an mmap. There is nothing where in no order they give these results.
    """
    nothing_given = frozenset[tuple[int, str]]()
    left = [(state, nothing_given)]
    seen = set(left)
    while left:
        now, given = left.pop()
        for number, (step, region, object_page) in enumerate(calls):
            if times == 1 and any(other == number for other, _ in given):
                continue
            for choice in permitted(now, step, region, object_page, fault=False):
                for result in choice.results.intersection(results[number]):
                    after = (choice.after, given | {(number, result)})
                    if after not in seen:
                        seen.add(after)
                        left.append(after)
    all_given = {(number, result) for number, some in enumerate(results) for result in some}
    ends = [now for now, given in seen if given == all_given]
    sure = frozenset[int].intersection(*(end.locked for end in ends)) if ends else _NONE
    some = frozenset[int].union(_NONE, *(end.locked for end in ends)) - sure
    kinds = {(end.mapped, end.program): end for end in ends}
    return [
        Choice(_ZERO, replace(end, locked=sure & end.mapped, absent=_NONE), open=some & end.mapped)
        for end in kinds.values()
    ]


def child_of(state: State) -> State:
    """Return the state of a forked child: the same memory, and no locks."""
    return replace(state, locked=_NONE, absent=_NONE, future=False, program=False)


_RULES: dict[Call, Callable[[State, Step], Iterator[Choice]]] = {
    Call.MLOCK: _mlock,
    Call.MUNLOCK: _munlock,
    Call.MLOCKALL: _mlockall,
    Call.MUNLOCKALL: _munlockall,
    Call.MUNMAP: _munmap,
    Call.MPROTECT: _mprotect,
    Call.MSYNC: _msync,
    Call.TOUCH: _touch,
    Call.EXEC: _exec,
    Call.FORK: _nothing,
    Call.VFORK: _nothing,
    Call.POSIX_SPAWN: _spawn,
    Call.THREAD: _nothing,
    Call.OBSERVE: _nothing,
}
