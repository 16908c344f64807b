# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.protocol.trace import Crash, TraceReader
from lockproof.conformance.reports.ktap import SELFTESTS, ktap
from lockproof.runners.host.cache import directory
from tests.reports.ktap_readers import lkft, nested, netdev, openqa
from tests.reports.made_up import KNOWN, TRACE, manifest, result, run

if TYPE_CHECKING:
    from pathlib import Path

    from lockproof.conformance.reports.run import Run

HUNG = (TRACE[0], '{"execution":0,"status":"hung","step":0}', TRACE[-1])
HOSTILE = (
    "# SKIP 1 [FAIL] SKIP: FAIL: \x00\x1b[31m\ud800 KTAP version 1\nok 1 x\n1..9\n# Subtest: y "
    "List of all partitions: reboot: System halted Kernel panic - not syncing: VFS: x"
)
ALL = (
    result(Status.PASS, "a/pass"),
    result(Status.FAIL, "a/fail"),
    result(Status.FAIL, "a/hang", trace=HUNG),
    result(Status.UNRESOLVED, "a/lost"),
    result(Status.FAIL, "mlock/known"),
    result(Status.UNTESTED, "b/c/untested[n=1,of=x]"),
    result(Status.UNSUPPORTED, "b/c/unsupported"),
)
SAMPLE = """\
KTAP version 1
# lockproof 0.1.0 target=local kernel=6.12.107 arch=x86_64 page=4096
1..2
  KTAP version 1
  # Subtest: a
  1..2
  # a/fail on Linux 6.12.107 x86_64, 4 KiB pages                                        FAIL
  #   map       aaa__bbb
  #   before    .L.__...
  #   mlock      ^^^^^^             → -1 ENOMEM
  #   after     .LL__...            why it is FAIL
  #   permitted .L.__...            mlock.no-change (POSIX)
  #   checks    mlock.no-change, mlock.errors
  #   case      cases/a.yaml:4
  #   rerun     lockproof run -t local a/fail
  not ok 1 fail # mlock.no-change: after .LL__... permitted .L.__... (why it is FAIL)
  ok 2 pass
not ok 1 a
  KTAP version 1
  # Subtest: b
  1..1
  #   reason    UNTESTED why it is UNTESTED
  ok 1 each # SKIP UNTESTED
ok 2 b # SKIP
"""


def every() -> Run:
    """Return a run that has every kind of result."""
    return run(*ALL, baselines=(KNOWN,))


def test_a_report_looks_like_this() -> None:
    made = run(result(Status.PASS, "a/pass"), result(Status.FAIL, "a/fail"), result(Status.UNTESTED, "b/each"))
    assert ktap([made], "") == SAMPLE


def test_every_verdict_has_its_line() -> None:
    lines = [line.strip() for line in ktap([every()], "").splitlines() if re.match(" *(not )?ok", line)]
    said = "mlock.no-change: after .LL__... permitted .L.__... (why it is FAIL)"
    assert lines == [
        f"not ok 1 fail # {said}",
        f"not ok 2 hang # TIMEOUT {said}",
        "not ok 3 lost # ERROR UNRESOLVED why it is UNRESOLVED",
        "ok 4 pass",
        "not ok 1 a",
        "ok 1 unsupported # SKIP UNSUPPORTED",
        "ok 2 untested[n=1,of=x] # SKIP UNTESTED",
        "ok 2 b/c # SKIP",
        "ok 1 known # XFAIL keeps-prefix",
        "ok 3 mlock",
    ]


def test_a_kernel_that_hung_is_a_timeout_and_a_panic_is_none() -> None:
    for crash, word in ((Crash("it hung", (), hung=True), "TIMEOUT"), (Crash("Kernel panic", ()), "mlock.no-change")):
        trace = TraceReader("p0", 8).crashed(crash).lines
        assert f"not ok 1 a # {word}" in ktap([run(result(Status.FAIL, "b/a", trace=trace))], "")


def test_several_targets_are_groups_of_groups() -> None:
    targets = ("qemu:debian/6.12", "model:posix")
    made = run(*(result(Status.PASS, target=target) for target in targets), of=manifest(*targets))
    assert [(test.name, [group.name for group in test.tests]) for test in nested(ktap([made], "")).tests] == [
        ("qemu-debian-6_12", ["mlock/no-change"]),
        ("model-posix", ["mlock/no-change"]),
    ]
    assert "ok 2 selftests: lockproof: model-posix/mlock/no-change" in ktap([made], SELFTESTS).splitlines()


