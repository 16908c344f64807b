# SPDX-License-Identifier: Apache-2.0
"""What a person should look at in a case that is no mistake: cases that say too little, or the same as another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockproof.conformance.corpus.contradictions import contradictions
from lockproof.conformance.errors import Problem
from lockproof.conformance.language.case import flatten
from lockproof.conformance.language.requirements import Aspect, Ending, Modality
from lockproof.conformance.language.rules import stated
from lockproof.conformance.protocol.program import compile_case

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lockproof.conformance.corpus.mutants import KillMatrix
    from lockproof.conformance.language.case import Case
    from lockproof.conformance.language.loading import Corpus
    from lockproof.conformance.language.requirements import Requirement

__all__ = ["lint"]


def lint(corpus: Corpus, chosen: Sequence[Case], kills: KillMatrix) -> list[Problem]:
    """Return what is doubtful in cases, each with its place and what to do."""
    problems = [
        problem
        for case in chosen
        for problem in (*_about(case), *_outcomes(case), *_charged(case, corpus.requirements))
    ]
    problems += _doing_the_same(corpus.cases, chosen)
    places = {case.source for case in chosen}
    problems += [problem for problem in contradictions(corpus.cases, corpus.requirements) if problem.location in places]
    problems += _model(corpus, chosen, kills)
    return list(dict.fromkeys(problems))


def _about(case: Case) -> Iterator[Problem]:
    if not case.about.endswith("."):
        yield Problem(case.source, "about", f"{case.name}: no sentence; end it with a full stop")
    if not case.about[:1].isupper() and not case.about.startswith(("mlock", "munlock", "mmap", "msync", "with")):
        yield Problem(case.source, "about", f"{case.name}: begins small; write a sentence")


def _outcomes(case: Case) -> Iterator[Problem]:
    for step in flatten(case.steps):
        if len(set(step.expect)) < len(step.expect):
            yield Problem(case.source, "expect", f"{case.name}: {step.call} has an outcome twice; remove one")


def _charged(case: Case, requirements: Mapping[str, Requirement]) -> Iterator[Problem]:
    """Find outcomes of calls that failed, or succeeded, for which only what speaks of the others could be charged."""
    known = [requirements[name] for name in case.checks]
    before: set[Ending] = set()
    for step in flatten(case.steps):
        for outcome in step.expect:
            endings = outcome.endings | before
            for aspect in sorted(stated(outcome) - {Aspect.RESULT}):
                able = [r for r in known if aspect in r.observes]
                if able and not any(r.when is None or r.when in endings for r in able):
                    what = f"{case.name}: says something about `{aspect}` where {step.call} has {min(endings)}"
                    yield Problem(case.source, "checks", f"{what}; add a requirement that speaks of such calls")
        before |= step.endings & {Ending.FAILED}


def _doing_the_same(cases: Sequence[Case], chosen: Sequence[Case]) -> Iterator[Problem]:
    """Find cases that do the same, expect the same, and check the same."""
    names = {case.name for case in chosen}
    seen: dict[object, Case] = {}
    for case in cases:
        expected = tuple(step.expect for step in flatten(case.steps))
        first = seen.setdefault((compile_case(case).text, expected, case.checks), case)
        if first is not case and case.name in names:
            what = f"{case.name}: does and expects the same as {first.name}; remove one"
            yield Problem(case.source, "id", what)


def _model(corpus: Corpus, chosen: Sequence[Case], kills: KillMatrix) -> Iterator[Problem]:
    passing, idle = set(kills.cases), set(kills.idle)
    for case in chosen:
        if case.name in kills.failing:
            what = "does not pass on model:posix; permit what the standard permits (too little now?), or mend the model"
            yield Problem(case.source, "expect", f"{case.name}: {what}")
        binds = any(corpus.requirements[name].modality is not Modality.UNSPECIFIED for name in case.checks)
        if binds and case.name in passing & idle:
            what = "catches no mutant; expect more of it, or add the defect that it is for to native/models"
            yield Problem(case.source, "expect", f"{case.name}: {what}")
