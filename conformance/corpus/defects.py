# SPDX-License-Identifier: Apache-2.0
"""Which defects of a kernel the cases kill, and which case kills which (native/kernel/defects.patch).

One boot scores all: a program says which defect the kernel has while it runs. Cases without sweeps come first; what
survives them gets the first combination of each sweep, and what survives these all sweeps.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from importlib.resources import files
from typing import TYPE_CHECKING, Protocol

import yaml

from lockproof.conformance.columns import aligned
from lockproof.conformance.corpus.mutants import Shown, such_as, what_is_shown
from lockproof.conformance.counted import counted
from lockproof.conformance.errors import UsageError
from lockproof.conformance.judging.applicability import unmet
from lockproof.conformance.judging.judge import judge
from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.language.selection import with_sweeps
from lockproof.conformance.protocol.program import compile_case
from lockproof.conformance.protocol.trace import Ended

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lockproof.conformance.judging.verdict import Verdict
    from lockproof.conformance.language.case import Case
    from lockproof.conformance.language.loading import Corpus
    from lockproof.conformance.protocol.program import Program
    from lockproof.conformance.protocol.trace import Trace
    from lockproof.runners.target import Session, Target

__all__ = ["Defect", "Scores", "Watcher", "defects", "report", "score"]

_TIME_LIMIT = 10.0
"""Seconds for an execution."""
_NONE = 0
"""The number of no defect."""


@dataclass(frozen=True, slots=True)
class Defect:
    """One of those that the patch plants."""

    number: int
    """What the kernel's parameter mlock_defect takes."""
    name: str
    requirement: str
    """The requirement that it breaks."""
    about: str
    """What is wrong with it."""


@dataclass(slots=True)
class Scores:
    """What the cases kill."""

    defects: Sequence[Defect]
    killers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """For each defect the cases that show with it what they do not show without; of the round that killed it."""
    noticed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """For each defect that no case killed yet those that pass or fail without it, and with it could not be judged."""
    broke: set[str] = field(default_factory=set)
    """Defects with which the kernel crashed, or a process hung: no further case was run with them."""
    tried: set[str] = field(default_factory=set)
    """Cases that were run."""
    boots: int = 0
    """How often the guest was started."""

    @property
    def survivors(self) -> list[Defect]:
        """Defects that no case kills."""
        return [defect for defect in self.defects if not self.killers.get(defect.name)]


class Watcher(Protocol):
    """Is told how it goes."""

    def say(self, line: str) -> None:
        """Tell what is done."""

    def progress(self, text: str) -> None:
        """Tell how far it is, in place of what was told so before."""


def defects() -> tuple[Defect, ...]:
    """Return all of them, as native/kernel/defects.yaml lists them."""
    text = (files("lockproof") / "native" / "kernel" / "defects.yaml").read_text(encoding="utf-8")
    return tuple(Defect(**entry) for entry in yaml.safe_load(text)["defects"])


def score(corpus: Corpus, chosen: Sequence[Defect], target: Target, watcher: Watcher) -> Scores:
    """Run the cases on a kernel without a defect, and with one after the other.

    Raises UsageError where the kernel has none that could be planted, TargetError where it cannot be started.
    """
    scores = Scores(chosen)
    with ExitStack() as stack:
        guest = _Guest(target, corpus, scores, stack)
        guest.check()
        for what, cases in _rounds(corpus.cases):
            left = scores.survivors
            if not left:
                break
            began = time.monotonic()
            guest.know(cases)
            for number, defect in enumerate(left, 1):
                watcher.progress(f"{what}: {number} of {len(left)}, {defect.name}")
                found, noticed = guest.killers(defect, cases)
                scores.killers[defect.name] = found
                scores.noticed[defect.name] = scores.noticed.get(defect.name, ()) + noticed
                watcher.say(f"{defect.number} {defect.name}: {counted(len(found), 'case')}")
            killed = len(left) - len(scores.survivors)
            took = f"{time.monotonic() - began:.0f} s"
            watcher.say(f"{what}: {killed} of {counted(len(left), 'defect')} killed by {len(cases)} cases in {took}")
    return scores


def _rounds(cases: Sequence[Case]) -> Iterator[tuple[str, list[Case]]]:
    """Return the cases by what they cost; closing ones come last, as they look at what the others left."""
    plain = list(with_sweeps(cases, "none"))
    quick = [case for case in with_sweeps(cases, "quick") if case.swept]
    known = {case.name for case in (*plain, *quick)}
    rounds = {
        "cases without sweeps": sorted(plain, key=lambda case: case.closing),
        "the first of each sweep": quick,
        "the other sweeps": [case for case in cases if case.name not in known],
    }
    yield from ((what, some) for what, some in rounds.items() if some)


