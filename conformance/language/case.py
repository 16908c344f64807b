# SPDX-License-Identifier: Apache-2.0
"""The case language: what a person writes in cases/*.yaml, and what runs.

A file is a list of `WrittenCase`. Loading turns each into one `Case` for every combination of its `for-each`. The
docstrings below are also the descriptions in the JSON Schema that editors show (`lockproof cases --schema`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator

from lockproof.conformance.language.calls import Call  # noqa: TC001  pydantic reads the annotations
from lockproof.conformance.language.fields import (
    ANY,
    CONFIG,
    UNCHANGED,
    Advice,
    Count,
    ExpectedLocks,
    ExpectedResidency,
    Fault,
    Flag,
    Flags,
    GuardStrip,
    Id,
    Integer,
    LockStrip,
    MapStrip,
    MemoryLimit,
    OptionalSize,
    Protection,
    RangeStrip,
    Reading,
    Requirements,
    Results,
    Sentence,
    Size,
    Times,
    one_or_more,
    range_of_strip,
)
from lockproof.conformance.language.requirements import Ending

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lockproof.conformance.errors import Location
    from lockproof.conformance.language.requirements import Profile

__all__ = [
    "ANY",
    "UNCHANGED",
    "Case",
    "Kind",
    "Limits",
    "Outcome",
    "Range",
    "Region",
    "Size",
    "Step",
    "WrittenCase",
    "flatten",
]


class Kind(StrEnum):
    """Kinds of memory."""

    ANONYMOUS = "anonymous"
    FILE = "file"
    SHARED = "shared"
    SHM = "shm"
    MEMFD = "memfd"
    HUGETLB = "hugetlb"
    SECRETMEM = "secretmem"
    STACK = "stack"
    SYSV = "sysv"
    HEAP = "heap"
    DROPPABLE = "droppable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """The memory that a letter of the map stands for."""

    __pydantic_config__ = CONFIG

    kind: Kind = Kind.ANONYMOUS
    """Kind of memory. `shared` is anonymous memory that is shared, `stack` grows downwards, `sysv` is a segment of
    System V shared memory for each run of its letter, `heap` is what brk() gives: the first memory of the map, in one
    piece. `secretmem` (memfd_secret) may be locked by itself: what `locked` of the case says of it is not set up, and
    not compared. `droppable` is anonymous memory that the kernel may drop (MAP_DROPPABLE).
    """
    protection: Protection = "rw"
    """What the mapping permits."""
    share: Literal["private", "shared"] | None = None
    """Whether writes are seen through other mappings of the object. Default: private for anonymous, file, hugetlb and
    stack, shared for the others.
    """
    file_pages: Count | None = None
    """Length of the file behind the region, in pages; what is mapped beyond it is past the end of the file. Default:
    as far as mapped.
    """
    guard: GuardStrip | None = None
    """A strip over the pages of this region: `G` a guard page (MADV_GUARD_INSTALL), `.` an ordinary one."""
    alias: str | None = None
    """Letter of an earlier region of kind file, shm or memfd whose object this one maps again, from its first page
    on.
    """
    huge: Literal["always", "never"] | None = None
    """Whether the kernel may use transparent huge pages: `always` asks for them (MADV_HUGEPAGE), `never` forbids them
    (MADV_NOHUGEPAGE). Default: as the system is set.
    """

    @property
    def shared(self) -> bool:
        """Whether the mapping is MAP_SHARED."""
        own = self.share or (
            "shared" if self.kind in {Kind.SHARED, Kind.SHM, Kind.SYSV, Kind.MEMFD, Kind.SECRETMEM} else "private"
        )
        return own == "shared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """The bytes that a call names."""

    __pydantic_config__ = CONFIG

    pages: RangeStrip
    """A strip: `^` the pages of the range, which are neighbours, `.` the others."""
    start: Integer = 0
    """Bytes added to the address of the first page; makes the range unaligned."""
    end: Integer = 0
    """Bytes added to the end of the last page."""
    length: OptionalSize = None
    """Length instead of the one that the strip says: bytes, `2p` pages, `-1` for SIZE_MAX."""

    @property
    def first(self) -> int:
        """Number of the first page."""
        return self.pages.index("^")

    @property
    def count(self) -> int:
        """Pages that the strip marks."""
        return self.pages.count("^")

    @property
    def whole_pages(self) -> bool:
        """Whether the strip says all: neither end is moved, and the length is that of its pages."""
        return self == Range(pages=self.pages)


_Range = Annotated[Range, BeforeValidator(range_of_strip, json_schema_input_type=RangeStrip | Range)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Shortages that are set up before the first call."""

    __pydantic_config__ = CONFIG

    memlock: MemoryLimit = None
    """RLIMIT_MEMLOCK, soft and hard: bytes, `4p` pages, or `unlimited`. It binds only the unprivileged."""
    mappings: Count | None = None
    """How many more mappings the process can have before vm.max_map_count is reached."""
    memory: Count | None = None
    """About how many more pages can be allocated during the calls. Kernels count in batches (Linux: 64 pages), so give
    the arena some hundreds.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One permitted outcome of a step. What it does not state is not judged."""

    __pydantic_config__ = CONFIG

    result: Results = (ANY,)
    """0, an errno, a list of them, or `any`. touch: also the signal that ends the process, SIGSEGV or SIGBUS."""
    when: Ending | None = None
    """`failed` or `succeeded`: permitted only where the last call before that may do both did so. A step of which no
    outcome is left is not judged. Default: in any case.
    """
    reading: Reading | None = None
    """`ID=CHOICE`: permitted only by this reading of an interpretation (cases/interpretations.yaml). Where a step has
    an outcome for one reading, it has one for each. Default: by all.
    """
    locked: ExpectedLocks = ANY
    """A strip: `L` locked, `F` locked on fault, `.` not locked, `_` not mapped, `?` anything. Or `unchanged`: as
    before the step, everywhere in the address space. Or `done`: the strip that follows from what the call is for
    (language/effects.py); threads: of each page, what some order of the calls leaves. Or `any`.
    """
    resident: ExpectedResidency = ANY
    """A strip: `R` resident, `.` absent, `_` not mapped, `?` anything. Or `done`: what the call locks, but not on
    fault, is resident. Or `any`.
    """
    elsewhere: Literal["unchanged", "none", "all", "any"] | None = None
    """Locks outside the arena. Default: `unchanged` where `locked` is, else `any`."""
    mappings: Literal["unchanged", "any"] = "any"
    """Whether the boundaries of the mappings must be where they were."""
    accounting: Literal["exact", "any"] = "any"
    """Whether the target's count of locked memory (VmLck) must be the number of locked pages."""
    mlocked: Literal["unchanged", "any"] | Count = "any"
    """settle: whether the whole system's count of locked memory must be what it was when the target was started, or how
    many pages more.
    """
    vm_areas: Literal["unchanged", "any"] = "any"
    """settle: whether the kernel must have as many mapping objects (vm_area_struct) as when the target was started."""
    page_faults: Literal["none", "some", "any"] = "any"
    """touch: whether the access must take no page fault, or at least one."""

    @property
    def locks_elsewhere(self) -> str:
        """What must hold for locks outside the arena, the default filled in."""
        return self.elsewhere or (UNCHANGED if self.locked == UNCHANGED else ANY)

    @property
    def endings(self) -> frozenset[Ending]:
        """How a call may return with this outcome."""
        if ANY in self.result:
            return frozenset(Ending)
        return frozenset(Ending.SUCCEEDED if result == "0" else Ending.FAILED for result in self.result)


