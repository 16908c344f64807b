# SPDX-License-Identifier: Apache-2.0
"""What the engine tells while it runs; whoever wants to know listens.

The store, the terminal and the stream of `lockproof run --events` are listeners. A listener is called by one thread at
a time; what it raises ends the run.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lockproof.conformance.running.results import Result
from lockproof.conformance.visible import CONTROLS

if TYPE_CHECKING:
    from lockproof.runners.target import TargetInfo

__all__ = ["Event", "Listener", "TargetEnded", "TargetStarted", "as_json"]


@dataclass(frozen=True, slots=True)
class TargetStarted:
    """A session of a target was started."""

    target: str
    info: TargetInfo
    about: str
    """One line for people on how it was started; empty where there is nothing to say."""


@dataclass(frozen=True, slots=True)
class TargetEnded:
    """All is done that could be done on a target."""

    target: str
    trouble: str | None
    """Why its last session ended before its time."""


_ESCAPED = {code: f"\\u{code:04x}" for code in CONTROLS}
"""JSON leaves some characters as they are to which a terminal listens."""

Event = TargetStarted | Result | TargetEnded
Listener = Callable[[Event], None]


def as_json(event: Event) -> str:
    """Return an event as one line of JSON; a result without its trace, which results.jsonl has."""
    return json.dumps(_fields(event), ensure_ascii=False, separators=(",", ":")).translate(_ESCAPED)


def _fields(event: Event) -> dict[str, Any]:
    match event:
        case TargetStarted():
            return {"event": "started", "target": event.target, "about": event.about, "info": event.info.as_json()}
        case TargetEnded():
            return {"event": "ended", "target": event.target, "trouble": event.trouble}
        case Result():
            verdict = event.verdict
            return {
                "event": "result",
                "target": event.target,
                "case": event.case,
                "repetition": event.repetition,
                "verdict": verdict.status,
                "reason": verdict.reason,
                "rests_on": verdict.rests_on,
                "findings": [
                    {
                        "requirement": finding.requirement,
                        "aspect": finding.aspect,
                        "message": f"{finding.message}{finding.when}",
                    }
                    for finding in verdict.findings
                ],
                "seconds": event.seconds,
            }
