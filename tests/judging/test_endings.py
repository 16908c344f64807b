# SPDX-License-Identifier: Apache-2.0
"""What depends on how a call returned: which outcomes are permitted, and which requirement is charged."""

from __future__ import annotations

from dataclasses import replace

from lockproof.conformance.corpus.lint import lint
from lockproof.conformance.corpus.mutants import KillMatrix
from lockproof.conformance.judging.judge import judge
from lockproof.conformance.judging.verdict import Status, Verdict
from lockproof.conformance.language.loading import load_text
from lockproof.conformance.language.requirements import Ending
from tests.helpers import case_of, catalogue, execution, step, trace

ARMED = """
map: n__
steps:
  - {call: mlockall, flags: [CURRENT, FUTURE], expect: {result: [0, EAGAIN]}}
  - {call: mmap, range: ..^, region: b, expect: {when: failed, result: 0, locked: "?_."}}
"""
LOCKS = """
map: aa
call: mlockall
flags: CURRENT
expect: [{result: 0, locked: LL}, {result: EAGAIN, locked: unchanged}]
checks: [mlock.no-change, mlock.open]
"""


def judged(first: str, locked: str) -> Verdict:
    return judge(case_of(ARMED), trace(execution(".__", step(0, first, ".__"), step(1, "0", locked))), catalogue())


def test_an_outcome_holds_only_where_the_call_before_returned_so() -> None:
    assert judged("EAGAIN", "._.").status is Status.PASS
    assert judged("EAGAIN", "._L").status is Status.FAIL
    assert judged("0", "L_L").status is Status.PASS
    assert judged("0", "L_.").status is Status.PASS


def charged(result: str, locked: str) -> list[str]:
    """Return the requirements that are charged, where the first of the case speaks of failures only."""
    requirements = dict(catalogue())
    requirements["mlock.no-change"] = replace(requirements["mlock.no-change"], when=Ending.FAILED)
    done = judge(case_of(LOCKS), trace(execution("..", step(0, result, locked))), requirements)
    return [finding.requirement for finding in done.findings]


def test_what_speaks_of_failures_is_not_charged_with_a_success() -> None:
    assert charged("0", "L.") == ["mlock.open"]
    assert charged("EAGAIN", "L.") == ["mlock.no-change"]
    assert charged("0", "LL") == []


def test_lint_finds_what_only_a_requirement_about_other_calls_could_be_charged_with() -> None:
    found = load_text(
        "- {id: leaf, about: It says more than it checks., checks: [mlock.failure.no-change], map: a, call: mlock, "
        "range: ^, expect: [{result: 0, locked: L}, {result: EAGAIN, locked: unchanged}]}"
    )
    kills = KillMatrix(killers={}, mutants=(), cases=(), failing=(), untried=(), recording=frozenset())
    (problem,) = lint(found, found.cases, kills)
    assert problem.message == (
        "cases/leaf: says something about `locked` where mlock has succeeded; add a requirement that speaks of such calls"
    )
