# SPDX-License-Identifier: Apache-2.0
"""What calls at the same time gave and left, against what some order of them gives and leaves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lockproof.conformance.judging.comparison import Mismatch
from lockproof.conformance.language.fields import DONE
from lockproof.conformance.language.requirements import Aspect

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from lockproof.conformance.language.case import Outcome, Step
    from lockproof.conformance.language.orders import End

__all__ = ["AtOnce"]

_HOLE = "_"


@dataclass(frozen=True, slots=True)
class AtOnce:
    """Calls that threads made at the same time."""

    calls: tuple[Step, ...]
    results: tuple[tuple[str, ...], ...]
    """Of each call what it gave, different results once."""
    now: str | None
    """The locks after all; None: nobody saw them."""
    ends: Collection[End]
    """Of all orders."""
    same: Callable[[str], str]
    """Makes the modes of locks one, where the target does not tell them."""

    def unexplained(self) -> Mismatch | None:
        """Return what is wrong with the results, where no order gives them."""
        if self._like():
            return None
        gave = ", ".join(
            f"{call.call} gave {_either(results)}" for call, results in zip(self.calls, self.results, strict=True)
        )
        permitted = sorted({", ".join(map(_either, end.results)) for end in self.ends})
        return Mismatch(Aspect.RESULT, f"{gave}, as in no order of them", permitted="; ".join(permitted))

    def permitted(self, outcome: Outcome) -> Outcome:
        """Return an outcome with strips instead of `done`.

        Where the orders leave a page in several ways, it is the one that was seen, or else any of them.
        """
        if self.now is None or DONE not in {outcome.locked, outcome.resident}:
            return outcome
        locked = "".join(self._page(page, lock) for page, lock in enumerate(self.now))
        resident = "".join(self._residency(page, lock) for page, lock in enumerate(locked))
        return replace(
            outcome,
            locked=locked if outcome.locked == DONE else outcome.locked,
            resident=resident if outcome.resident == DONE else outcome.resident,
        )

    def _page(self, page: int, seen: str) -> str:
        left = {self.same(end.locked)[page] for end in self._like() or self.ends}
        return seen if seen in left else min(left)

    def _residency(self, page: int, lock: str) -> str:
        if lock == "L" and any(end.locked[page] == "F" for end in self.ends) and self.same("F") == "L":
            return "?"  # nobody can tell which lock it is
        return {"L": "R", _HOLE: _HOLE}.get(lock, "?")

    def _like(self) -> list[End]:
        """Return the ends that have the results."""
        gave = tuple(map(frozenset, self.results))
        return [end for end in self.ends if end.results == gave]


def _either(results: Collection[str]) -> str:
    return " or ".join(sorted(results))
