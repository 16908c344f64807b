# SPDX-License-Identifier: Apache-2.0
"""Whether a target has what a case needs, asked before the case runs.

What a target lacks, and may lack, is UNSUPPORTED; what it gives no way to provoke or to see is UNTESTED. Where the
suite could not find out which it is, because a trial of the probe died, hung, was refused for want of means, or gave
what no kernel may give, the case is UNRESOLVED with the cause.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockproof.conformance.judging.verdict import Status, Verdict
from lockproof.conformance.language import strips
from lockproof.conformance.language.calls import Call
from lockproof.conformance.language.case import ANY, Case, Kind, Outcome, Step, flatten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lockproof.runners.target import TargetInfo

__all__ = ["unmet"]

_ORDER = (Status.UNSUPPORTED, Status.UNRESOLVED, Status.UNTESTED)
_LARGEST_MAP_COUNT = 262144  # mappings; with more, filling them up and reading smaps takes minutes

_BY_DEBUGFS = (
    "(on Linux: root, and a kernel with CONFIG_FAULT_INJECTION_DEBUG_FS; "
    "lockproof kernel build debian/6.1 --fault-injection makes one)"
)
_NO_FAULTS = {
    "each-allocation": (
        "the target offers no way to make its allocations fail (on Linux: a kernel with CONFIG_FAULT_INJECTION; "
        "lockproof kernel build debian/6.1 --fault-injection makes one)"
    ),
    "from-each-allocation": f"the target offers no way to make all allocations from one on fail {_BY_DEBUGFS}",
    "apart": f"the target offers no way to make slab objects or pages alone fail {_BY_DEBUGFS}",
}

_TOGETHER = {
    Call.MLOCK: Call.MUNLOCK,
    Call.MUNLOCK: Call.MLOCK,
    Call.MLOCKALL: Call.MUNLOCKALL,
    Call.MUNLOCKALL: Call.MLOCKALL,
}
"""The two functions of an option of POSIX: a target has both (Range Memory Locking, Process Memory Locking) or none."""
_ALWAYS_THERE = {Call.MMAP, Call.MUNMAP, Call.MPROTECT, Call.FORK}
_SHORTAGES = {"EAGAIN", "EMFILE", "ENFILE", "ENOMEM", "ENOSPC"}
"""What the probe is told where it has used up what it is given, which says nothing about what the target has."""
_NEVER_TAKEN = {Kind.HUGETLB, Kind.SECRETMEM}
_LOCKING = {Call.MLOCK, Call.MLOCK2, Call.MLOCKALL}


def unmet(case: Case, info: TargetInfo) -> Verdict | None:
    """Return the verdict of a case that the target cannot run, with the reason, or None where it can."""
    found = (*_calls(case, info), *_kinds(case, info), *_provokable(case, info), *_observable(case, info))
    return min(found, key=lambda verdict: _ORDER.index(verdict.status), default=None)


def _lacking(info: TargetInfo, status: Status, lacks: str, reason: str, *trials: str) -> Verdict:
    """Say that something is not there, or why the trials that would have found it did not find out."""
    for trial in trials:
        if trial in info.trouble:
            return Verdict(Status.UNRESOLVED, f"the trial of {trial} {info.trouble[trial]}")
    for trial in trials:
        if info.refused.get(trial) in _SHORTAGES:
            return Verdict(Status.UNRESOLVED, f"the trial of {trial} gave {info.refused[trial]}")
    return Verdict(status, reason, lacks=lacks)


def _calls(case: Case, info: TargetInfo) -> Iterator[Verdict]:
    steps = tuple(flatten(case.steps))
    calls = [step.call for step in steps if step.call.signature.system_call]
    if "L" in case.locked:
        calls.append(Call.MLOCK)
    for call in dict.fromkeys((*calls, Call.MMAP)):
        if call in info.calls or (call not in info.trouble and _TOGETHER.get(call) in info.calls):
            continue
        if call in _ALWAYS_THERE:
            reason = f"the target has no {call}, without which nothing can be tried"
            yield _lacking(info, Status.UNRESOLVED, call, reason, call)
        else:
            yield _lacking(info, Status.UNSUPPORTED, call, f"the target has no {call}", call)
    if "F" in case.locked and Call.MLOCK2 not in info.calls:
        reason = "the target has no mlock2, so no lock on fault"
        yield _lacking(info, Status.UNSUPPORTED, Call.MLOCK2, reason, Call.MLOCK2)
    on_fault = any(step.call is Call.MLOCKALL and "ONFAULT" in step.flags for step in steps)
    # Linux got MLOCK_ONFAULT and MCL_ONFAULT together (4.4).
    if on_fault and not info.mcl_onfault and Call.MLOCK2 not in info.calls:
        reason = "the target has no MCL_ONFAULT, so no lock on fault"
        yield _lacking(info, Status.UNSUPPORTED, "mcl-onfault", reason, "mcl_onfault")


def _kinds(case: Case, info: TargetInfo) -> Iterator[Verdict]:
    for letter, kind in ((letter, region.kind) for letter, region in case.regions.items()):
        if kind in info.kinds:
            continue
        gave = info.refused.get(kind)
        reason = f"the target gives no {kind} memory (region {letter})" + (f": {gave}" if gave else "")
        if kind is Kind.HUGETLB and gave is not None:  # its pool is empty where nobody has filled it
            yield Verdict(Status.UNSUPPORTED, reason, lacks=kind)
        elif kind is Kind.SECRETMEM and gave == "EAGAIN":  # it is locked from the start
            yield Verdict(Status.UNTESTED, f"{reason}; raise RLIMIT_MEMLOCK with ulimit -l", lacks="memlock")
        elif kind is Kind.ANONYMOUS:
            yield _lacking(info, Status.UNRESOLVED, kind, reason, kind)
        else:
            yield _lacking(info, Status.UNSUPPORTED, kind, reason, kind)


def _provokable(case: Case, info: TargetInfo) -> Iterator[Verdict]:
    for step in flatten(case.steps):
        yield from (
            _lacking(info, Status.UNTESTED, provider, _NO_FAULTS[provider], provider)
            for provider in _providers(step)
            if provider not in info.faults
        )
        if step.call is Call.SETTLE and not info.alone:
            reason = "the target has no kernel to itself whose counts would tell (qemu has)"
            yield Verdict(Status.UNTESTED, reason, lacks="alone")
    yield from _reclaimable(case, info)
    if case.limits.memory is not None and "memory" not in info.faults:
        reason = (
            "the target offers no way to let its memory run out (on Linux: root, and a root "
            "cgroup that hands the memory controller on)"
        )
        yield _lacking(info, Status.UNTESTED, "memory", reason, "memory")
    if _wants_huge_pages(case) and info.thp is None:
        reason = "the target makes no transparent huge pages (on Linux: /sys/kernel/mm/transparent_hugepage/enabled)"
        yield _lacking(info, Status.UNTESTED, "thp", reason, "thp")
    if any(region.guard and "G" in region.guard for region in case.regions.values()) and not info.guard:
        reason = "the target has no guard pages (MADV_GUARD_INSTALL, Linux 6.13)"
        yield _lacking(info, Status.UNTESTED, "guard", reason, "guard")
    if case.privilege == "privileged" and not info.privileged:
        yield _lacking(info, Status.UNTESTED, "privileged", "needs CAP_IPC_LOCK; run as root", "privileged")
    yield from (Verdict(Status.UNTESTED, reason, lacks="mapping-limit") for reason in _mapping_limit(case, info))
    yield from (Verdict(Status.UNTESTED, reason) for reason in (*_huge_pages(case, info), *_sizes(case, info)))
    yield from (Verdict(Status.UNTESTED, reason, lacks="memlock") for reason in _memory(case, info))


def _wants_huge_pages(case: Case) -> bool:
    return any(region.huge == "always" for region in case.regions.values())


def _reclaimable(case: Case, info: TargetInfo) -> Iterator[Verdict]:
    """Find memory that would have to be taken from a process, and cannot."""
    if not any(step.call is Call.RECLAIM for step in flatten(case.steps)):
        return
    if (info.processors or 1) > 1 and _wants_huge_pages(case):
        reason = "huge pages are not taken from a process at once where there are several processors (6.12)"
        yield Verdict(Status.UNTESTED, reason, lacks="reclaim")
    kinds = {region.kind for region in case.regions.values()} - _NEVER_TAKEN
    if fixed := sorted(kinds.difference(info.reclaim)):
        reason = (
            f"the target gives no way to take {' and '.join(fixed)} memory from a process (on Linux: root, a root "
            "cgroup that hands the memory controller on, and swap)"
        )
        yield _lacking(info, Status.UNTESTED, "reclaim", reason, "reclaim")


def _providers(step: Step) -> Iterator[str]:
    """Return what the fault of a step takes, by the names of the hello."""
    if step.fault is not None:
        yield "from-each-allocation" if step.fault.startswith("from-") else "each-allocation"
        yield from () if step.fault in _NO_FAULTS else ["apart"]


def _mapping_limit(case: Case, info: TargetInfo) -> Iterator[str]:
    if case.limits.mappings is None:
        return
    if info.max_map_count is None:
        yield "the target has no known limit on the number of mappings"
    elif info.max_map_count > _LARGEST_MAP_COUNT:
        yield f"vm.max_map_count is {info.max_map_count}; set it to {_LARGEST_MAP_COUNT} or less"


def _huge_pages(case: Case, info: TargetInfo) -> Iterator[str]:
    huge = info.huge_page or 1
    for letter, start, count in strips.runs(case.map):
        is_huge = letter in case.regions and case.regions[letter].kind is Kind.HUGETLB
        if is_huge and (start % huge or count % huge):
            yield f"a huge page has {huge} pages here, of which the case maps only a part"


def _sizes(case: Case, info: TargetInfo) -> Iterator[str]:
    if len(case.map) * info.page_size >= 1 << (info.bits - 1):
        yield f"{len(case.map)} pages do not fit into the {info.bits} bits of an address"
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
    set_up = 0 if info.privileged else sum(map(case.locked.count, "LF")) * info.page_size
    if wanted is not None:
        size = max(wanted.in_bytes(info.page_size), set_up)
    elif not _locks_memory(case):
        size = 0
    else:
        everything = any(step.call is Call.MLOCKALL for step in flatten(case.steps))
        if everything and info.own_pages is None:
            yield "mlockall locks the probe too, and its size is not known; raise RLIMIT_MEMLOCK with ulimit -l"
            return
        size = (len(case.map) + (info.own_pages or 0 if everything else 0)) * info.page_size
    if size > info.memlock:
        yield f"needs RLIMIT_MEMLOCK at {size} bytes, it can be {info.memlock}; raise it with ulimit -l"


def _locks_memory(case: Case) -> bool:
    """Tell whether anything in the case locks memory, or may try to."""
    return (
        not set(case.locked).isdisjoint("LF")
        or any(region.kind is Kind.SECRETMEM for region in case.regions.values())
        or any(step.call in _LOCKING or "LOCKED" in step.flags for step in flatten(case.steps))
    )


def _observable(case: Case, info: TargetInfo) -> Iterator[Verdict]:
    outcomes = [outcome for step in flatten(case.steps) for outcome in step.expect]
    if not info.lock_observers and _needs_locks(case, outcomes):
        reason = "the target gives no way to see which pages are locked"
        yield _lacking(info, Status.UNTESTED, "locks", reason, "smaps", "msync-invalidate")
    if any(outcome.resident != ANY for outcome in outcomes) and info.residency is None:
        reason = "the target gives no way to see which pages are resident"
        yield _lacking(info, Status.UNTESTED, "residency", reason, "residency", "smaps")
    if any(outcome.mappings != ANY for outcome in outcomes) and not info.mappings:
        reason = "the target gives no way to see the boundaries of mappings"
        yield _lacking(info, Status.UNTESTED, "mappings", reason, "smaps")
    if any(outcome.accounting != ANY for outcome in outcomes) and not (info.accounting and info.elsewhere):
        reason = "the target does not tell how much locked memory it counts (VmLck)"
        yield _lacking(info, Status.UNTESTED, "accounting", reason, "accounting", "smaps")
    if any(outcome.mlocked != ANY for outcome in outcomes) and info.counts is None:
        reason = "the target does not tell how much mlocked memory it counts (Mlocked)"
        yield _lacking(info, Status.UNTESTED, "counts", reason, "counts")
    if any(outcome.vm_areas != ANY for outcome in outcomes) and (info.counts is None or info.counts.vm_areas is None):
        reason = "the target does not tell how many objects for mappings it has (on Linux: slabinfo, CONFIG_SLUB_DEBUG)"
        yield _lacking(info, Status.UNTESTED, "counts", reason, "counts")
    if any(outcome.page_faults != ANY for outcome in outcomes) and not info.page_faults:
        reason = "the target does not count page faults"
        yield _lacking(info, Status.UNTESTED, "page-faults", reason, "page_faults")
    if any(outcome.locks_elsewhere != ANY for outcome in outcomes) and not info.elsewhere:
        reason = "the target gives no way to see locks outside the arena"
        yield _lacking(info, Status.UNTESTED, "elsewhere", reason, "smaps")


def _needs_locks(case: Case, outcomes: Iterable[Outcome]) -> bool:
    """Tell whether locks are set up, or anything is expected of them: else the results alone are judged."""
    return not set(case.locked).isdisjoint("LF") or any(
        outcome.locked != ANY and set(outcome.locked) != {"?"} for outcome in outcomes
    )
