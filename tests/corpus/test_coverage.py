# SPDX-License-Identifier: Apache-2.0
"""The corpus against the catalogue and against deliberate defects: nothing is left out, and every case that can fail kills a mutant."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest

from lockproof.conformance.commands.mutants import open_model
from lockproof.conformance.corpus.coverage import coverage, table
from lockproof.conformance.corpus.lint import lint
from lockproof.conformance.corpus.mutants import KillMatrix, examine
from lockproof.conformance.language.loading import load
from lockproof.conformance.language.requirements import Modality, Profile
from lockproof.runners.models.mutants import mutants
from tests.command import lockproof
from tests.helpers import corpus
from tests.places import CHECKOUT

KINDS = {
    "anonymous", "private-file", "shared-file", "shared", "shm", "sysv", "memfd", "stack", "heap", "anonymous-r",
}  # fmt: skip
ON_ALL_KINDS = {
    "mlock.locked-and-resident", "mlock.failure.no-change", "mlock.until-unlocked", "munlock.unlocks",
    "munlock.failure.no-change", "mlockall.current", "mlockall.locked-and-resident", "munlockall.unlocks-all",
    "fork.not-inherited", "fork.parent-keeps", "exec.removed", "munlock.other-processes", "munlockall.other-processes",
    "mlockall.failure.no-additional", "linux.mlock2.on-fault", "linux.madv-dontneed", "linux.fork",
}  # fmt: skip
SPARED = {("exec.removed", "heap")}  # a new image may have a heap of its own where the old one had its


@cache
def kills() -> KillMatrix:
    """Run all cases on all mutants once."""
    return examine(load(), mutants(), open_model)


ONCE = pytest.mark.xdist_group("mutants")


def test_every_requirement_has_a_case() -> None:
    rows = coverage(load(), {})
    assert [row.requirement.id for row in rows if not row.cases] == []


def test_what_holds_for_all_memory_is_checked_on_all_memory() -> None:
    rows = {row.requirement.id: row for row in coverage(load(), {})}
    missing = {(name, kind) for name in ON_ALL_KINDS for kind in KINDS - set(rows[name].memory)}
    assert missing == SPARED


def test_every_requirement_that_the_model_can_break_has_a_mutant() -> None:
    broken = Counter(mutant.requirement for mutant in mutants())
    requirements = load().requirements.values()
    of_the_system = {"quality.mlocked-returns", "quality.mlocked-counts", "quality.vm-areas-returned"}
    binding = {r.id for r in requirements if r.modality is not Modality.UNSPECIFIED} - of_the_system  # a model has none
    assert set(broken) == binding
    assert sum(broken.values()) >= 80


@ONCE
def test_no_mutant_survives() -> None:
    assert [f"{mutant.name}: {mutant.about}" for mutant in kills().survivors] == []


@ONCE
def test_every_mutant_is_killed_by_a_case_that_checks_its_requirement() -> None:
    assert [mutant.name for mutant in mutants() if not kills().by_requirement[mutant.name]] == []


@ONCE
def test_every_case_that_can_fail_on_the_model_kills_a_mutant() -> None:
    assert kills().idle == []


@ONCE
def test_no_case_fails_without_a_defect() -> None:
    assert kills().failing == ()


@ONCE
def test_what_the_posix_profile_leaves_unspecified_only_records() -> None:
    found = load()
    unspecified = {r.id for r in found.requirements.values() if r.modality is Modality.UNSPECIFIED}
    assert {found.requirements[name].profile for name in unspecified} == {Profile.POSIX}
    assert not kills().recording & {case for cases in kills().killers.values() for case in cases}


@ONCE
def test_our_own_cases_are_beyond_doubt() -> None:
    found = load()
    assert lint(found, found.cases, kills()) == []


def test_a_requirement_without_a_case_is_said_to_have_none() -> None:
    found = corpus("- {id: leaf, about: A., checks: [mlock.errors], map: a, call: munlockall, expect: {result: 0}}")
    text = table(coverage(found, {"mlock.errors": 2}))
    assert "mlock.errors (shall, posix): 1 case, 2 mutants\n  memory  anonymous\n  folder/leaf\n" in text
    assert "mlock.no-change (shall, posix): NO CASE\n" in text
    assert "1 of 6 requirements have cases (posix 1 of 4, linux 0 of 1, quality 0 of 1); 1 cases\n" in text
    assert text.endswith("no case: quality.system (shall)")


def test_a_survivor_is_named_and_is_a_failure() -> None:
    done = lockproof("mutants", "locks-nest", "--cases", "cases/mlock/errors.yaml", cwd=CHECKOUT)
    assert done.returncode == 1
    assert "1 mutant, 0 killed by " in done.stdout
    assert "survives: locks-nest (munlock.no-nesting): a page stays locked until it was unlocked" in done.stdout


def test_the_command_says_which_cases_kill_a_mutant() -> None:
    done = lockproof("mutants", "locks-nest", "-v", cwd=CHECKOUT)
    assert done.returncode == 0
    assert "munlock/success/locks-do-not-nest" in done.stdout
    assert "1 mutant, 1 killed by " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mutants", "lock-nest"), "mutant 'lock-nest': there is none of that name; did you mean locks-nest?"),
        (("run", "-t", "model:posix/lock-nest"), "target 'model:posix/lock-nest': no mutant is called 'lock-nest'; "),
        (
            ("cases", "--coverage", "mlock"),
            "--coverage is about all cases; leave out CASE",
        ),
    ],
)
def test_wrong_usage_gets_one_line(arguments: tuple[str, ...], message: str) -> None:
    done = lockproof(*arguments, cwd=CHECKOUT)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