class _Guest:
    """A kernel that is started anew where a defect has left something behind."""

    def __init__(self, target: Target, corpus: Corpus, scores: Scores, stack: ExitStack) -> None:
        self._target = target
        self._corpus = corpus
        self._scores = scores
        self._stack = stack
        self._session: Session | None = None
        self._known: dict[str, Shown] = {}
        """What each case shows without a defect; of those that pass or fail then."""

    def check(self) -> None:
        """Raise UsageError where the kernel has no defects."""
        case = next(case for case in self._corpus.cases if unmet(case, self._started().info) is None)
        (trace,) = self._started().run([_planted(compile_case(case), self._scores.defects[0].number)])
        if trace.trouble is not None:
            msg = f"target {self._target.name!r}: {trace.trouble}; lockproof kernel build … --patch defects.patch"
            raise UsageError(msg)

    def know(self, cases: Sequence[Case]) -> None:
        """Find out twice what cases show without a defect: what varies is known too."""
        for _ in range(2):
            for case, verdict in self._verdicts(_NONE, cases):
                if verdict.status in {Status.PASS, Status.FAIL}:
                    self._known[case.name] = self._known.get(case.name, frozenset()) | what_is_shown(verdict)
                    self._scores.tried.add(case.name)

    def killers(self, defect: Defect, cases: Sequence[Case]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the cases that show more with a defect than without, and those that cannot be judged with it alone.

        The first of them is run again without it: where it shows the same, an earlier defect had left something behind,
        and all is done again on a kernel that was started anew.
        """
        known = [case for case in cases if case.name in self._known]
        found, noticed = self._more(defect.number, known)
        again = [case for case in known if case.name in found[:1]]
        if self._session is not None and again and self._more(_NONE, again)[0]:
            self._restart()
            found, noticed = self._more(defect.number, known)
        closing = {case.name for case in known if case.closing}
        if closing & set(found):
            self._restart()
        return found, noticed

    def _more(self, number: int, cases: Sequence[Case]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        verdicts = list(self._verdicts(number, cases))
        found = (
            case.name
            for case, verdict in verdicts
            if verdict.status is Status.FAIL and what_is_shown(verdict) - self._known[case.name]
        )
        noticed = (case.name for case, verdict in verdicts if verdict.status not in {Status.PASS, Status.FAIL})
        return tuple(found), tuple(noticed)

    def _verdicts(self, number: int, cases: Iterable[Case]) -> Iterator[tuple[Case, Verdict]]:
        """Judge cases, up to the first with which the kernel breaks, or a process hangs."""
        session = self._started()
        run = [case for case in cases if unmet(case, session.info) is None]
        programs = (_planted(compile_case(case, _TIME_LIMIT), number) for case in run)
        for case, trace in zip(run, session.run(programs), strict=True):
            yield case, judge(case, trace, self._corpus.requirements, modes=session.info.lock_modes)
            if _is_broken(trace):
                self._scores.broke |= {defect.name for defect in self._scores.defects if defect.number == number}
                self._restart()
                return

    def _started(self) -> Session:
        if self._session is None:
            self._session = self._stack.enter_context(self._target.session())
            self._scores.boots += 1
        return self._session

    def _restart(self) -> None:
        self._session = None
        self._stack.close()


def _planted(program: Program, number: int) -> Program:
    return replace(program, text=f"defect {number}\n{program.text}") if number else program


def _is_broken(trace: Trace) -> bool:
    return trace.crash is not None or any(execution.status is Ended.HUNG for execution in trace.executions)


def report(found: Scores, checks: Mapping[str, Sequence[str]], *, verbose: bool) -> str:
    """Write what kills each defect, and the survivors. `checks`: for each case the requirements that it checks."""
    rows = aligned((f"{defect.number}", defect.name, _killed(found, defect, checks)) for defect in found.defects)
    lines = []
    for defect, row in zip(found.defects, rows, strict=True):
        lines.append(row)
        lines += [f"      {case}" for case in found.killers.get(defect.name, ()) if verbose]
    killed = len(found.defects) - len(found.survivors)
    lines += ["", f"{counted(len(found.defects), 'defect')}, {killed} killed by {counted(len(found.tried), 'case')}"]
    lines.append(f"the guest was started {counted(found.boots, 'time')}; {len(found.broke)} broke it, or hung")
    lines += [f"survives: {each.number} {each.name} ({each.requirement}): {each.about}" for each in found.survivors]
    return "\n".join(lines)


def _killed(found: Scores, defect: Defect, checks: Mapping[str, Sequence[str]]) -> str:
    killers = found.killers.get(defect.name, ())
    noticed = found.noticed.get(defect.name, ())
    if not killers and noticed:
        return f"SURVIVES, noticed by {counted(len(noticed), 'case')} without a verdict, such as {noticed[0]}"
    if not killers:
        return "SURVIVES"
    own = [case for case in killers if defect.requirement in checks[case]]
    broke = ", and broke the kernel or hung" if defect.name in found.broke else ""
    return f"{such_as(killers, own)}{broke}"
