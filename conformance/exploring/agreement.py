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
from lockproof.conformance.exploring.permitted import UNFINISHED, Divergence, crashed, reason_of
from lockproof.conformance.judging.judge import locks
from lockproof.conformance.language.case import flatten
from lockproof.conformance.language.fields import SIGNALS

if TYPE_CHECKING:
    from lockproof.conformance.language.case import Case
    from lockproof.conformance.protocol.trace import Execution, Snapshot, Trace

__all__ = ["Agreement", "compare"]


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
        mappings = f", mappings {self.mappings}" if self.mappings is not None else ""
        counted = f", {self.counted} counted" if self.counted is not None else ""
        return f"{self.result}, locks {self.locked}{mappings}{counted}, {self.elsewhere} of the program's own"


class _Ended(NamedTuple):
    """How an execution ended."""

    step: int
    """The step that was under way, or how many were made."""
    result: str
    """The signal that ended the process, or the status."""

    def __str__(self) -> str:
        return self.result


_Walk = tuple[_Seen | _Ended, ...]


class Agreement(NamedTuple):
    """Whether a target and a model did the same in one case."""

    divergence: Divergence | None
    """Where they did not."""
    allocates_less: bool = False
    """Whether something comes of the failure of an allocation in the model only: the target does not make it."""
    unresolved: str = ""
    """Why it could not be found out whether they did; empty: it was."""


def compare(case: Case, trace: Trace, model: Trace, page_size: int) -> Agreement:
    """Find the first step in which a target was unlike a model."""
    if trace.crash is not None:
        return Agreement(crashed(case, trace, trace.crash))
    trouble = _trouble(trace) or _trouble(model)
    if trouble:
        return Agreement(None, unresolved=trouble)
    modes = _has_modes(model) and _has_modes(trace)
    ours = [_walk(execution, modes=modes) for execution in trace.executions]
    theirs = [_walk(execution, modes=modes) for execution in model.executions]
    strange = next((walk for walk in ours if walk not in theirs), None)
    if strange is not None:
        return Agreement(_divergence(case, strange, theirs, page_size, by="the target"))
    for execution, walk in zip(model.executions, theirs, strict=True):
        if walk not in ours and not _has_failure(execution):
            return Agreement(_divergence(case, walk, ours, page_size, by="the model"))
    return Agreement(None, allocates_less=any(walk not in ours for walk in theirs))


def _trouble(trace: Trace) -> str:
    """Say why a trace says nothing, where it does not."""
    if trace.trouble is not None or not trace.executions:
        return trace.trouble or "nothing was executed"
    return next((reason_of(execution) for execution in trace.executions if execution.status in UNFINISHED), "")


def _has_failure(execution: Execution) -> bool:
    return any(step.fault in {"failed", "absorbed"} for step in execution.steps)


def _has_modes(trace: Trace) -> bool:
    return any("model" in snapshot.locked or "F" in (locks(snapshot) or "") for snapshot in _snapshots(trace))


def _snapshots(trace: Trace) -> list[Snapshot]:
    return [step.snapshot for execution in trace.executions for step in execution.steps]


def _walk(execution: Execution, *, modes: bool) -> _Walk:
    steps = [_seen(step.step, step.result, step.snapshot, modes=modes) for step in execution.steps]
    at = execution.at_step
    return (*steps, _Ended(len(steps) if at is None else at, execution.signal or execution.status))


def _seen(step: int, result: str, snapshot: Snapshot, *, modes: bool) -> _Seen:
    elsewhere = snapshot.elsewhere
    own = elsewhere.locked if elsewhere else 0
    word = "none" if not own else "all" if elsewhere and own == elsewhere.mapped else "some"
    counted = None if snapshot.accounted is None else snapshot.accounted - own
    locked = locks(snapshot) or "not seen"
    return _Seen(step, result, locked if modes else locked.replace("F", "L"), snapshot.mappings, counted, word)


def _divergence(case: Case, missing: _Walk, other: list[_Walk], page_size: int, *, by: str) -> Divergence:
    """Say where what only one of them did leaves everything that the other did."""

    def common(walk: _Walk) -> int:
        return next((i for i, (a, b) in enumerate(zip(missing, walk, strict=False)) if a != b), len(walk))

    nearest = max(other, key=common)
    at = min(common(nearest), len(missing) - 1, len(nearest) - 1)
    here, there = missing[at], nearest[at]
    steps = list(flatten(case.steps))
    step = min(here.step, len(steps) - 1)
    what = f"{steps[step].call}: only {by} gave {here}; the other gave {there}"
    results = {seen.step: seen.result for seen in missing[:at]}
    done = [walk[at] for walk in other if len(walk) > at]
    choices = tuple(_choice(seen, page_size) for seen in done if isinstance(seen, _Seen) or seen.result in SIGNALS)
    return Divergence(step, what, tuple(dict.fromkeys(choices)), results)


def _choice(seen: _Seen | _Ended, page_size: int) -> Choice:
    """Say what one did as what is permitted, for a case."""
    strip = "" if isinstance(seen, _Ended) else seen.locked
    locked = frozenset(page for page, lock in enumerate(strip) if lock in "LF")
    mapped = frozenset(page for page, lock in enumerate(strip) if lock != "_")
    on_fault = frozenset(page for page, lock in enumerate(strip) if lock == "F")
    return Choice(frozenset({seen.result}), State(mapped, locked, page_size=page_size), on_fault=on_fault)
