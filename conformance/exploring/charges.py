# SPDX-License-Identifier: Apache-2.0
"""Which requirement a step breaks that did what is not permitted, by what it returned and what it was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockproof.conformance.exploring import naive
from lockproof.conformance.language.calls import Call
from lockproof.conformance.language.requirements import Aspect

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lockproof.conformance.exploring.naive import Choice, State
    from lockproof.conformance.language.case import Step

__all__ = ["charged"]

_LASTS = "mlock.until-unlocked"
_SUCCEEDS = {
    Call.MLOCK: "mlock.locked-and-resident",
    Call.MUNLOCK: "munlock.unlocks",
    Call.MLOCKALL: "mlockall.locked-and-resident",
    Call.MUNLOCKALL: "munlockall.unlocks-all",
    Call.MMAP: "mlockall.future",
    Call.MUNMAP: "munmap.removed",
    Call.FORK: "fork.parent-keeps",
    Call.EXEC: "exec.removed",
}
"""What is broken where a call returns 0 and locks are not as they should be; of any other, that a lock lasts."""
_FAILS = {
    Call.MLOCK: "mlock.failure.no-change",
    Call.MUNLOCK: "munlock.failure.no-change",
    Call.MLOCKALL: "mlockall.failure.no-additional",
}
"""The same where it fails."""
_MUST_FAIL = {
    Call.MLOCK: "mlock.enomem.unmapped",
    Call.MUNLOCK: "munlock.enomem.unmapped",
    Call.MSYNC: "msync.ebusy",
}
"""What is broken where it returns 0 and should have failed."""
_MUST_SUCCEED = {Call.MUNLOCKALL: "munlockall.always-zero"}
"""What is broken where it fails and should have returned 0; of any other, what its success means."""


def charged(
    step: Step,
    result: str,
    aspect: Aspect,
    state: State,
    choices: Iterable[Choice],
    earlier: Iterable[tuple[Step, str]],
) -> str:
    """Return the id of the requirement.

    `aspect`: what of the step is not permitted; `state`: from before it; `choices`: what it may have done; `earlier`:
    the steps before it in the same process, with their results.
    """
    if step.call is Call.TOUCH:
        return "mmap.past-end" if _begins_past_end(step, state) else "mmap.no-access"
    if aspect is Aspect.RESULT:
        return _of_result(step, result, state, choices)
    if result != "0":
        return _FAILS.get(step.call, _LASTS)
    if step.call is Call.MMAP and state.future is False:
        return _armed(earlier)
    return _SUCCEEDS.get(step.call, _LASTS)


def _begins_past_end(step: Step, state: State) -> bool:
    first = step.range.first if step.range is not None else 0
    return first in state.past_end and first not in state.barred


def _of_result(step: Step, result: str, state: State, choices: Iterable[Choice]) -> str:
    permitted = frozenset[str]().union(*(choice.results for choice in choices))
    if result != "0" and permitted == {"0"}:
        return _MUST_SUCCEED.get(step.call, _SUCCEEDS.get(step.call, _LASTS))
    if result != "0":
        return "errno.required"
    if step.call in {Call.MLOCK, Call.MLOCKALL} and naive.is_mapped(state, step):
        # Only the limit was in the way. Of limits POSIX leaves everything to the implementation.
        return "linux.rlimit-memlock" if state.limit else "linux.rlimit-memlock.zero"
    return _MUST_FAIL.get(step.call, "errno.required")


def _armed(earlier: Iterable[tuple[Step, str]]) -> str:
    """Return what should have kept MCL_FUTURE from being in force."""
    for step, result in reversed(list(earlier)):
        if step.call is Call.MUNLOCKALL:
            return "munlockall.cancels-future"
        if step.call is Call.MLOCKALL and "FUTURE" in step.flags:
            return "mlockall.failure.future" if result != "0" else "fork.not-inherited"
        if step.call is Call.EXEC and result == "0":
            return "exec.removed"
    return "mlockall.future"
