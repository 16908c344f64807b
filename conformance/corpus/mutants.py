# SPDX-License-Identifier: Apache-2.0
"""Which mutants the cases kill, each a model with one deliberate defect, and which case kills which.

A case kills a mutant where it fails on it and shows what it does not show on the model as it is. So the models of
Linux can be given defects too: that they fail a case already hides none.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from lockproof.conformance.columns import aligned
from lockproof.conformance.counted import counted
from lockproof.conformance.judging.applicability import unmet
from lockproof.conformance.judging.judge import judge
from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.language.requirements import Modality
from lockproof.conformance.protocol.program import Program, compile_case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from lockproof.conformance.judging.verdict import Verdict
    from lockproof.conformance.language.case import Case
    from lockproof.conformance.language.loading import Corpus
    from lockproof.conformance.language.requirements import Requirement
    from lockproof.conformance.protocol.trace import Trace
    from lockproof.runners.models.mutants import Mutant
    from lockproof.runners.target import TargetInfo

__all__ = ["KillMatrix", "RawSession", "Shown", "examine", "report", "such_as", "what_is_shown"]

_WIDTH = 118

Shown = frozenset[tuple[str, str]]
"""What a verdict shows: kinds of findings, each with what was seen."""


@runtime_checkable
class RawSession(Protocol):
    """A session of a model, whose answers can also be compared as the text that they are."""

    @property
    def info(self) -> TargetInfo:
        """What the model can do."""

    def answer(self, program: Program) -> str:
        """Execute a program."""

    def read(self, program: Program, answer: str) -> Trace:
        """Read what it answered."""


@dataclass(frozen=True, slots=True)
class KillMatrix:
    """What the cases kill."""

    killers: Mapping[str, tuple[str, ...]]
    """For each mutant the cases that fail on it, and show what they do not show on the model as it is."""
    mutants: Sequence[Mutant]
    cases: tuple[str, ...]
    """The cases that pass on the model as it is."""
    failing: tuple[str, ...]
    """Those that fail on it: of the reference a false alarm, or it is wrong; of another its known deviations."""
    untried: tuple[str, ...]
    """Those that neither pass nor fail on it: nothing is known of what they would kill."""
    recording: frozenset[str]
    """Those that check only what is unspecified: they record, and never fail."""
    by_requirement: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """For each mutant those of the killers that check the requirement that it breaks."""
    alike: frozenset[str] = frozenset()
    """Mutants that answer every case as the model does: it has their defect itself, or does not get to it."""

    @property
    def survivors(self) -> list[Mutant]:
        """Mutants that no case kills."""
        return [mutant for mutant in self.mutants if not self.killers[mutant.name]]

    @property
    def idle(self) -> list[str]:
        """Cases that can fail, and kill no mutant."""
        used = {case for cases in self.killers.values() for case in cases}
        return [case for case in self.cases if case not in used and case not in self.recording]


def examine(
    corpus: Corpus, mutants: Sequence[Mutant], open_model: Callable[[str], AbstractContextManager[RawSession]]
) -> KillMatrix:
    """Run all cases on a model as it is and on each mutant of it.

    `open_model` starts the mutant of that name, and the model as it is for the empty name.
    """
    with open_model("") as model:
        answered = list(_right_answers(corpus, model))
    passing = [right for right in answered if right.verdict.status is Status.PASS]
    failing = tuple(right.case.name for right in answered if right.verdict.status is Status.FAIL)
    judged = [right for right in answered if right.verdict.status in {Status.PASS, Status.FAIL}]
    killers: dict[str, tuple[str, ...]] = {}
    alike: set[str] = set()
    for mutant in mutants:
        with open_model(mutant.name) as model:
            changed = [(right, answer) for right in judged if (answer := model.answer(right.program)) != right.answer]
            killers[mutant.name] = tuple(_kills(changed, model, corpus.requirements))
        alike |= set() if changed else {mutant.name}
    tried = {*failing, *(right.case.name for right in passing)}
    checks = {case.name: case.checks for case in corpus.cases}
    return KillMatrix(
        killers=killers,
        mutants=mutants,
        cases=tuple(right.case.name for right in passing),
        failing=failing,
        untried=tuple(case.name for case in corpus.cases if case.name not in tried),
        recording=_recording(corpus),
        by_requirement={
            mutant.name: [case for case in killers[mutant.name] if mutant.requirement in checks[case]]
            for mutant in mutants
        },
        alike=frozenset(alike),
    )


def _recording(corpus: Corpus) -> frozenset[str]:
    return frozenset(
        case.name
        for case in corpus.cases
        if all(corpus.requirements[name].modality is Modality.UNSPECIFIED for name in case.checks)
    )


@dataclass(frozen=True, slots=True)
class _RightAnswer:
    """What the right model answers to a case, and what became of the case."""

    case: Case
    program: Program
    answer: str
    verdict: Verdict


def _right_answers(corpus: Corpus, model: RawSession) -> Iterator[_RightAnswer]:
    for case in corpus.cases:
        if unmet(case, model.info) is not None:
            continue
        program = compile_case(case)
        answer = model.answer(program)
        yield _RightAnswer(case, program, answer, judge(case, model.read(program, answer), corpus.requirements))


def _kills(
    changed: Sequence[tuple[_RightAnswer, str]], mutant: RawSession, requirements: Mapping[str, Requirement]
) -> Iterator[str]:
    """Find the cases that show more on a mutant, of those that it answers otherwise."""
    for right, answer in changed:
        verdict = judge(right.case, mutant.read(right.program, answer), requirements)
        if verdict.status is Status.FAIL and what_is_shown(verdict) - what_is_shown(right.verdict):
            yield right.case.name


def what_is_shown(verdict: Verdict) -> Shown:
    """Return what a verdict shows that counts."""
    return frozenset(
        (finding.kind, finding.shown) for finding in verdict.findings if finding.modality is not Modality.UNSPECIFIED
    )


def report(found: KillMatrix, *, verbose: bool, partial: bool, deviates: bool = False) -> str:
    """Write what kills each mutant, and the survivors; unless only a part was tried, also what kills none.

    `deviates`: the model is known to fail cases without any defect.
    """
    lines = []
    rows = aligned((mutant.name, _killers(found, mutant)) for mutant in found.mutants)
    for mutant, row in zip(found.mutants, rows, strict=True):
        lines.append(row)
        if verbose:
            killers = " ".join(found.killers[mutant.name])
            lines += textwrap.wrap(
                killers, _WIDTH, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False
            )
    survivors = [mutant for mutant in found.survivors if not (deviates and mutant.name in found.alike)]
    killed = sum(map(bool, found.killers.values()))
    tried = len(found.cases) + (len(found.failing) if deviates else 0)
    lines += ["", f"{counted(len(found.mutants), 'mutant')}, {killed} killed by {counted(tried, 'case')}"]
    if deviates:
        lines.append(f"{len(found.failing)} of these fail without a defect: what they show besides counts")
    lines += [f"survives: {mutant.name} ({mutant.requirement}): {mutant.about}" for mutant in survivors]
    lines += [
        f"killed, but by no case that checks its requirement: {mutant.name} ({mutant.requirement})"
        for mutant in found.mutants
        if found.killers[mutant.name] and not found.by_requirement.get(mutant.name)
    ]
    if deviates:
        return "\n".join(lines)
    lines += [f"fails without a defect, so it may permit too little: {name}" for name in found.failing]
    if not partial:
        lines += _list("record what is unspecified", sorted(found.recording & set(found.cases)))
        lines += _list("kill no mutant", found.idle)
        lines += _list("cannot be tried on the model", found.untried)
    return "\n".join(lines)


def _killers(found: KillMatrix, mutant: Mutant) -> str:
    killers = found.killers[mutant.name]
    if not killers:
        return "answers every case as the model does" if mutant.name in found.alike else "SURVIVES"
    return such_as(killers, found.by_requirement.get(mutant.name, ()))


def such_as(killers: Sequence[str], own: Sequence[str]) -> str:
    """Count killers, and name one; `own`: those of them that check the very requirement, which are named first."""
    return f"{len(killers):4} {'case' if len(killers) == 1 else 'cases, such as'} {(own or killers)[0]}"


def _list(what: str, names: Sequence[str]) -> list[str]:
    return ["", f"{counted(len(names), 'case')} {what}:", *(f"  {name}" for name in names)] if names else []
