# SPDX-License-Identifier: Apache-2.0
"""The corpus on real targets: the model breaks nothing, Linux and gVisor are caught where they deviate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.language import strips
from lockproof.conformance.language.calls import Call
from lockproof.conformance.language.loading import load
from tests.command import lockproof, results
from tests.corpus.without_memory import may_need_no_memory, needs_no_memory
from tests.whole_corpus import on, whole_corpus

if TYPE_CHECKING:
    from pathlib import Path

    from lockproof.conformance.language.case import Case

UNPRIVILEGED = "command:setpriv --reuid=65534 --regid=65534 --clear-groups {probe}"
GUEST = "qemu:debian/6.12"
LARGE_PAGES = "qemu:debian/6.12@ppc64le"
FAULTS = "qemu:debian/6.1+fault-injection"
LINUXES = [
    on("local"),
    on(UNPRIVILEGED, marks=(pytest.mark.root,)),
    on(GUEST, marks=(pytest.mark.qemu("debian/6.12"),)),
    on(LARGE_PAGES, marks=(pytest.mark.qemu("debian/6.12@ppc64le"),)),
    on(FAULTS, marks=(pytest.mark.qemu("debian/6.1+fault-injection"),)),
]
TARGETS = [*LINUXES, on("gvisor", marks=(pytest.mark.gvisor,))]

# What Linux leaves behind after each provocation, as the first finding says it.
LINUX = {
    "mlock/no-change/hole-after-prefix": "page 2 became locked",
    "mlock/no-change/unlockable-page[with=protection-none]": "pages 0, 2 to 6 became locked",
    "mlock/no-change/unlockable-page[with=past-end-of-file]": "pages 0, 2 to 6 became locked",
    "munlock/no-change/hole-after-prefix": "page 1 became unlocked",
    "mlock/errors/endless-range[length=-1]": "returned 0, permitted ENOMEM or EINVAL",
    "mlock/max-map-count/parts-of-two-mappings": "pages 1 to 5 became locked",
    "munlock/max-map-count/after-whole-mappings": "pages 0 to 3 became unlocked",
    "quality/layout/no-more-mappings": "2 mappings instead of 1, boundaries changed at page 1",
}
GUARD = ("mlock/no-change/unlockable-page[with=guard]", "pages 0, 2 to 6 became locked")
GVISOR = {name: message for name, message in LINUX.items() if name.startswith(("mlock/no-change", "munlock/no-change"))}


def statuses(target: str) -> dict[str, list[str]]:
    """Return the cases of each status."""
    found: dict[str, list[str]] = {}
    for name, status in whole_corpus(target).statuses.items():
        found.setdefault(status, []).append(name)
    return found


def test_there_are_at_least_sixty_cases() -> None:
    assert len(load().cases) >= 60


MOST_ASKED = 16384
"""Pages of a mapping with locks that msync is asked about, one by one (native/probe/kernel/page_observers.c)."""


def needs_a_kernel(case: Case) -> bool:
    return any(step.call is Call.SETTLE for step in case.steps)


def test_the_model_of_posix_passes_every_case_that_can_be_run_on_it() -> None:
    ran = whole_corpus("model:posix")
    code, found = ran.code, ran.results
    others = {name: result["verdict"] for name, result in found.items() if result["verdict"]["status"] != "PASS"}
    assert {(verdict["status"], verdict["reason"]) for verdict in others.values()} == {
        ("UNTESTED", "no allocation inside the call could be made to fail"),
        ("UNTESTED", "the target has no kernel to itself whose counts would tell (qemu has)"),
    }
    expected = {case.name for case in load().cases if needs_a_kernel(case) or needs_no_memory(case.name)}
    assert {name for name in others if not may_need_no_memory(name)} == expected
    assert len(found) == len(load().cases)
    assert code == 0


@pytest.mark.parametrize("target", TARGETS)
def test_every_case_gets_a_verdict_and_none_is_unresolved(target: str) -> None:
    ran = whole_corpus(target)
    code, found = ran.code, ran.results
    assert set(found) == {case.name for case in load().cases}
    assert {name: found[name]["verdict"]["reason"] for name in statuses(target).get("UNRESOLVED", [])} == {}
    assert code == 1


def first_findings(target: str, names: dict[str, str]) -> dict[str, str]:
    """Return the first finding of each of the named cases, or its status where there is none."""
    verdicts = {name: whole_corpus(target).results[name]["verdict"] for name in names}
    return {
        name: next((f["message"] for f in verdict["findings"]), verdict["status"]) for name, verdict in verdicts.items()
    }


@pytest.mark.parametrize("target", LINUXES)
def test_linux_is_caught_where_it_breaks_the_promise(target: str) -> None:
    assert first_findings(target, LINUX) == LINUX


@pytest.mark.parametrize("target", [on("local")])
def test_linux_leaves_a_range_locked_after_a_guard_page(target: str) -> None:
    name, message = GUARD
    verdict = whole_corpus(target).verdicts[name]
    if verdict["status"] == "UNTESTED":
        pytest.skip(verdict["reason"])
    assert verdict["findings"][0]["message"] == message


@pytest.mark.parametrize("target", [on("gvisor", marks=(pytest.mark.gvisor,))])
def test_gvisor_is_caught_and_nothing_is_claimed_about_what_it_does_not_show(target: str) -> None:
    assert first_findings(target, GVISOR) == GVISOR
    found = whole_corpus(target).results
    unseen = {name: result for name, result in found.items() if name.startswith("quality/accounting/")}
    assert unseen
    assert {result["verdict"]["reason"] for result in unseen.values()} <= {
        "the target does not tell how much locked memory it counts (VmLck)",
        "the target has no known limit on the number of mappings",
        "vm.max_map_count is 2147483647; set it to 262144 or less",
        "the target has no guard pages (MADV_GUARD_INSTALL, Linux 6.13)",
        "the target has no kernel to itself whose counts would tell (qemu has)",
    }


@pytest.mark.qemu("debian/6.12", "debian/6.12@ppc64le")
@pytest.mark.parametrize("target", [on(LARGE_PAGES)])
def test_pages_of_64_kib_make_no_difference(target: str) -> None:
    large, usual = whole_corpus(target).statuses, whole_corpus(GUEST).statuses
    # It has no memfd_secret(2), and its newest package may be one from before MREMAP_DONTUNMAP was mended (6.12.118).
    stays = ("linux/mremap/moves-and-stays", "linux/mremap/moves-behind-itself", "linux/history/moved-")
    # Nor has it a driver built in for the disk that a guest swaps to.
    other = ("memory/secretmem/", "lifetime/reclaim/", "linux/reclaim/", *stays)
    assert large.keys() == usual.keys()
    assert {name for name in usual if large[name] != usual[name] and not name.startswith(other)} == set()


@pytest.mark.qemu("debian/6.1+fault-injection")
@pytest.mark.parametrize("target", [on(FAULTS)])
def test_a_kernel_with_fault_injection_leaves_no_sweep_untested_but_those_of_calls_that_need_no_memory(
    target: str,
) -> None:
    untested = {name for name in statuses(target)["UNTESTED"] if name.startswith("sweeps/")}
    assert all(needs_no_memory(name) for name in untested), untested
    swept = {name for name in statuses(target)["FAIL"] if name.startswith("sweeps/mlock/")}
    assert len(swept) == 61


@pytest.mark.parametrize("target", LINUXES[2:])
def test_a_guest_has_given_back_all_memory_at_the_end(target: str) -> None:
    found = whole_corpus(target).results
    assert {name: found[name]["verdict"]["reason"] for name in statuses(target)["PASS"] if "closing" in name} == {
        "quality/closing/mlocked": "",
        "quality/closing/vm-areas": "",
    }


@pytest.mark.parametrize("target", TARGETS)
def test_every_snapshot_was_seen_by_two_observers_that_agree(target: str) -> None:
    many = {case.name for case in load().cases if len(case.map) > MOST_ASKED}
    snapshots = [
        line.get("before") or line["snapshot"]
        for name, result in whole_corpus(target).results.items()
        for line in result["trace"]
        if name not in many and ("before" in line or "snapshot" in line)
    ]
    assert len(snapshots) > 300
    for snapshot in snapshots:
        assert set(snapshot["locked"]) == {"smaps", "msync"}
        seen = {observer: strips.expand(strip).replace("F", "L") for observer, strip in snapshot["locked"].items()}
        assert seen["smaps"] == seen["msync"]


@pytest.mark.parametrize("target", [on("local")])
def test_a_second_run_gives_the_same_verdicts(target: str, tmp_path: Path) -> None:
    lockproof("run", "-t", target, "-j", "2", cwd=tmp_path)
    again = {line["case"]: line["verdict"] for line in results(tmp_path)}
    assert again == whole_corpus(target).verdicts
