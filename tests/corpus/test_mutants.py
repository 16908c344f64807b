# SPDX-License-Identifier: Apache-2.0
"""Models of Linux get the same defects: that a case fails without one hides none, and what is Linux's own is none."""

from __future__ import annotations

from tests.command import lockproof
from tests.places import CHECKOUT

LINUX = ("mutants", "--model", "model:linux-6", "--cases")


def test_a_defect_is_seen_in_a_case_that_fails_without_it() -> None:
    done = lockproof(*LINUX, "cases/quality/layout.yaml", "layout-stays-split-at-map-count", "-v", cwd=CHECKOUT)
    assert done.returncode == 0
    assert "    quality/layout/no-more-mappings\n" in done.stdout
    alone = lockproof("run", "-t", "model:linux-6", "quality/layout/no-more-mappings", cwd=CHECKOUT)
    assert alone.returncode == 1


def test_what_the_model_does_itself_is_no_defect_of_it() -> None:
    done = lockproof(*LINUX, "cases/munlock", "munlock-keeps-prefix", cwd=CHECKOUT)
    assert done.returncode == 0
    assert "munlock-keeps-prefix  answers every case as the model does\n" in done.stdout
    assert "survives" not in done.stdout


def test_a_survivor_is_a_failure_on_a_model_of_linux_too() -> None:
    done = lockproof(*LINUX, "cases/munlock/success.yaml", "munlock-stays-split", cwd=CHECKOUT)
    assert done.returncode == 1
    assert "survives: munlock-stays-split (quality.merged-layout)" in done.stdout


def test_what_is_no_model_gets_one_line() -> None:
    done = lockproof("mutants", "--model", "local", "locks-nest", cwd=CHECKOUT)
    assert (done.returncode, done.stderr) == (
        2,
        "target 'local': is no model; write one of `lockproof targets`, such as model:linux-6\n",
    )
