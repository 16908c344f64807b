# SPDX-License-Identifier: Apache-2.0
"""`lockproof explore`: generated cases against what is permitted, until one differs; the smallest such case as YAML."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.database import ExampleDatabase, choices_to_bytes
from hypothesis.errors import Flaky

from lockproof.conformance.errors import LockproofError, TargetError, UsageError
from lockproof.conformance.exploring.agreement import compare
from lockproof.conformance.exploring.as_case import as_case
from lockproof.conformance.exploring.generator import LINUX, NUMBERS, POSIX, Calls, Numbers, case_of, choices, draw
from lockproof.conformance.exploring.permitted import Divergence, judged
from lockproof.conformance.judging.applicability import unmet
from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.language.writing import write
from lockproof.conformance.protocol.program import compile_case
from lockproof.conformance.reports.progress import search_progress
from lockproof.conformance.running import baselines
from lockproof.conformance.running.known import known_kinds
from lockproof.runners.target import make_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from rich.console import Console

    from lockproof.conformance.language.case import Case
    from lockproof.conformance.protocol.trace import Trace
    from lockproof.conformance.running.baselines import Baseline
    from lockproof.runners.target import Session, Target

__all__ = ["OneExample", "SearchRequest", "SearchResult", "divided", "explore"]

_LOOK = 0.1  # seconds between two looks whether to stop
_PATIENCE = 0.4  # seconds that what is under way may still take then
_BATCH = 2000
_SENT = 100
"""Cases that a target is given at once."""
_DRAWN_BY_HYPOTHESIS = 100
"""Of a batch. It looks for what is special; the others are drawn at random, many times quicker."""
_HOPELESS = 100
"""Cases of which each has said nothing; then the next will not either."""


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
    passable: frozenset[str] = frozenset()
    """Kinds of deviations that are known."""
    count: int = 0
    allocating_less: int = 0
    known: Counter[str] = field(default_factory=Counter)
    untested: Counter[str] = field(default_factory=Counter)
    unresolved: Counter[str] = field(default_factory=Counter)
    case: Case | None = None
    divergence: Divergence | None = None
    trouble: LockproofError | None = None
    """What went wrong where hypothesis was in charge, which would make a group of exceptions of it."""
    faults: bool = field(init=False)
    calls: Calls = field(init=False)

    def __post_init__(self) -> None:
        infos = [session.info for session in self._sessions]
        self.faults = all("each-allocation" in info.faults for info in infos)
        # Of what only Linux has nothing is permitted or not: it can only be compared.
        calls = {call for call in LINUX.calls if call.signature.system_call}
        compared = self.against is not None and all(calls <= {*info.calls} for info in infos)
        self.calls = LINUX if compared else POSIX

    @property
    def _sessions(self) -> list[Session]:
        return [session for session in (self.session, self.against) if session is not None]

    @property
    def judged(self) -> int:
        """How many cases said something."""
        return self.count - self.untested.total() - self.unresolved.total()

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
            runnable = [case for case in cases if self._can_run(case)]
            programs = [compile_case(case) for case in runnable]
            # A session is asked anew only when it has answered everything.
            answers = zip(*(list(session.run(programs)) for session in self._sessions), strict=True)
            differs = {id(case): self._judged(case, *traces) for case, traces in zip(runnable, answers, strict=True)}
            yield from (differs.get(id(case), False) for case in cases)

    def _can_run(self, case: Case) -> bool:
        """Tell whether the targets have what the case needs; where one has not, it counts as tried."""
        lacking = next(filter(None, (unmet(case, session.info) for session in self._sessions)), None)
        if lacking is None:
            return True
        self._tried(self.untested if lacking.status is not Status.UNRESOLVED else self.unresolved, lacking.reason)
        return False

    def _tried(self, counter: Counter[str] | None = None, why: str = "") -> None:
        """Count a case. Raises TargetError where so many cases have said nothing."""
        self.count += 1
        self.show(self.count)
        if counter is None:
            return
        counter[why] += 1
        if self.count >= _HOPELESS and not self.judged:
            msg = f"none of {self.count} cases could be judged: {why}"
            raise TargetError(msg)

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
            if self.trouble is not None or (self.divergence is None and self.is_over()):
                return
            try:
                differs = self._differs(numbers)
            except LockproofError as trouble:
                self.trouble = trouble
                return
            if differs:
                raise _DiffersError

        with suppress(_DiffersError, Flaky):  # what differs at one time and not at another differs
            (check if known else seed(number)(check))()  # with a seed, hypothesis asks no database
        if self.trouble is not None:
            raise self.trouble
        return self.divergence is not None

    def _differs(self, numbers: Numbers) -> bool:
        """Run a case, follow what it does, and keep it where that is not permitted."""
        case = case_of(numbers, self.calls, faults=self.faults)
        if not self._can_run(case):
            return False
        program = compile_case(case)
        return self._judged(case, *(next(iter(session.run([program]))) for session in self._sessions))

    def _judged(self, case: Case, trace: Trace, other: Trace | None = None) -> bool:
        page_size = self.session.info.page_size
        if other is None:
            judgement = judged(case, trace, page_size, self.passable)
            self.known.update(judgement.known)
            found, unresolved = judgement.divergence, judgement.unresolved
        else:
            found, allocates_less, unresolved = compare(case, trace, other, page_size)
            self.allocating_less += allocates_less
        self._tried(self.unresolved if unresolved else None, unresolved)
        if found is None:
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
    baselines: tuple[Baseline, ...] = ()
    """What is known of it, and passed over."""
    batches: int | None = None
    """Numbers of cases from the seed on, of which each has cases of its own; None: as many as there is time for."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search has come to."""

    count: int
    """Cases that were tried."""
    seconds: float
    allocating_less: int = 0
    """Cases in which the target allocates less than the one that it is compared with."""
    known: Mapping[str, int] = field(default_factory=dict)
    """How often a deviation of each kind was passed over."""
    untested: Mapping[str, int] = field(default_factory=dict)
    """Cases that a target has not what it takes for, by what it lacks."""
    unresolved: Mapping[str, int] = field(default_factory=dict)
    """Cases that said nothing, by the reason."""
    interrupted: bool = False
    yaml: str = ""
    """The smallest case that differs; empty: none does."""
    what: str = ""
    """What it did."""


