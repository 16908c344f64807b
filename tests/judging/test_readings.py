# SPDX-License-Identifier: Apache-2.0
"""A verdict says on which readings of the standard it rests, and each reading changes some verdict."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cache
from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.judging.judge import judge
from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.language.loading import load, load_text
from lockproof.conformance.language.readings import others
from lockproof.conformance.protocol.program import compile_case
from lockproof.runners.target import make_target
from tests.helpers import execution, step, trace

if TYPE_CHECKING:
    from lockproof.conformance.judging.verdict import Verdict
    from lockproof.conformance.language.loading import Corpus

CASE = """\
- id: leaf
  about: A case.
  checks: [mlock.enomem.unmapped]
  map:    aaa
  call:   mlock
  range:  {pages: .^., length: -1}
  expect:
    - {reading: size-max=not-mapped, result: ENOMEM}
    - {reading: size-max=wraps, result: [0, ENOMEM]}
"""


@cache
def corpus() -> Corpus:
    return load()


def judged(result: str, *readings: str) -> Verdict:
    read = load_text(CASE).read_by(readings)
    return judge(read.cases[0], trace(execution("...", step(0, result, "..."))), read.requirements)


def test_a_verdict_that_another_reading_changes_rests_on_the_one_that_was_taken() -> None:
    failed, passed = judged("0"), judged("0", "size-max=wraps")
    assert (failed.status, failed.rests_on) == (Status.FAIL, ("size-max=not-mapped",))
    assert (passed.status, passed.rests_on) == (Status.PASS, ("size-max=wraps",))
    assert passed.resting == "rests on the reading size-max=wraps"


@pytest.mark.parametrize("result", ["ENOMEM", "EINVAL"])
def test_a_verdict_that_all_readings_give_rests_on_none(result: str) -> None:
    assert judged(result).rests_on == judged(result, "size-max=wraps").rests_on == ()


READINGS = {
    ("mapping-limit", "shortage"): ("model:posix", Status.PASS, Status.FAIL),
    ("failed-allocation", "either"): ("model:linux-6", Status.FAIL, Status.PASS),
    ("failure-and-future", "of-now"): ("model:posixmlock-2006", Status.FAIL, Status.PASS),
    ("mlockall-no-access", "to-the-letter"): ("model:linux-6", Status.PASS, Status.FAIL),
    ("mlockall-past-end", "to-the-letter"): ("model:linux-6", Status.PASS, Status.FAIL),
    ("size-max", "wraps"): ("model:linux-6", Status.FAIL, Status.PASS),
    ("future-shortage", "as-implemented"): ("model:linux-6", Status.FAIL, Status.PASS),
}
"""For each reading that was not decided, a target on which a verdict is another: by what was decided, and by it."""


def test_each_reading_that_was_not_decided_is_tried() -> None:
    known = corpus().interpretations
    assert set(READINGS) == {
        (name, choice) for name, found in known.items() for choice in found.readings if choice != found.decided
    }


@pytest.mark.parametrize(("reading", "expected"), READINGS.items(), ids=["=".join(reading) for reading in READINGS])
def test_a_reading_changes_a_verdict_and_says_so(
    reading: tuple[str, str], expected: tuple[str, Status, Status]
) -> None:
    name, choice = reading
    target, usual, changed = expected
    other = corpus().read_by([f"{name}={choice}"])
    pairs = [(a, b) for a, b in zip(corpus().cases, other.cases, strict=True) if name in a.readings]
    with ExitStack() as stack:
        session = stack.enter_context(make_target(target).session())
        traces = list(session.run([compile_case(case) for case, _ in pairs]))
    found = []
    for (by_decision, by_other), seen in zip(pairs, traces, strict=True):
        one, two = (judge(case, seen, corpus().requirements) for case in (by_decision, by_other))
        differ = (one.status, one.kinds) != (two.status, two.kinds)
        assert one.rests_on == ((f"{name}={corpus().interpretations[name].decided}",) if differ else ())
        assert two.rests_on == ((f"{name}={choice}",) if differ else ())
        assert [each for each, _ in others(by_decision)] == [name]
        found.append((one.status, two.status))
    assert (usual, changed) in found