_Outcomes = Annotated[tuple[Outcome, ...], BeforeValidator(one_or_more, json_schema_input_type=Outcome | list[Outcome])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One call, and what it may do."""

    __pydantic_config__ = CONFIG

    call: Call
    """The call; `touch` accesses pages, `thread` makes the steps of its `child` in another thread, `threads` the calls
    of its `child` each in a thread of its own, all at the same time, `observe` only looks, `settle` waits until nothing
    of earlier processes is left in the system's own counts, `reclaim` takes all memory from the process that it can.
    """
    range: _Range | None = None
    """The range, as a strip like `.^^^^^^.`, or with byte offsets. brk: the pages that the heap has then. Not for
    mlockall, munlockall, fork, vfork, posix_spawn, thread, threads, exec, observe, settle and reclaim.
    """
    to: _Range | None = None
    """mremap: a strip, the pages that the range becomes: more or fewer of them, or elsewhere. A range of `length: 0`
    maps shared memory once more.
    """
    flags: Flags = ()
    """Flags by name without prefix (CURRENT, FUTURE, ONFAULT, ASYNC, SYNC, INVALIDATE), or one number. For mlock2,
    mlockall and msync; for mmap LOCKED, for mremap DONTUNMAP, if any.
    """
    region: str | None = None
    """mmap: letter of the region that is mapped over the range. ftruncate, shmctl: of the region that it is about."""
    protection: Protection | None = None
    """mprotect: the new protection."""
    advice: Advice | None = None
    """madvise: the advice."""
    soft: MemoryLimit = None
    """setrlimit: the new soft RLIMIT_MEMLOCK, as in `limits`."""
    hard: MemoryLimit = None
    """setrlimit: the new hard one."""
    file_pages: Count | None = None
    """ftruncate: the new length of the object behind the region, of kind file, shm or memfd."""
    command: Literal["lock", "unlock"] | None = None
    """shmctl: SHM_LOCK or SHM_UNLOCK of the last segment of a region of kind sysv."""
    child: tuple[Step, ...] = ()
    """fork, thread: the steps that the child, or the other thread, makes while this one waits. threads: 2 to 4 calls,
    one for each thread, without `expect`: results and locks must be those that the calls give in some order, each page
    for itself (language/orders.py).
    """
    times: Times | None = None
    """threads: how often each makes its call, again and again while the others make theirs."""
    image: Literal["self", "missing"] | None = None
    """exec: the program that takes the place of this one: `self` (the default) again, or one that is `missing`.
    posix_spawn: the program that a child executes, and ends. vfork: the same, and without one the child exits at once.
    """
    fault: Fault | None = None
    """Makes allocations inside the call fail: `each-allocation` the first, then the second, the third… alone,
    `from-each-allocation` also all that follow it. Each in a fresh process, until the call no longer reaches it.
    `each-slab-allocation` and so on: those of objects of the kernel alone, `each-page-allocation` those of pages alone.
    """
    expect: _Outcomes = ()
    """The permitted outcomes; the step passes if it matches one. A step without any prepares the next and has to
    succeed.
    """

    @property
    def endings(self) -> frozenset[Ending]:
        """How the call may return; without outcomes it has to succeed."""
        if not self.expect:
            return frozenset({Ending.SUCCEEDED})
        return frozenset(ending for outcome in self.expect for ending in outcome.endings)


def flatten(steps: tuple[Step, ...]) -> Iterator[Step]:
    """Return steps, and those of their children, in the order of their numbers in a program."""
    for step in steps:
        yield step
        yield from flatten(step.child)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenCase:
    """A case as it is written."""

    __pydantic_config__ = CONFIG

    id: Id
    """Name of the case in its file: letters, digits, `-` and `_`."""
    about: Sentence
    """One sentence: what the case shows."""
    checks: Requirements
    """Ids of the requirements (cases/requirements.yaml) that the case checks; all of one profile."""
    map: MapStrip
    """A strip, the layout of the arena: letters name regions, `_` is a hole. Neighbouring letters are mappings of
    their own.
    """
    regions: dict[str, Region] = field(default_factory=dict)
    """What the letters are where they are not private anonymous memory, readable and writable."""
    locked: LockStrip | None = None
    """A strip, the locks that there are before the first step: `L` locked, `F` locked on fault, `.` not locked."""
    limits: Limits = Limits()
    """Shortages that are set up before the first step."""
    as_: Literal["privileged", "unprivileged"] | None = None
    """Who makes the calls: `privileged` may lock beyond RLIMIT_MEMLOCK, `unprivileged` may not. Default: whoever runs
    the suite.
    """
    for_each: dict[str, list[Any] | dict[str, Any]] = field(default_factory=dict)
    """A matrix: variables and their values, each combination a case of its own. `$variable`, or `${variable}` before a
    letter, stands for the value; where values are written `label: value`, the label is part of the name, and
    `$variable.field` picks from a value with fields.
    """
    combine: Literal["all", "pairs"] = "all"
    """Which combinations: `all`, or as many as it takes so that every pair of values of two variables is in one."""
    except_: tuple[dict[str, str | list[str]], ...] = ()
    """Combinations that are left out: `{variable: label, other: [label, label]}` all that have these."""
    closing: Flag = False
    """`true`: runs after all other cases, at the end of each session of a target, and is judged over all of them."""
    steps: tuple[Step, ...]
    """The calls, one after another. A case of a single step may write the step's fields beside `id` instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case that is ready to run: one combination of an entry, everything checked and filled in."""

    name: str
    """`folder/leaf[key=value,…]`; reports are matched by it."""
    source: Location
    about: str
    checks: tuple[str, ...]
    profile: Profile
    """The profile that all its checks belong to."""
    map: str
    regions: Mapping[str, Region]
    """For every letter of the map, and of an mmap step."""
    locked: str
    limits: Limits
    privilege: Literal["privileged", "unprivileged"] | None
    steps: tuple[Step, ...]
    closing: bool = False
    """Whether it runs at the end of each session, once for all of them."""
    readings: Mapping[str, str] = field(default_factory=dict)
    """The interpretations on which it turns, each with the reading that is taken: `steps` have its outcomes."""
    written: tuple[Step, ...] = ()
    """The steps with the outcomes of all readings; empty where it turns on no interpretation."""

    @property
    def earlier(self) -> str:
        """The locks that are set up, with `?` for memory that is locked or not as its kind has it."""
        kinds = {letter for letter, region in self.regions.items() if region.kind is Kind.SECRETMEM}
        if kinds.isdisjoint(self.map):
            return self.locked
        return "".join("?" if at in kinds else lock for at, lock in zip(self.map, self.locked, strict=True))

    @property
    def swept(self) -> bool:
        """Whether it is a sweep: allocations inside one of its calls fail in turn."""
        return any(step.fault for step in flatten(self.steps))

    @property
    def persistent(self) -> bool:
        """Whether in each execution of the sweep all allocations from one on fail, not that one alone."""
        return self._fault.startswith("from-")

    @property
    def allocation(self) -> str:
        """What fails in a sweep, in words: an `allocation` of any sort, a `slab allocation` or a `page allocation`."""
        return self._fault.removeprefix("from-").removeprefix("each-").replace("-", " ") or "allocation"

    @property
    def _fault(self) -> str:
        return next((step.fault for step in flatten(self.steps) if step.fault), "")
