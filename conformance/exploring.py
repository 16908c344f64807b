# SPDX-License-Identifier: Apache-2.0
"""`lockproof explore`: generated cases against what is permitted, until one differs; the smallest such case as YAML."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.database import ExampleDatabase, choices_to_bytes

from lockproof.conformance.following import Difference, first_difference
from lockproof.conformance.program import compile_case
from lockproof.conformance.scenarios import NUMBERS, Numbers, as_yaml, case_of, choices, draw
from lockproof.runners.target import make_target

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lockproof.conformance.case import Case
    from lockproof.runners.target import Session

__all__ = ["Found", "explore"]

_BATCH = 2000
_DRAWN_BY_HYPOTHESIS = 100
"""Of a batch. It looks for what is special; the others are drawn at random, many times quicker."""


class _DiffersError(Exception):
    """A case differs; hypothesis looks for a smaller one."""


class _Known(ExampleDatabase):
    """Gives hypothesis the one example that it is to make smaller."""

    def __init__(self, numbers: Numbers) -> None:
        super().__init__()
        self._example = choices_to_bytes(choices(numbers))

    def fetch(self, key: bytes) -> Iterable[bytes]:
        """Give it among those that may be larger than they need to be."""
        return [self._example] if key.endswith(b".secondary") else []

    def save(self, key: bytes, value: bytes) -> None:
        """Keep nothing."""

    def delete(self, key: bytes, value: bytes) -> None:
        """Keep nothing."""


@dataclass
class _Search:
    """A search on a target, under way."""

    session: Session
    until: float
    count: int = 0
    case: Case | None = None
    difference: Difference | None = None
    faults: bool = field(init=False)

    def __post_init__(self) -> None:
        self.faults = "each-allocation" in self.session.info.faults

    def batch(self, number: int, size: int) -> bool:
        """Try a batch; whether a case differs."""
        if self._hypothesis(number, min(size, _DRAWN_BY_HYPOTHESIS), None):
            return True
        random = Random(number)  # noqa: S311  no secret
        for _ in range(size - _DRAWN_BY_HYPOTHESIS):
            numbers = draw(random)
            if time.monotonic() > self.until:
                return False
            if self._differs(numbers):
                self._hypothesis(number, 1, _Known(numbers))
                return True
        return False

    def _hypothesis(self, number: int, size: int, known: _Known | None) -> bool:
        """Let hypothesis draw cases, or make a known one smaller; whether one differs."""

        @settings(
            max_examples=size,
            deadline=None,
            database=known,
            verbosity=Verbosity.quiet,
            phases=(Phase.reuse if known else Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
        )
        @given(NUMBERS)
        def check(numbers: Numbers) -> None:
            if self.difference is None and time.monotonic() > self.until:
                return
            if self._differs(numbers):
                raise _DiffersError

        try:
            (check if known else seed(number)(check))()  # with a seed, hypothesis asks no database
        except _DiffersError:
            return True
        return False

    def _differs(self, numbers: Numbers) -> bool:
        """Run a case, follow what it does, and keep it where that is not permitted."""
        self.count += 1
        case = case_of(numbers, faults=self.faults)
        trace = next(iter(self.session.run([compile_case(case)])))
        found = first_difference(case, trace, self.session.info.page_size)
        if found is None or found.step < 0:
            return False
        self.case, self.difference = case, found
        return True


@dataclass(frozen=True, slots=True)
class Found:
    """What a search has come to."""

    count: int
    """Cases that were tried."""
    seconds: float
    yaml: str = ""
    """The smallest case that differs; empty: none does."""
    what: str = ""
    """What it did."""


def explore(target: str, *, seconds: float, number: int, most: int | None) -> Found:
    """Try generated cases on a target for so many seconds, or so many cases. Raises UsageError, TargetError."""
    began = time.monotonic()
    with make_target(target).session() as session:
        search = _Search(session, began + seconds)
        batch = number
        while time.monotonic() < search.until and (most is None or search.count < most):
            size = _BATCH if most is None else min(_BATCH, most - search.count)
            if search.batch(batch, size):
                break
            batch += 1
    spent = time.monotonic() - began
    if search.case is None or search.difference is None:
        return Found(search.count, spent)
    yaml = as_yaml(search.case, search.difference, f"explored-{batch}")
    return Found(search.count, spent, yaml, search.difference.what)
