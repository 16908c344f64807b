# SPDX-License-Identifier: Apache-2.0
"""Whether memory was taken back at all: no system has to take what is not locked, but without that nothing shows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lockproof.conformance.counted import page_numbers

if TYPE_CHECKING:
    from lockproof.conformance.language.case import Outcome
    from lockproof.conformance.protocol.trace import Snapshot

__all__ = ["nothing_shown", "without_duty_to_go"]


def without_duty_to_go(outcome: Outcome) -> Outcome:
    """Return an outcome that permits what it wants to be gone to be there."""
    return replace(outcome, resident=outcome.resident.replace(".", "?"))


def nothing_shown(outcome: Outcome, before: Snapshot, after: Snapshot) -> str | None:
    """Return why it is not shown that memory was taken; None: it is. Where residency was not seen others say so."""
    if before.resident is None or after.resident is None:
        return None
    may_go = [page for page, wanted in enumerate(outcome.resident) if wanted == "."]
    if stayed := [page for page in may_go if after.resident[page] == "R"]:
        return f"did not take {page_numbers(stayed)}, so that it says nothing about the others"
    if not any(before.resident[page] == "R" for page in may_go):
        return "took nothing: no page that may go was there before"
    return None
