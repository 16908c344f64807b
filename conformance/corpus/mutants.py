# SPDX-License-Identifier: Apache-2.0
"""The teeth of the cases: which deliberate defects of the reference model they catch, and which case catches what."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from lockproof.conformance.columns import aligned
from lockproof.conformance.judging.applicability import unmet
from lockproof.conformance.judging.judge import judge
from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.language.requirements import Modality
from lockproof.conformance.protocol.program import Program, compile_case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from lockproof.conformance.language.case import Case
    from lockproof.conformance.language.loading import Corpus
    from lockproof.conformance.language.requirements import Requirement
    from lockproof.conformance.protocol.trace import Trace
    from lockproof.runners.target import TargetInfo

__all__ = ["Defect", "Model", "Report", "examine", "report"]

_WIDTH = 118


@runtime_checkable
class Model(Protocol):
    """A session of a model, whose answers can be compared before they are read."""

    @property
    def info(self) -> TargetInfo:
        """What the model can do."""

    def answer(self, program: Program) -> str:
        """Execute a program."""

    def read(self, program: Program, answer: str) -> Trace:
        """Read what it answered."""


class Defect(Protocol):
    """A deliberate defect: its name, the requirement that it breaks, and what is wrong."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def requirement(self) -> str:
        """The requirement that it breaks."""

    @property
    def about(self) -> str:
        """What is wrong."""


@dataclass(frozen=True, slots=True)
class Report:
    """What the cases catch."""

    killers: Mapping[str, tuple[str, ...]]
    """For each defect the cases that pass without it and fail with it."""
    defects: Sequence[Defect]
    cases: tuple[str, ...]
    """The cases that pass without a defect."""
    failing: tuple[str, ...]
    """Those that fail without a defect: a false alarm, or a model that is wrong."""
    untried: tuple[str, ...]
    """Those that prove nothing on the model, so that nothing is known of their teeth."""
    recording: frozenset[str]
    """Those that check only what is unspecified: they record, and never fail."""
    by_requirement: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """For each defect those of the killers that check the requirement that it breaks."""

    @property
    def survivors(self) -> list[Defect]:
        """Defects that no case catches."""
        return [defect for defect in self.defects if not self.killers[defect.name]]

    @property
    def idle(self) -> list[str]:
        """Cases that catch nothing."""
        used = {case for cases in self.killers.values() for case in cases}
        return [case for case in self.cases if case not in used and case not in self.recording]


def examine(
    corpus: Corpus, defects: Sequence[Defect], open_model: Callable[[str], AbstractContextManager[Model]]
) -> Report:
    """Run all cases on the model without and with each defect.

    `open_model` starts the model with the defect of that name, without any for the empty one.
    """
    with open_model("") as right:
        trials = list(_trials(corpus, right))
    passing = [trial for trial in trials if trial.passes]
    killers = {}
    for defect in defects:
        with open_model(defect.name) as model:
            killers[defect.name] = tuple(_kills(passing, model, corpus.requirements))
    failing = tuple(trial.case.name for trial in trials if trial.status is Status.FAIL)
    tried = {*failing, *(trial.case.name for trial in passing)}
    checks = {case.name: case.checks for case in corpus.cases}
    own = {
        defect.name: [case for case in killers[defect.name] if defect.requirement in checks[case]] for defect in defects
    }
    untried = tuple(case.name for case in corpus.cases if case.name not in tried)
    return Report(
        killers, defects, tuple(trial.case.name for trial in passing), failing, untried, _recording(corpus), own
    )


def _recording(corpus: Corpus) -> frozenset[str]:
    return frozenset(
        case.name
        for case in corpus.cases
        if all(corpus.requirements[name].modality is Modality.UNSPECIFIED for name in case.checks)
    )


@dataclass(frozen=True, slots=True)
class _Trial:
    case: Case
    program: Program
    answer: str
    status: Status

    @property
    def passes(self) -> bool:
        """Whether it passes on the right model."""
        return self.status is Status.PASS


def _trials(corpus: Corpus, model: Model) -> Iterator[_Trial]:
    for case in corpus.cases:
        if unmet(case, model.info) is not None:
            continue
        program = compile_case(case)
        answer = model.answer(program)
        status = judge(case, model.read(program, answer), corpus.requirements).status
        yield _Trial(case, program, answer, status)


def _kills(trials: Sequence[_Trial], model: Model, requirements: Mapping[str, Requirement]) -> Iterator[str]:
    """Give the cases that fail on a model; an answer that is the right one needs no second judgement."""
    for trial in trials:
        answer = model.answer(trial.program)
        if answer != trial.answer:
            trace = model.read(trial.program, answer)
            if judge(trial.case, trace, requirements).status is Status.FAIL:
                yield trial.case.name


def report(found: Report, *, verbose: bool, partial: bool) -> str:
    """Print what catches each defect, and the survivors; unless only a part was tried, also what catches nothing."""
    lines = []
    rows = aligned((defect.name, _killers(found, defect)) for defect in found.defects)
    for defect, row in zip(found.defects, rows, strict=True):
        lines.append(row)
        if verbose:
            killers = " ".join(found.killers[defect.name])
            lines += textwrap.wrap(
                killers, _WIDTH, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False
            )
    survivors = found.survivors
    killed = len(found.defects) - len(survivors)
    lines += ["", f"{_some(len(found.defects), 'mutant')}, {killed} killed by {_some(len(found.cases), 'case')}"]
    lines += [f"survives: {defect.name} ({defect.requirement}): {defect.about}" for defect in survivors]
    lines += [
        f"killed, but by no case that checks its requirement: {defect.name} ({defect.requirement})"
        for defect in found.defects
        if found.killers[defect.name] and not found.by_requirement.get(defect.name)
    ]
    lines += [f"fails without a defect: {name}" for name in found.failing]
    if not partial:
        lines += _list("record what is unspecified", sorted(found.recording & set(found.cases)))
        lines += _list("kill no mutant", found.idle)
        lines += _list("cannot be tried on the model", found.untried)
    return "\n".join(lines)


def _killers(found: Report, defect: Defect) -> str:
    killers = found.killers[defect.name]
    if not killers:
        return "SURVIVES"
    shown = (found.by_requirement.get(defect.name) or killers)[0]
    return f"{len(killers):4} {'case' if len(killers) == 1 else 'cases, such as'} {shown}"


def _list(what: str, names: Sequence[str]) -> list[str]:
    return ["", f"{_some(len(names), 'case')} {what}:", *(f"  {name}" for name in names)] if names else []


def _some(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
