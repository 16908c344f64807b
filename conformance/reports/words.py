# SPDX-License-Identifier: Apache-2.0
"""What is said of verdicts in one line."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.reports.picture import drawn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lockproof.conformance.judging.verdict import Verdict
    from lockproof.conformance.running.tally import CaseTally, Tally
    from lockproof.runners.target import TargetInfo

__all__ = ["summary", "tally_summary", "what_stands_out", "why_nothing_was_found_out"]

_SHOWN = 4  # names in a line
_LOCKING = ("mlock", "munlock", "mlockall", "munlockall")
_LIMITED = ("mlock", "mlock2", "mlockall")
_LOOKING = {
    "smaps": "/proc/self/smaps cannot be read",
    "msync-invalidate": "msync with MS_INVALIDATE does not tell locks",
    "anonymous": "anonymous memory cannot be mapped",
}
"""What can be refused besides calls and leaves little to be found out."""


def summary(verdict: Verdict) -> str:
    """Say in one line why a verdict is what it is, and which readings of the standard it rests on; empty: a PASS."""
    why, resting = _why(verdict), verdict.resting
    return f"{why} ({resting})" if why and resting else why or resting


def _why(verdict: Verdict) -> str:
    if verdict.status is not Status.FAIL or not verdict.findings:
        return verdict.reason
    first = verdict.findings[0]
    if first.seen is None or first.permitted is None:
        return str(first)
    what = f"{first.message}{first.when}"
    return f"{first.requirement}: after {drawn(first.seen)} permitted {drawn(first.permitted)} ({what})"


def tally_summary(entry: CaseTally) -> str:
    """Say in one line why a case is what it is; with the count where not all repetitions were alike."""
    text = summary(entry.worst.verdict)
    if entry.like_worst == entry.repetitions:
        return text
    flaky = "flaky: " if entry.is_flaky else ""
    return f"{flaky}{text} ({entry.like_worst} of {entry.repetitions} repetitions)"


def why_nothing_was_found_out(tally: Tally, target: str) -> str:
    """Say what became of most of the cases of a target of which none passed and none failed."""
    reasons = Counter(f"{entry.status}: {tally_summary(entry)}" for entry in tally.of_target(target))
    ((reason, count),) = reasons.most_common(1)
    return f"{count} of {reasons.total()} cases {reason}"


def what_stands_out(info: TargetInfo) -> str:
    """Say in one line what of a target is not as it should be before a case has run; empty: nothing."""
    missing = [call for call in _LOCKING if call not in info.calls and call not in info.trouble]
    said = [f"it has no {_names(missing)}"] if missing else []
    refused = {name: info.refused[name] for name in info.calls if name in info.refused}
    for error in dict.fromkeys(refused.values()):
        calls = [call for call in refused if refused[call] == error]
        why = "" if set(calls).isdisjoint(_LIMITED) else f" ({_privilege(info)})"
        said.append(f"{_names(calls)} {'is' if len(calls) == 1 else 'are'} refused with {error}{why}")
    for end in dict.fromkeys(info.trouble.values()):
        trials = [trial for trial in info.trouble if info.trouble[trial] == end]
        said.append(f"the trial{'' if len(trials) == 1 else 's'} of {_names(trials)} {end}")
    said += [f"{what}: {info.refused[name]}" for name, what in _LOOKING.items() if name in info.refused]
    return "; ".join(said)


def _privilege(info: TargetInfo) -> str:
    if info.privileged:
        return "with CAP_IPC_LOCK"
    return f"without CAP_IPC_LOCK; RLIMIT_MEMLOCK {'unlimited' if info.memlock < 0 else f'{info.memlock} bytes'}"


def _names(names: Sequence[str]) -> str:
    shown = [*names[:_SHOWN], f"{len(names) - _SHOWN} more"] if len(names) > _SHOWN + 1 else [*names]
    return " and ".join((", ".join(shown[:-1]), shown[-1])) if len(shown) > 1 else shown[0]
