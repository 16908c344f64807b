# SPDX-License-Identifier: Apache-2.0
"""Generated cases: the model and the naive statement agree, and whatever does not is found, made small and kept."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from datetime import date
from math import inf
from pathlib import Path
from random import Random

import pytest
from hypothesis import Phase, given, settings
from rich.console import Console

from lockproof.conformance.commands.explore import ExploreRequest
from lockproof.conformance.exploring.generator import NUMBERS, POSIX, Numbers, case_of, draw
from lockproof.conformance.exploring.permitted import Judgement, judged
from lockproof.conformance.exploring.search import OneExample, SearchRequest, SearchResult, explore
from lockproof.conformance.language.loading import load
from lockproof.conformance.protocol.program import compile_case
from lockproof.conformance.running.baselines import Baseline, KnownIssue, Where
from lockproof.runners.probe.compiled import host_probe
from lockproof.runners.target import make_target
from tests.command import lockproof, start
from tests.places import BASELINES

FOUND = [
    ("mlock-one-page-more", "mlock"), ("mlock-keeps-prefix", "mlock"), ("mlock-keeps-prefix-on-fault", "mlock"),
    ("locks-nest", "munlock"), ("munlock-keeps-mapped", "munlock"), ("mlockall-skips-program", "mlockall"),
    ("future-lost-at-mmap", "mmap"), ("munlockall-keeps-future", "mmap"), ("fork-inherits-locks", "observe"),
    ("exec-keeps-future", "mmap"), ("munmap-remembers-locks", "mmap"), ("limit-one-page-high", "mlock"),
    ("past-end-sigsegv", "touch"), ("past-end-is-memory", "touch"), ("hole-sigbus", "touch"),
    ("no-access-is-memory", "touch"),
]  # fmt: skip


@settings(max_examples=300)
@given(NUMBERS)
def test_the_model_does_only_what_the_naive_statement_permits(numbers: Numbers) -> None:
    case = case_of(numbers, POSIX, faults=True)
    with make_target("model:posix").session() as session:
        (trace,) = session.run([compile_case(case)])
        assert judged(case, trace, session.info.page_size) == Judgement()


@pytest.mark.parametrize("number", range(20))
def test_hypothesis_begins_with_the_numbers_that_were_drawn_without_it(number: int) -> None:
    numbers = draw(Random(number))  # noqa: S311  no secret
    seen: list[Numbers] = []

    @settings(database=OneExample(numbers), phases=[Phase.reuse], max_examples=1)
    @given(NUMBERS)
    def look(again: Numbers) -> None:
        seen.append(again)

    look()
    assert seen == [numbers]


def explored(target: str, seed: int, most: int) -> SearchResult:
    return explore(SearchRequest(target, 120, seed, most), Console(stderr=True))


@pytest.mark.parametrize(("mutant", "call"), FOUND)
def test_a_defect_is_found_and_printed_as_a_case_that_catches_it(tmp_path: Path, mutant: str, call: str) -> None:
    found = explored(f"model:posix/{mutant}", seed=1, most=200000)
    assert found.yaml, found
    file = tmp_path / "found.yaml"
    file.write_text(found.yaml)
    (case,) = load(file).cases
    assert found.what.startswith(f"{call} ") or call in found.yaml
    assert len(case.steps) <= 5
    right = lockproof("run", "-t", "model:posix", "--cases", str(file), cwd=tmp_path)
    assert right.returncode == 0, right.stdout
    wrong = lockproof("run", "-t", f"model:posix/{mutant}", "--cases", str(file), cwd=tmp_path)
    assert wrong.returncode == 1, wrong.stdout + found.yaml


def test_the_same_seed_gives_the_same_case() -> None:
    one, other = (explored("model:posix/locks-nest", seed=7, most=9999) for _ in range(2))
    assert one.yaml == other.yaml != ""


def test_the_command_ends_with_0_where_nothing_differs() -> None:
    done = lockproof("explore", "model:posix", "--count", "2000", "--seed", "3", cwd=Path.cwd())
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("2000 cases in ")


@pytest.mark.parametrize(("seconds", "count", "longest"), [(None, None, 60), (None, 9, inf), (5, None, 5), (5, 9, 5)])
def test_a_number_of_cases_is_not_cut_short_by_time(seconds: float | None, count: int | None, longest: float) -> None:
    assert ExploreRequest(target="local", seed=1, seconds=seconds, count=count).longest == longest


def test_the_command_finds_that_linux_keeps_locks_of_a_failed_call() -> None:
    done = lockproof("explore", "local", "--seconds", "60", cwd=Path.cwd())
    assert done.returncode == 1
    assert "- id: explored-" in done.stdout


def test_a_target_that_sees_no_locks_is_refused_in_one_line(tmp_path: Path) -> None:
    probe = host_probe()
    blind = tmp_path / "blind"
    hidden = 's/"lock_observers":\\[[^]]*\\]/"lock_observers":[]/'
    blind.write_text(f"#!/bin/sh\n{probe} | sed -u '{hidden}'\n")
    blind.chmod(0o755)
    done = lockproof("explore", f"command:{blind}", "--count", "10", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        f"command:{blind} sees no locks, so nothing that it does could be judged; "
        f"lockproof targets command:{blind} says what it sees\n"
    )


HELLO = "cat hello; "
BROKEN = {
    "dies": (
        HELLO + "read line; exit 1",
        "the probe ended with exit status 1; given up: 21 programs in a row broke the",
    ),
    "talks": (
        HELLO + """while read word rest; do test "$word" != end || echo nonsense; done""",
        "not the protocol, no line of a trace: 'nonsense'; given up: 21 programs in a row broke the target",
    ),
    "refuses": (
        HELLO
        + """while read word rest; do case "$word" in program) name=$rest;; end) """
        + r"""printf '{"refused":"%s","line":2,"reason":"no"}\n{"end":"%s"}\n' "$name" "$name";; esac; done""",
        "none of 100 cases could be judged: the target refused line 2 of the program: no",
    ),
    "sets nothing up": (
        HELLO
        + """while read word rest; do case "$word" in program) name=$rest;; end) """
        + r"""printf '{"execution":0,"status":"setup","reason":"no"}\n{"end":"%s"}\n' "$name";; esac; done""",
        "none of 100 cases could be judged: its set-up failed: no",
    ),
}


@pytest.mark.parametrize("against", [(), ("--against", "model:posix")], ids=["permitted", "compared"])
@pytest.mark.parametrize("how", BROKEN)
def test_a_probe_that_says_nothing_of_use_is_one_line(tmp_path: Path, how: str, against: tuple[str, ...]) -> None:
    script, said = BROKEN[how]
    hello = subprocess.run([host_probe()], input="", capture_output=True, text=True, check=True).stdout
    (tmp_path / "hello").write_text(hello.splitlines(keepends=True)[0])
    (tmp_path / "probe").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "probe").chmod(0o755)
    done = lockproof("explore", "command:./probe", "--count", "1000", *against, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (3, ""), done.stderr
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == 1


def baseline(*findings: str) -> Baseline:
    """Make a baseline of all kernels whose vendor is not known: models are such."""
    issues = (
        KnownIssue(
            id=f"known-{number}", about="It is so.", url="https://example.org", cases=("*",), finding=finding,
            where=(Where(vendor=""),), expires=date.max,
        )
        for number, finding in enumerate(findings)
    )  # fmt: skip
    return Baseline(Path("known.yaml"), tuple(issues), {})


def explored_behind(known: Baseline, target: str, most: int) -> SearchResult:
    return explore(SearchRequest(target, 120, 0, most, baselines=(known,)), Console(stderr=True))


LINUX_BREAKS = (
    "mlock.failure.no-change:locked", "munlock.failure.no-change:locked", "mlock.enomem.unmapped:result",
    "munlock.enomem.unmapped:result", "mlockall.locked-and-resident:resident", "mlockall.future:resident",
    "mlockall.current:locked", "munlockall.unlocks-all:locked", "mlockall.locked-and-resident:locked",
)  # fmt: skip


def test_what_a_baseline_knows_is_passed_over_and_counted() -> None:
    found = explored_behind(baseline(*LINUX_BREAKS), "model:linux-6", 5000)
    assert found.yaml == ""
    assert set(found.known) <= set(LINUX_BREAKS)
    assert found.known["mlock.failure.no-change:locked"] > 0


@pytest.mark.parametrize(
    "mutant", ["mlock-loses-locks-outside", "mlock-loses-earlier-locks", "locks-nest", "future-lost-at-mmap"]
)
def test_what_a_baseline_knows_hides_nothing_behind_it(mutant: str) -> None:
    assert explored_behind(baseline(*LINUX_BREAKS), f"model:linux-6/{mutant}", 100000).yaml


def test_the_deviations_that_the_running_kernel_is_known_for_are_passed_over(tmp_path: Path) -> None:
    known = str(BASELINES / "linux.yaml")
    done = lockproof("explore", "local", "--count", "500", "--baseline", known, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert re.search(r"^known, so passed over: [0-9]+ of mlock.failure.no-change:locked$", done.stderr, re.MULTILINE)


def test_a_baseline_of_another_target_is_refused(tmp_path: Path) -> None:
    known = str(BASELINES / "linux.yaml")
    done = lockproof("explore", "model:posix", "--count", "10", "--baseline", known, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "the baseline knows no deviation of model:posix with model posix simulated; name one that does, or leave out "
        "--baseline\n"
    )


def test_what_a_target_lacks_is_not_tried_and_said(tmp_path: Path) -> None:
    lacking = tmp_path / "lacking"
    without = """s/"file",//"""
    lacking.write_text(f"#!/bin/sh\n{host_probe()} | sed -u '{without}'\n")
    lacking.chmod(0o755)
    done = lockproof("explore", f"command:{lacking}", "--against", "local", "--count", "100", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert re.search(r"^cases not tried: [1-9]\d*; the target gives no file memory", done.stderr, re.MULTILINE)


def test_an_interrupt_tells_what_was_tried(tmp_path: Path) -> None:
    answers = tmp_path / "answers"
    target = f"command:sh -c '{host_probe()} | tee {answers}'"
    # Two of the same, which differ in nothing.
    with start("explore", target, "--against", "local", "--seconds", "300", cwd=tmp_path) as running:
        while not (answers.exists() and answers.read_text().count('{"end":') > 1) and running.poll() is None:
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        printed, said = running.communicate(timeout=60)
    assert (running.returncode, printed) == (130, "")
    assert re.search(r"^[1-9]\d* cases in .*, interrupted: no difference", said, re.MULTILINE)
