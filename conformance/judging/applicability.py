# SPDX-License-Identifier: Apache-2.0
"""Whether a target has what a case needs, asked before the case runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockproof.conformance.judging.verdict import Status, Verdict
from lockproof.conformance.language import strips
from lockproof.conformance.language.calls import Call
from lockproof.conformance.language.case import ANY, Case, Kind, flatten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lockproof.runners.target import TargetInfo

__all__ = ["unmet"]

_LARGEST_MAP_COUNT = 262144  # mappings; with more, filling them up and reading smaps takes minutes

_NO_FAULTS = {
    "each-allocation": (
        "the target offers no way to make its allocations fail (on Linux: a kernel with CONFIG_FAULT_INJECTION)"
    ),
    "from-each-allocation": (
        "the target offers no way to make all allocations from one on fail "
        "(on Linux: root, and a kernel with CONFIG_FAULT_INJECTION_DEBUG_FS)"
    ),
}


def unmet(case: Case, info: TargetInfo) -> Verdict | None:
    """Return the verdict of a case that the target cannot run, with the reason, or None where it can."""
    for reason in _unsupported(case, info):
        return Verdict(Status.UNSUPPORTED, reason)
    for reason in (*_unprovokable(case, info), *_unobservable(case, info)):
        return Verdict(Status.UNTESTED, reason)
    return None


def _unsupported(case: Case, info: TargetInfo) -> Iterator[str]:
    for step in flatten(case.steps):
        if step.call.signature.system_call and step.call not in info.calls:
            yield f"the target has no {step.call}"
    # Linux got MLOCK_ONFAULT and MCL_ONFAULT together (4.4).
    flags = {flag for step in flatten(case.steps) for flag in step.flags}
    if ("F" in case.locked or "ONFAULT" in flags) and Call.MLOCK2 not in info.calls:
        yield "the target has no mlock2, so no lock on fault"
    for letter, region in case.regions.items():
        if region.kind not in info.kinds:
            yield f"the target gives no {region.kind} memory (region {letter})"


def _unprovokable(case: Case, info: TargetInfo) -> Iterator[str]:
    for step in flatten(case.steps):
        if step.fault is not None and step.fault not in info.faults:
            yield _NO_FAULTS[step.fault]
        if step.call is Call.SETTLE and not info.alone:
            yield "the target has no kernel to itself whose counts would tell (qemu has)"
    if case.limits.memory is not None and "memory" not in info.faults:
        yield "the target offers no way to let its memory run out (on Linux: root, and a memory cgroup: CONFIG_MEMCG)"
    if any(region.guard and "G" in region.guard for region in case.regions.values()) and not info.guard:
        yield "the target has no guard pages (MADV_GUARD_INSTALL, Linux 6.13)"
    if case.privilege == "privileged" and not info.privileged:
        yield "needs CAP_IPC_LOCK; run as root"
    if case.limits.mappings is not None:
        if info.max_map_count is None:
            yield "the target has no known limit on the number of mappings"
        elif info.max_map_count > _LARGEST_MAP_COUNT:
            yield f"vm.max_map_count is {info.max_map_count}; set it to {_LARGEST_MAP_COUNT} or less"
    yield from _huge_pages(case, info)
    yield from _sizes(case, info)
    yield from _memory(case, info)


def _huge_pages(case: Case, info: TargetInfo) -> Iterator[str]:
    huge = info.huge_page or 1
    for letter, start, count in strips.runs(case.map):
        is_huge = letter in case.regions and case.regions[letter].kind is Kind.HUGETLB
        if is_huge and (start % huge or count % huge):
            yield f"a huge page has {huge} pages here, of which the case maps only a part"


def _sizes(case: Case, info: TargetInfo) -> Iterator[str]:
    for step in flatten(case.steps):
        length = step.range.length if step.range is not None else None
        if length is None:
            continue
        if max(length.pages, length.bytes) >= 1 << info.bits:
            yield f"a length of {length} does not fit into the {info.bits} bits of an address"
        if length.negative and not info.wraps:
            yield "the kernel computes addresses in 64 bits: no range of a 32-bit process wraps"


def _memory(case: Case, info: TargetInfo) -> Iterator[str]:
    """Compare the limit that the case sets, or what it locks without one, with what RLIMIT_MEMLOCK lets it lock."""
    wanted = case.limits.memlock
    if info.memlock < 0 or (wanted is None and info.privileged and case.privilege != "unprivileged"):
        return
    if wanted == "unlimited":
        yield f"needs RLIMIT_MEMLOCK unlimited, it can be {info.memlock}; raise it with ulimit -l"
        return
    if wanted is not None:
        size = wanted.in_bytes(info.page_size)
    else:
        everything = any(step.call is Call.MLOCKALL for step in flatten(case.steps))
        if everything and info.own_pages is None:
            yield "mlockall locks the probe too, and its size is not known; raise RLIMIT_MEMLOCK with ulimit -l"
            return
        size = (len(case.map) + (info.own_pages or 0 if everything else 0)) * info.page_size
    if size > info.memlock:
        yield f"needs RLIMIT_MEMLOCK at {size} bytes, it can be {info.memlock}; raise it with ulimit -l"


def _unobservable(case: Case, info: TargetInfo) -> Iterator[str]:
    outcomes = [outcome for step in flatten(case.steps) for outcome in step.expect]
    if not info.lock_observers:
        yield "the target gives no way to see which pages are locked"
    if any(outcome.resident != ANY for outcome in outcomes) and info.residency is None:
        yield "the target gives no way to see which pages are resident"
    if any(outcome.mappings != ANY for outcome in outcomes) and not info.mappings:
        yield "the target gives no way to see the boundaries of mappings"
    if any(outcome.accounting != ANY for outcome in outcomes) and not (info.accounting and info.elsewhere):
        yield "the target does not tell how much locked memory it counts (VmLck)"
    if any(outcome.mlocked != ANY for outcome in outcomes) and info.counts is None:
        yield "the target does not tell how much mlocked memory it counts (Mlocked)"
    if any(outcome.vm_areas != ANY for outcome in outcomes) and (info.counts is None or info.counts.vm_areas is None):
        yield "the target does not tell how many objects for mappings it has (on Linux: slabinfo, CONFIG_SLUB_DEBUG)"
    if any(outcome.locks_elsewhere != ANY for outcome in outcomes) and not info.elsewhere:
        yield "the target gives no way to see locks outside the arena"
