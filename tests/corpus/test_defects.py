# SPDX-License-Identifier: Apache-2.0
"""Defects of a kernel: the list and the patch that plants them agree, and the cases kill what they have to."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.corpus.defects import Scores, defects, report
from lockproof.conformance.language.loading import load_requirements
from lockproof.runners.host.cache import directory
from lockproof.runners.kernels import series
from tests.command import lockproof
from tests.places import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

PATCH = CHECKOUT / "native" / "kernel" / "defects.patch"
KERNEL = "debian/7.2+posixmlock+fault-injection+defects"
HEADER = "include/linux/mlock_defect.h"


def added(text: str) -> tuple[str, str]:
    """Return what the patch adds: to the header with the numbers, and elsewhere."""
    header: list[str] = []
    code: list[str] = []
    lines = code
    for line in text.splitlines():
        if line.startswith("+++ "):
            lines = header if line.endswith(HEADER) else code
        elif line.startswith("+"):
            lines.append(line[1:])
    return "\n".join(header), "\n".join(code)


def test_numbers_go_up_from_one_and_names_are_told_apart() -> None:
    listed = defects()
    assert [defect.number for defect in listed] == list(range(1, len(listed) + 1))
    assert len({defect.name for defect in listed}) == len(listed)


def test_each_is_about_a_requirement_that_there_is() -> None:
    assert {defect.requirement for defect in defects()} <= load_requirements().keys()


def test_a_third_of_them_is_in_what_happens_when_something_fails() -> None:
    listed = defects()
    errors = [defect for defect in listed if defect.name.startswith("error-")]
    assert len(listed) >= 100
    assert len(errors) >= len(listed) // 3


def test_the_patch_has_each_number_under_the_name_that_is_listed() -> None:
    header, _ = added(PATCH.read_text(encoding="utf-8"))
    numbers = {name: int(number) for name, number in re.findall(r"\bMLOCK_DEFECT_(\w+) = (\d+),", header)}
    assert numbers == {defect.name.upper().replace("-", "_"): defect.number for defect in defects()}


def test_the_patch_plants_each() -> None:
    _, code = added(PATCH.read_text(encoding="utf-8"))
    planted = Counter(re.findall(r"\bmlock_defect\(MLOCK_DEFECT_(\w+)\)", code))
    names = {defect.name.upper().replace("-", "_") for defect in defects()}
    assert planted.keys() == names
    # What lets pages be reclaimed is a defect of locking and of reclaim; a limit that forgets does so in two places, and
    # what is kept after the last attempt makes the first one the last.
    assert {name for name, count in planted.items() if count > 1} == {
        "PAGES_PRESENT_NOT_PINNED",
        "PAGES_FAULTED_NOT_PINNED",
        "PAGES_ON_FAULT_NOT_PINNED",
        "LIMIT_FORGETS_LOCKED",
        "ERROR_RETRY_KEEPS",
    }


@pytest.mark.kernel_source("7.2")
def test_the_patch_applies_behind_the_series(tmp_path: Path) -> None:
    sources = max((directory() / "sources").glob("linux-source-7.2_*.tar"))
    patches = [*(patch for _, patch in series.patches("debian/7.2")), PATCH.read_bytes()]
    wanted = {f"*/{name.decode()}" for patch in patches for name in re.findall(rb"^--- a/(\S+)$", patch, re.MULTILINE)}
    unpack = ["tar", "-xf", str(sources), "-C", str(tmp_path), "--strip-components=1", "--wildcards", *wanted]
    subprocess.run(unpack, capture_output=True, check=False)  # what a patch adds and another changes is not there
    for patch in patches:
        command = ["patch", "-p1", "--forward", "--batch"]
        done = subprocess.run(command, cwd=tmp_path, input=patch, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout.decode()


def test_a_survivor_that_leaves_cases_without_a_verdict_is_said_to_be_noticed() -> None:
    first, second, third = defects()[:3]
    found = Scores((first, second, third), {first.name: ("a/b",)}, {first.name: ("a/c",), second.name: ("a/c", "a/d")})
    lines = report(found, {"a/b": ()}, verbose=False).splitlines()
    assert lines[0].endswith("1 case a/b")
    assert lines[1].endswith("SURVIVES, noticed by 2 cases without a verdict, such as a/c")
    assert lines[2].endswith("SURVIVES")
    assert "3 defects, 1 killed by" in lines[4]


def test_a_target_without_defects_gets_one_line() -> None:
    done = lockproof("mutants", "--kernel", "model:posix", cwd=CHECKOUT)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("target 'model:posix': the target refused line 2 of the program: defect: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.slow  # the building of its kernel is
@pytest.mark.qemu(KERNEL)
def test_three_are_scored_on_one_boot() -> None:
    chosen = "mlock-hole-efault", "error-page-keeps", "munlockall-keeps-future"
    done = lockproof("mutants", "--kernel", f"qemu:{KERNEL}", "--cases", "cases/mlock", *chosen, cwd=CHECKOUT)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "3 defects, 2 killed by" in done.stdout
    assert (
        "survives: 101 munlockall-keeps-future (munlockall.cancels-future): munlockall leaves MCL_FUTURE armed"
        in done.stdout
    )
    assert "the guest was started 1 time; 0 broke it, or hung" in done.stdout
