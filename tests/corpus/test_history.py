# SPDX-License-Identifier: Apache-2.0
"""Commits to Linux that have mended locks: each is named by a case, which the defect that the commit mended does not pass."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.commands.mutants import open_model
from lockproof.conformance.corpus.mutants import examine
from lockproof.conformance.language.loading import Corpus, load
from lockproof.runners.models.mutants import mutants
from tests.command import lockproof, verdicts
from tests.places import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

UNFIXED = "debian/6.12+fault-injection+unfixed"
"""What `lockproof kernel build debian/6.12 --fault-injection --patch tests/corpus/before/unfixed.patch` makes."""
SHOWN_BY = {
    "fdf4c587a793": ("linux/history/write-only", "mlock-skips-write-only"),
    "c424be1cbbf8": ("linux/history/from-within-a-huge-page", "munlock-skips-last-page"),
    "36f881883c57": ("lifetime/growth/becomes-writable", "mprotect-evicts"),
    "0cf2f6f6dc60": ("mlock/limits/locked-pages-count-once", "limit-counts-twice"),
    "b155b4fde5bd": ("linux/history/again-in-the-other-mode", "account-counts-again"),
    "dedca63504a2": ("mlockall/linux/on-fault-alone", "mcl-onfault-alone"),
    "2658f94d6792": ("linux/history/with-a-locked-part", "mlock-fails-where-locked"),
    "a149174ff8bb": ("linux/history/unmapped-over-two", "account-drifts-on-munmap"),
    "597e4b9ab48a": ("linux/history/moved-in-part-and-stayed", "vmlck-forgets-mremap"),
    "9978ad583e10": ("patch-2006/leftovers/errno-of-an-unusable-page", "mlock-unusable-efault"),
    "606c812eb1d5": ("linux/history/counted-where-not-unmapped", "account-drifts-on-failed-munmap"),
    "6c26bd4384da": ("linux/history/unmapped-or-not", "munmap-fault-succeeds"),
    "838bb60dc215": ("linux/history/moved-behind-itself", "vmlck-forgets-mremap"),
    "655548bf6271": ("linux/history/moved-out-of-a-huge-page", "munlock-skips-last-page"),
    "95042f9eb78a": ("linux/history/lowest-page-of-a-stack", "mlock-leaves-stack-absent"),
}
"""The case of each commit, and the defect of the model that is like what was mended."""
BY_A_KERNEL = {
    "ba470de43188": ("quality/mlocked/leaves-with-its-mapping", "munmap-keeps-pinned"),
    "b676b293fb48": ("quality/mlocked/huge-pages-again", "pages-present-not-pinned"),
    "70feee0e1ef3": ("quality/mlocked/locked-by-another-thread", "munlock-keeps-pinned"),
    "d9770fcc1c0c": ("quality/mlocked/huge-pages-of-parent-and-child", "munlock-for-all"),
}
"""The case of each commit, and the defect of a kernel that is like what was mended (docs/defects.md)."""
BEFORE = {
    "cea86fe246b6": ("quality/mlocked/on-fault", "debian/5.10"),
    "b67bf49ce7aa": ("mlock2/success/on-fault-of-inaccessible-memory", "debian/5.10"),
    "879bca0a2c4f": ("patch-2006/leftovers/layout-after-munlock", "debian/6.12"),
    "faa242b1d2a9": ("linux/history/everything-locked-without-memory", UNFIXED),
    "0874bb49bb21": ("linux/history/locked-again-beyond-two-gib", UNFIXED),
    "7162a1e87b3e": ("quality/mlocked/huge-pages", UNFIXED),
    "561b5e0709e4": ("linux/history/grows-towards-what-cannot-be-used", UNFIXED),
}
"""The case of each commit, and a kernel from before it, or from which it was taken back."""
DEFECTS = "debian/7.2+posixmlock+fault-injection+defects"
COMMIT = re.compile(r"\b[0-9a-f]{12}\b")


def test_each_commit_that_a_case_names_is_in_the_table_and_the_other_way_round() -> None:
    named = {commit: case.name.partition("[")[0] for case in load().cases for commit in COMMIT.findall(case.about)}
    assert named == {commit: case for commit, (case, _) in (SHOWN_BY | BY_A_KERNEL | BEFORE).items()}


@pytest.mark.parametrize("commit", SHOWN_BY)
def test_the_case_of_a_commit_fails_with_a_defect_like_the_one_that_it_mended(commit: str) -> None:
    name, defect = SHOWN_BY[commit]
    corpus = load()
    cases = tuple(case for case in corpus.cases if case.name.partition("[")[0] == name)
    found = examine(Corpus(cases, corpus.requirements), [m for m in mutants() if m.name == defect], open_model)
    assert found.killers[defect]


@pytest.mark.parametrize(
    "commit",
    [
        pytest.param(commit, marks=[pytest.mark.qemu(kernel), *([pytest.mark.slow] if kernel == UNFIXED else [])])
        for commit, (_, kernel) in BEFORE.items()
    ],
)
def test_the_case_of_a_commit_fails_on_a_kernel_from_before_it(commit: str, tmp_path: Path) -> None:
    case, kernel = BEFORE[commit]
    done = lockproof("run", "-t", f"qemu:{kernel}", case, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "FAIL" in verdicts(tmp_path).values()


@pytest.mark.slow  # the building of its kernel is
@pytest.mark.qemu(DEFECTS)
@pytest.mark.parametrize("commit", BY_A_KERNEL)
def test_the_case_of_a_commit_kills_a_defect_of_a_kernel_like_the_one_that_it_mended(commit: str) -> None:
    case, defect = BY_A_KERNEL[commit]
    cases = f"cases/{case.rpartition('/')[0]}.yaml"
    done = lockproof("mutants", "--kernel", f"qemu:{DEFECTS}", "--cases", cases, defect, "-v", cwd=CHECKOUT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"      {case}" in done.stdout
