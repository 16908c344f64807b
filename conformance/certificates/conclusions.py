# SPDX-License-Identifier: Apache-2.0
"""What the results of a corpus come to: the standing of each requirement, and for each profile one sentence.

A profile *conforms* only where every `shall` of it was tried and held. A kernel that was not seen to break anything
while something could not be tried has *no deviation found*. What could not be found out lets no statement be made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping  # noqa: TC003  pydantic reads the annotations
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import ConfigDict

from lockproof.conformance.counted import counted
from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.language.requirements import Modality, Profile

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from lockproof.conformance.language.requirements import Requirement
    from lockproof.conformance.running.results import Result

__all__ = ["Conclusion", "Outcome", "Standing", "conclusions", "standings"]


class Outcome(StrEnum):
    """What a certificate says of a profile."""

    CONFORMS = "conforms"
    """Every `shall` was tried, and held."""
    NO_DEVIATION = "no-deviation"
    """Nothing was seen to be broken, but not every `shall` could be tried."""
    DEVIATES = "deviates"
    NOT_CERTIFIED = "not-certified"
    """Nothing can be said: something could not be found out, or is missing and not disclaimed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """What a certificate says of a profile, and the sentence that people read."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    outcome: Outcome
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What was found out about one requirement."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    requirement: str
    """Id."""
    modality: Modality
    profile: Profile
    verdict: Status
    """FAIL: a case has shown a deviation. PASS: it was tried, and held in all that could be tried."""
    cases: int
    """Cases that check it."""
    deviating: tuple[str, ...] = ()
    """The cases that have shown a deviation."""
    rests_on: tuple[str, ...] = ()
    """Readings of the standard without which a case that checks it would have another verdict, as `ID=CHOICE`."""
    options: Mapping[str, int]
    """Options that the target has not got, and may lack, and the cases that were not tried for want of each."""
    means: Mapping[str, int]
    """The same of means to provoke or to see."""


def standings(requirements: Mapping[str, Requirement], results: Sequence[Result]) -> tuple[Standing, ...]:
    """Return what was found out about each requirement, in the order of the catalogue."""
    return tuple(_standing(requirement, results) for requirement in requirements.values())


def _standing(requirement: Requirement, results: Sequence[Result]) -> Standing:
    own = [result for result in results if requirement.id in result.checks]
    deviating = tuple(result.case for result in own if _shows(result, requirement.id))
    found = {result.verdict.status for result in own}
    options, means = _lacking(own, Status.UNSUPPORTED), _lacking(own, Status.UNTESTED)
    if deviating:
        verdict = Status.FAIL
    elif Status.UNRESOLVED in found:
        verdict = Status.UNRESOLVED
    elif means or not found & {Status.PASS, Status.UNSUPPORTED}:
        # A case that failed for another requirement, or found nothing to make fail, has not tried this one.
        verdict = Status.UNTESTED
    elif Status.PASS in found:
        verdict = Status.PASS
    else:
        verdict = Status.UNSUPPORTED
    return Standing(
        requirement=requirement.id,
        modality=requirement.modality,
        profile=requirement.profile,
        verdict=verdict,
        cases=len(own),
        deviating=deviating,
        rests_on=tuple(sorted({reading for result in own for reading in result.verdict.rests_on})),
        options=options,
        means=means,
    )


def _lacking(results: Sequence[Result], status: Status) -> Mapping[str, int]:
    names = (result.verdict.lacks for result in results if result.verdict.status is status)
    return dict(sorted(Counter(filter(None, names)).items()))


def _shows(result: Result, requirement: str) -> bool:
    findings = result.verdict.findings
    return result.verdict.status is Status.FAIL and any(finding.requirement == requirement for finding in findings)


def conclusions(
    found: Sequence[Standing], results: Iterable[Result], disclaimed: Collection[str], readings: Collection[str] = ()
) -> Mapping[Profile, Conclusion]:
    """Return what there is to say of each profile.

    `disclaimed`: options that the product has not got, as it states; `readings`: those of the standard that it relies
    on although others were decided, which are named where a verdict rests on them.
    """
    unresolved = [result.case for result in results if result.verdict.status is Status.UNRESOLVED]
    return {profile: _of_profile(profile, found, unresolved, disclaimed, readings) for profile in Profile}


def _of_profile(
    profile: Profile,
    found: Sequence[Standing],
    unresolved: Sequence[str],
    disclaimed: Collection[str],
    readings: Collection[str],
) -> Conclusion:
    own = [each for each in found if each.profile is profile]
    said = _conclusion(own, unresolved, disclaimed)
    relied_on = sorted({reading for each in own for reading in each.rests_on} & set(readings))
    return replace(said, sentence=f"{said.sentence}, by {', '.join(relied_on)}") if relied_on else said


def _conclusion(found: Sequence[Standing], unresolved: Sequence[str], disclaimed: Collection[str]) -> Conclusion:
    if unresolved:
        why = f"{counted(len(unresolved), 'case')} could not be resolved, the first is {unresolved[0]}"
        return Conclusion(outcome=Outcome.NOT_CERTIFIED, sentence=f"not certified: {why}")
    broken = [each.requirement for each in found if each.verdict is Status.FAIL and _binds(each)]
    if broken:
        return Conclusion(outcome=Outcome.DEVIATES, sentence=f"does not conform: {', '.join(broken)}")
    wanted = {option for each in found if each.modality is Modality.SHALL for option in each.options}
    missing = sorted(wanted - set(disclaimed))
    if missing:
        why = f"no {', '.join(missing)}, which the statement does not disclaim"
        return Conclusion(outcome=Outcome.NOT_CERTIFIED, sentence=f"not certified: {why}")
    untested = [each for each in found if each.verdict is Status.UNTESTED and each.modality is Modality.SHALL]
    if untested:
        sentence = f"no deviation found, {counted(len(untested), 'requirement')} untested"
        return Conclusion(outcome=Outcome.NO_DEVIATION, sentence=sentence)
    return Conclusion(outcome=Outcome.CONFORMS, sentence="conforms")


def _binds(each: Standing) -> bool:
    return each.modality is not Modality.UNSPECIFIED