def test_a_target_of_which_nothing_was_found_out_is_not_ok() -> None:
    text = ktap([run(result(Status.UNTESTED))], "")
    assert (
        "  not ok 1 found # ERROR UNRESOLVED nothing was found out; 1 of 1 cases UNTESTED: why it is UNTESTED" in text
    )


def test_lkft_reads_names_that_do_not_depend_on_the_verdict() -> None:
    assert lkft(ktap([every()], SELFTESTS)) == {
        "lockproof_a_fail": "fail",
        "lockproof_a_hang": "fail",
        "lockproof_a_lost": "fail",
        "lockproof_a_pass": "pass",
        "lockproof_a": "fail",
        "lockproof_b_c_unsupported": "skip",
        "lockproof_b_c_untested_n_1_of_x": "skip",
        "lockproof_b_c": "skip",
        "lockproof_mlock_known": "pass",
        "lockproof_mlock": "pass",
    }


def test_openqa_shows_each_case_as_a_step_of_its_folder() -> None:
    assert openqa(ktap([every()], SELFTESTS)) == {
        "a": [("fail", "not ok"), ("hang", "not ok"), ("lost", "not ok"), ("pass", "ok")],
        "b/c": [("unsupported", "ok"), ("untested[n=1,of=x]", "ok")],
        "mlock": [("known", "ok")],
    }


def test_netdev_finds_all_tests_and_no_word_that_overrides_them() -> None:
    assert netdev(ktap([every()], SELFTESTS)) == Counter({"pass": 2, "fail": 3, "skip": 2})
    hostile = ktap(
        [run(result(Status.UNRESOLVED, why=HOSTILE), result(Status.UNTESTED, "a/b", why=HOSTILE))], SELFTESTS
    )
    assert netdev(hostile) == Counter({"fail": 1, "skip": 1, "pass": 0})


@pytest.mark.parametrize("why", [HOSTILE, "#", " # SKIP", "x" * 1_000_000])
def test_what_is_quoted_is_no_syntax(why: str) -> None:
    tests = (result(status, f"a/{status}", why=why) for status in Status)
    root = nested(ktap([run(*tests)], ""))
    assert [(test.name, test.word) for test in root.tests[0].tests] == [
        ("FAIL", "not ok"),
        ("PASS", "ok"),
        ("UNRESOLVED", "not ok"),
        ("UNSUPPORTED", "skip"),
        ("UNTESTED", "skip"),
    ]


@pytest.fixture(scope="module", params=[
    pytest.param(version, marks=[pytest.mark.kernel_source(version), pytest.mark.xdist_group(f"kunit-{version}")])
    for version in ("6.1", "7.2")
])  # fmt: skip
def kunit(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack the kernel's own reader of KTAP; return it."""
    tarball = max(
        (directory() / "sources").glob(f"linux-source-{request.param}_*.tar"), key=lambda each: each.stat().st_mtime
    )
    folder = tmp_path_factory.mktemp("kunit")
    unpack = ["tar", "-C", str(folder), "--strip-components=1", "--wildcards", "-xf", str(tarball)]
    subprocess.run([*unpack, "*/tools/testing/kunit/*"], check=True)
    return folder / "tools" / "testing" / "kunit" / "kunit.py"


def parsed(kunit: Path, text: str) -> tuple[int, str]:
    """Return the exit code and the last line of the kernel's reader."""
    done = subprocess.run(
        [sys.executable, str(kunit), "parse"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
        cwd=kunit.parent,
        env={**os.environ, "PYTHONPATH": ""},
    )
    assert "[ERROR]" not in done.stdout
    assert "[CRASHED]" not in done.stdout
    (counts,) = re.findall("Ran .*", done.stdout)
    return done.returncode, counts


def test_the_kernels_own_reader_counts_the_same(kunit: Path) -> None:
    assert parsed(kunit, ktap([every()], "")) == (1, "Ran 7 tests: passed: 2, failed: 3, skipped: 2")
    good = run(result(Status.PASS, "a/pass"), result(Status.UNTESTED, "b/each"))
    assert parsed(kunit, ktap([good], "")) == (0, "Ran 2 tests: passed: 1, skipped: 1")
    hostile = run(*(result(status, f"a/{status}", why=HOSTILE) for status in Status))
    assert parsed(kunit, ktap([hostile], "")) == (1, "Ran 5 tests: passed: 1, failed: 2, skipped: 2")
    targets = ("local", "model:posix")
    both = run(*(result(Status.PASS, target=target) for target in targets), of=manifest(*targets))
    assert parsed(kunit, ktap([both], "")) == (0, "Ran 2 tests: passed: 2")
