# SPDX-License-Identifier: Apache-2.0
"""Whether two targets did the same: each step's result, every page's lock, the count of locks, mapping boundaries.

Where allocations fail in turn, what the one calls its nth allocation need not be the other's: then the sets of what
can come of the case are compared. What comes of a failure in the model alone is counted, and no divergence: a kernel
may have at hand what the model allocates, such as nodes of the tree of mappings that Linux 7.2 keeps in store.
Residency is not compared: kernels read ahead, and map what surrounds a page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lockproof.conformance.exploring.naive import Choice, State
from lockproof.conformance.exploring.permitted import Divergence
from lockproof.conformance.judging.judge import locks
from lockproof.conformance.language.case import flatten

if TYPE_CHECKING:
    from lockproof.conformance.language.case import Case
    from lockproof.conformance.protocol.trace import Execution, Snapshot, Trace

__all__ = ["Agreement", "compare"]

_NONE: frozenset[int] = frozenset()


class _Seen(NamedTuple):
    """What is compared of one step."""

    step: int
    result: str
    locked: str
    mappings: str | None
    counted: int | None
    """Pages counted as locked, without those of the program itself."""
    elsewhere: str
    """Whether the program's own pages are locked."""

    def __str__(self) -> str:
        return (
            f"{self.result}, locks {self.locked}, mappings {self.mappings}, {self.counted} counted, "
            f"{self.elsewhere} of the program's own"
        )


class Agreement(NamedTuple):
    """Whether a target and a model did the same in one case."""

    divergence: Divergence | None
    """Where they did not."""
    allocates_less: bool
    """Whether something comes of the failure of an allocation in the model only: the target does not make it."""


def compare(case: Case, trace: Trace, model: Trace, page_size: int) -> Agreement:
    """Find the first step in which a target was unlike a model."""
    trouble = trace.trouble or model.trouble or (trace.crash.what if trace.crash else None)
    if trouble is not None or not trace.executions:
        return Agreement(Divergence(-1, trouble or "nothing was executed"), allocates_less=False)
    modes = _has_modes(model) and _has_modes(trace)
    ours = [_walk(execution, modes=modes) for execution in trace.executions]
    theirs = [_walk(execution, modes=modes) for execution in model.executions]
    strange = next((walk for walk in ours if walk not in theirs), None)
    if strange is not None:
        return Agreement(_divergence(case, strange, theirs, page_size, by="the target"), allocates_less=False)
    for execution, walk in zip(model.executions, theirs, strict=True):
        if walk not in ours and not _has_failure(execution):
            return Agreement(_divergence(case, walk, ours, page_size, by="the model"), allocates_less=False)
    return Agreement(None, allocates_less=any(walk not in ours for walk in theirs))


def _has_failure(execution: Execution) -> bool:
    return any(step.fault in {"failed", "absorbed"} for step in execution.steps)


def _has_modes(trace: Trace) -> bool:
    return any("model" in snapshot.locked or "F" in (locks(snapshot) or "") for snapshot in _snapshots(trace))


def _snapshots(trace: Trace) -> list[Snapshot]:
    return [step.snapshot for execution in trace.executions for step in execution.steps]


def _walk(execution: Execution, *, modes: bool) -> tuple[_Seen | str, ...]:
    steps = [_seen(step.step, step.result, step.snapshot, modes=modes) for step in execution.steps]
    return (*steps, f"{execution.status}")


def _seen(step: int, result: str, snapshot: Snapshot, *, modes: bool) -> _Seen:
    elsewhere = snapshot.elsewhere
    own = elsewhere.locked if elsewhere else 0
    word = "none" if not own else "all" if elsewhere and own == elsewhere.mapped else "some"
    counted = None if snapshot.accounted is None else snapshot.accounted - own
    locked = locks(snapshot) or "not seen"
    return _Seen(step, result, locked if modes else locked.replace("F", "L"), snapshot.mappings, counted, word)


def _divergence(
    case: Case, missing: tuple[_Seen | str, ...], other: list[tuple[_Seen | str, ...]], page_size: int, *, by: str
) -> Divergence:
    """Say where what only one of them did leaves everything that the other did."""

    def common(walk: tuple[_Seen | str, ...]) -> int:
        return next((i for i, (a, b) in enumerate(zip(missing, walk, strict=False)) if a != b), len(walk))

    nearest = max(other, key=common)
    at = min(common(nearest), len(missing) - 1, len(nearest) - 1)
    here, there = missing[at], nearest[at]
    call = next(
        (
            step.call
            for number, step in enumerate(flatten(case.steps))
            if isinstance(here, _Seen) and number == here.step
        ),
        "end",
    )
    what = f"{call}: only {by} gave {here}; the other gave {there}"
    results = {seen.step: seen.result for seen in missing[:at] if isinstance(seen, _Seen)}
    choices = tuple(_choice(walk[at], page_size) for walk in other if len(walk) > at and isinstance(walk[at], _Seen))
    step = here.step if isinstance(here, _Seen) else max(results, default=0)
    return Divergence(step, what, tuple(dict.fromkeys(choices)), None, results)


def _choice(seen: _Seen | str, page_size: int) -> Choice:
    """Say what one did as what is permitted, for a case."""
    assert isinstance(seen, _Seen)  # noqa: S101  asked before
    locked = frozenset(page for page, lock in enumerate(seen.locked) if lock in "LF")
    mapped = frozenset(page for page, lock in enumerate(seen.locked) if lock != "_")
    state = State(mapped, locked, _NONE, _NONE, limit=None, program=None, page_size=page_size)
    on_fault = frozenset(page for page, lock in enumerate(seen.locked) if lock == "F")
    return Choice(frozenset({seen.result}), state, on_fault=on_fault)
