# SPDX-License-Identifier: Apache-2.0
"""What is said of verdicts in one line."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.reports.picture import drawn

if TYPE_CHECKING:
    from lockproof.conformance.judging.verdict import Verdict
    from lockproof.conformance.running.tally import CaseTally, Tally

__all__ = ["summary", "tally_summary", "why_nothing_was_found_out"]


def summary(verdict: Verdict) -> str:
    """Say in one line why a verdict is what it is."""
    if verdict.status is not Status.FAIL:
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
    return f"{text} ({entry.like_worst} of {entry.repetitions} repetitions)"


def why_nothing_was_found_out(tally: Tally, target: str) -> str:
    """Say what became of most of the cases of a target of which none passed and none failed."""
    reasons = Counter(f"{entry.status}: {tally_summary(entry)}" for entry in tally.of_target(target))
    ((reason, count),) = reasons.most_common(1)
    return f"{count} of {reasons.total()} cases {reason}"
