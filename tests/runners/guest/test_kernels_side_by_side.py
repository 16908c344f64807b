# SPDX-License-Identifier: Apache-2.0
"""Several kernels in one run: one table, one JUnit file, each guest booted once for each worker."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest
from lxml import etree

from tests.command import lockproof
from tests.command import results as results_in
from tests.places import JUNIT_SCHEMA

KERNELS = ["debian/5.10", "debian/6.1", "debian/6.12", "debian/7.2", "debian/6.1+fault-injection"]

pytestmark = [pytest.mark.qemu(*KERNELS), pytest.mark.xdist_group("matrix")]


class Run(NamedTuple):
    """What a run of several kernels left."""

    code: int
    printed: list[str]
    verdicts: dict[tuple[str, str], str]
    junit: etree._Element


@cache
def run() -> Run:
    """Run the cases of munlock on all kernels, by two workers."""
    targets = [option for kernel in KERNELS for option in ("-t", f"qemu:{kernel}")]
    with TemporaryDirectory() as name:
        done = lockproof("run", "-j", "2", *targets, "munlock", "quality/closing", cwd=Path(name))
        (folder,) = Path(name, "results").iterdir()
        junit = etree.parse(str(folder / "junit.xml")).getroot()
        verdicts = {
            (result["target"], result["case"]): result["verdict"]["status"] for result in results_in(Path(name))
        }
    return Run(done.returncode, done.stdout.splitlines(), verdicts, junit)


def test_the_table_has_a_line_for_each_kernel_with_its_counts() -> None:
    rows = {line.split()[0]: line for line in run().printed if re.match(r"qemu:\S+ +Linux ", line)}
    assert set(rows) == {f"qemu:{kernel}" for kernel in KERNELS}
    for kernel in KERNELS:
        counts = [int(number) for number in rows[f"qemu:{kernel}"].split("KiB")[1].split()]
        statuses = [status for (target, _), status in run().verdicts.items() if target == f"qemu:{kernel}"]
        names = ("PASS", "FAIL", "UNRESOLVED", "UNSUPPORTED", "UNTESTED")
        assert counts == [statuses.count(status) for status in names]
    assert run().code == 1


def test_each_guest_is_booted_once_for_each_worker_and_says_how_long_that_took_and_its_memory() -> None:
    for kernel in KERNELS:
        boots = [line for line in run().printed if line.startswith(f"qemu:{kernel}: ")]
        assert 1 <= len(boots) <= 2
        assert all(re.fullmatch(r"\S+: booted in \d+\.\d s, (TCG|KVM), 512 MiB", line) for line in boots)


def label(kernel: str) -> str:
    """Return how reports call the guest of a kernel."""
    return re.sub("[^A-Za-z0-9_-]+", "-", f"qemu:{kernel}".replace(".", "_"))


def test_one_junit_file_has_the_suites_of_all_kernels() -> None:
    etree.XMLSchema(etree.parse(str(JUNIT_SCHEMA))).assertValid(run().junit)
    suites = {suite.get("name") for suite in run().junit.findall("testsuite")}
    assert suites == {
        f"{label(kernel)}/{folder}"
        for kernel in KERNELS
        for folder in {case.rpartition("/")[0] for _, case in run().verdicts}
    }


def test_the_knobs_of_fault_injection_as_found_and_as_set_are_part_of_the_result() -> None:
    properties = {
        str(each.get("name")): str(each.get("value"))
        for each in run().junit.findall(
            f"testsuite[@name='{label('debian/6.1+fault-injection')}/munlock/no-change']//property"
        )
    }
    assert "failslab/ignore-gfp-wait=Y->N" in properties["lockproof.knobs"]
    assert properties["lockproof.faults"] == (
        "each-allocation=fail-nth from-each-allocation=make-it-fail apart=filters memory=memcg"
    )


def test_every_kernel_breaks_the_promise_of_munlock_and_gives_back_what_it_was_asked_for() -> None:
    for kernel in KERNELS:
        target = f"qemu:{kernel}"
        assert run().verdicts[target, "munlock/no-change/hole-after-prefix"] == "FAIL"
        assert run().verdicts[target, "quality/closing/mlocked"] == "PASS"
        assert run().verdicts[target, "quality/closing/vm-areas"] == "PASS"
    assert "UNRESOLVED" not in run().verdicts.values()