def divided(request: SearchRequest) -> Iterator[SearchRequest]:
    """Divide a search into searches whose cases are the same as its own, and those of none of the others."""
    left = request.most
    for number in itertools.count(request.seed):
        if left is not None and left <= 0:
            return
        most = _BATCH if left is None else min(left, _BATCH)
        yield replace(request, seed=number, most=most, batches=1)
        left = None if left is None else left - most


def explore(
    request: SearchRequest,
    out: Console,
    stop: threading.Event | None = None,
    make: Callable[[str], Target] = make_target,
) -> SearchResult:
    """Try generated cases on a target until one differs; `stop`, set, ends it early. Raises UsageError, TargetError.

    `make` makes the target of a TARGET text.
    An interrupt of Python's own would not do: hypothesis is called by the garbage collector, and there it gets lost.
    """
    began = time.monotonic()
    stop = stop or threading.Event()
    with ExitStack() as stack:
        waited_for = stack.enter_context(_giving_up(stop))
        session = _seeing(make(request.target), stack, waited_for)
        other = _seeing(make(request.against), stack, waited_for) if request.against else None
        passable = _known(request, session)
        show = stack.enter_context(_progress(request, out))
        search = _Search(session, time.monotonic() + request.seconds, stop, show, other, passable)
        batch = request.seed
        try:
            while not search.is_over() and _has_more(request, batch, search.count):
                size = _BATCH if request.most is None else min(_BATCH, request.most - search.count)
                if search.batch(batch, size):
                    break
                batch += 1
        except TargetError:
            if not stop.is_set():  # else it may have been given up
                raise
    yaml = what = ""
    if search.case is not None and search.divergence is not None:
        does = f"what {request.against} does not" if request.against else "what is not permitted"
        yaml = write(as_case(search.case, search.divergence, f"explored-{batch}", does))
        what = search.divergence.what
    return SearchResult(
        search.count,
        time.monotonic() - began,
        search.allocating_less,
        search.known,
        search.untested,
        search.unresolved,
        stop.is_set(),
        yaml,
        what,
    )


def _has_more(request: SearchRequest, batch: int, count: int) -> bool:
    """Tell whether a batch, after so many cases, is asked for."""
    of_its_own = request.batches is None or batch < request.seed + request.batches
    return of_its_own and (request.most is None or count < request.most)


def _known(request: SearchRequest, session: Session) -> frozenset[str]:
    """Return the kinds of deviations that the baseline knows. Raises UsageError where it knows none of this target."""
    if not request.baselines:
        return frozenset()
    known = known_kinds(request.baselines, request.target, session.info, baselines.today())
    if not known:
        msg = (
            f"the baseline knows no deviation of {request.target} with {session.info.kernel}; "
            "name one that does, or leave out --baseline"
        )
        raise UsageError(msg)
    return known


@contextmanager
def _giving_up(stop: threading.Event) -> Iterator[list[Session]]:
    """Yield a list of sessions, which give up what they wait for where `stop` is set and nobody leaves the context."""
    sessions: list[Session] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(_LOOK):
            if stop.is_set() and not over.wait(_PATIENCE):
                for session in sessions:
                    session.give_up()

    watcher = threading.Thread(target=watch, name="watcher")
    watcher.start()
    try:
        yield sessions
    finally:
        over.set()
        watcher.join()


def _seeing(target: Target, stack: ExitStack, waited_for: list[Session]) -> Session:
    """Start a target. Raises TargetError where it does not see locks, with which nothing could be compared."""
    name, session = target.name, stack.enter_context(target.session())
    waited_for.append(session)
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
