# SPDX-License-Identifier: Apache-2.0
"""`lockproof explore`: generated cases against what is permitted, until one differs; the smallest such case as YAML."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import repeat
from random import Random
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.database import ExampleDatabase, choices_to_bytes

from lockproof.conformance.errors import TargetError
from lockproof.conformance.exploring.agreement import compare
from lockproof.conformance.exploring.as_case import as_case
from lockproof.conformance.exploring.generator import LINUX, NUMBERS, POSIX, Calls, Numbers, case_of, choices, draw
from lockproof.conformance.exploring.permitted import Divergence, first_divergence
from lockproof.conformance.language.writing import write
from lockproof.conformance.protocol.program import compile_case
from lockproof.conformance.reports.progress import search_progress
from lockproof.runners.target import make_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rich.console import Console

    from lockproof.conformance.language.case import Case
    from lockproof.conformance.protocol.trace import Trace
    from lockproof.runners.target import Session

__all__ = ["OneExample", "SearchRequest", "SearchResult", "explore"]

_BATCH = 2000
_SENT = 100
"""Cases that a target is given at once."""
_DRAWN_BY_HYPOTHESIS = 100
"""Of a batch. It looks for what is special; the others are drawn at random, many times quicker."""


class _DiffersError(Exception):
    """A case differs; hypothesis looks for a smaller one."""


class OneExample(ExampleDatabase):
    """A database of the one example that hypothesis is to make smaller."""

    def __init__(self, numbers: Numbers) -> None:
        """Keep the numbers of the example."""
        super().__init__()
        self._example = choices_to_bytes(choices(numbers))

    def fetch(self, key: bytes) -> Iterable[bytes]:
        """Return it among those that may be larger than they need to be."""
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
    stop: threading.Event
    show: Callable[[int], None]
    """Is told how many cases were tried."""
    against: Session | None = None
    """What the target is to do the same as; None: what is permitted."""
    count: int = 0
    allocating_less: int = 0
    case: Case | None = None
    divergence: Divergence | None = None
    faults: bool = field(init=False)
    calls: Calls = field(init=False)

    def __post_init__(self) -> None:
        infos = [session.info for session in (self.session, self.against) if session is not None]
        self.faults = all("each-allocation" in info.faults for info in infos)
        # Of what only Linux has nothing is permitted or not: it can only be compared.
        calls = {call for call in LINUX.calls if call.signature.system_call}
        compared = self.against is not None and all(calls <= {*info.calls} for info in infos)
        self.calls = LINUX if compared else POSIX

    def is_over(self) -> bool:
        """Whether nothing more is to be tried."""
        return self.stop.is_set() or time.monotonic() > self.until

    def batch(self, number: int, size: int) -> bool:
        """Try a batch; whether a case differs."""
        if self._hypothesis(number, min(size, _DRAWN_BY_HYPOTHESIS), None):
            return True
        random = Random(number)  # noqa: S311  no secret
        drawn = [draw(random) for _ in range(size - _DRAWN_BY_HYPOTHESIS)]
        for numbers, differs in zip(drawn, self._stream(drawn), strict=False):
            if differs:
                self._hypothesis(number, 1, OneExample(numbers))
                return True
        return False

    def _stream(self, drawn: list[Numbers]) -> Iterator[bool]:
        """Say of one case after another whether it differs, until the time is over."""
        for start in range(0, len(drawn), _SENT):
            some = drawn[start : start + _SENT]
            if self.is_over():
                return
            cases = [case_of(numbers, self.calls, faults=self.faults) for numbers in some]
            programs = [compile_case(case) for case in cases]
            # A session is asked anew only when it has answered everything.
            traces = list(self.session.run(programs))
            models = list(self.against.run(programs)) if self.against is not None else repeat(None)
            for case, trace, model in zip(cases, traces, models, strict=False):
                yield self._judged(case, trace, model)

    def _hypothesis(self, number: int, size: int, known: OneExample | None) -> bool:
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
            if self.divergence is None and self.is_over():
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
        case = case_of(numbers, self.calls, faults=self.faults)
        program = compile_case(case)
        trace = next(iter(self.session.run([program])))
        return self._judged(case, trace, next(iter(self.against.run([program]))) if self.against else None)

    def _judged(self, case: Case, trace: Trace, model: Trace | None) -> bool:
        self.count += 1
        self.show(self.count)
        if model is None:
            found = first_divergence(case, trace, self.session.info.page_size)
        else:
            found, allocates_less = compare(case, trace, model, self.session.info.page_size)
            self.allocating_less += allocates_less
            if found is not None and found.step < 0:
                raise TargetError(found.what)
        if found is None or found.step < 0:
            return False
        self.case, self.divergence = case, found
        return True


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What is to be tried."""

    target: str
    seconds: float
    """How long."""
    seed: int
    most: int | None
    """Cases; None: any number."""
    against: str | None = None
    """A target that it is to do the same as, instead of what is permitted."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search has come to."""

    count: int
    """Cases that were tried."""
    seconds: float
    allocating_less: int = 0
    """Cases in which the target allocates less than the one that it is compared with."""
    interrupted: bool = False
    yaml: str = ""
    """The smallest case that differs; empty: none does."""
    what: str = ""
    """What it did."""


def explore(request: SearchRequest, out: Console, stop: threading.Event | None = None) -> SearchResult:
    """Try generated cases on a target until one differs; `stop`, set, ends it early. Raises UsageError, TargetError.

    An interrupt of Python's own would not do: hypothesis is called by the garbage collector, and there it gets lost.
    """
    began = time.monotonic()
    stop = stop or threading.Event()
    with ExitStack() as stack:
        session = _seeing(request.target, stack)
        other = _seeing(request.against, stack) if request.against else None
        show = stack.enter_context(_progress(request, out))
        search = _Search(session, time.monotonic() + request.seconds, stop, show, other)
        batch = request.seed
        while not search.is_over() and (request.most is None or search.count < request.most):
            size = _BATCH if request.most is None else min(_BATCH, request.most - search.count)
            if search.batch(batch, size):
                break
            batch += 1
    spent = time.monotonic() - began
    if search.case is None or search.divergence is None:
        return SearchResult(search.count, spent, search.allocating_less, stop.is_set())
    does = f"what {request.against} does not" if request.against else "what is not permitted"
    case = as_case(search.case, search.divergence, f"explored-{batch}", does)
    return SearchResult(search.count, spent, search.allocating_less, stop.is_set(), write(case), search.divergence.what)


def _seeing(name: str, stack: ExitStack) -> Session:
    """Start a target. Raises TargetError where it does not see locks, with which nothing could be compared."""
    session = stack.enter_context(make_target(name).session())
    if not session.info.lock_observers:
        msg = (
            f"{name} sees no locks, so nothing that it does could be judged; lockproof targets {name} says what it sees"
        )
        raise TargetError(msg)
    return session


@contextmanager
def _progress(request: SearchRequest, out: Console) -> Iterator[Callable[[int], None]]:
    """Show a bar while cases are tried, on a terminal."""
    began = time.monotonic()
    with search_progress(out) as progress:
        task = progress.add_task(request.target, total=request.most or request.seconds, rate="")

        def show(count: int) -> None:
            spent = time.monotonic() - began
            done = count if request.most else spent
            rate = f"{count} cases, {count / max(spent, 1e-3):.0f} each second"
            progress.update(task, completed=done, rate=rate)

        yield show
