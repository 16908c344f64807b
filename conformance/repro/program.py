# SPDX-License-Identifier: Apache-2.0
"""`lockproof repro`: a case as a C program of at most 40 lines that needs nothing but a C compiler.

It lays the memory out, makes the calls, looks at each page with msync (POSIX: MS_INVALIDATE on a locked page gives
EBUSY), and ends with 1 where that is not permitted. For a sweep it arms fail-nth itself.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lockproof.conformance.errors import UsageError
from lockproof.conformance.language import strips
from lockproof.conformance.language.calls import Call
from lockproof.conformance.language.case import ANY, Kind, Region, flatten
from lockproof.conformance.repro.conditions import check
from lockproof.conformance.repro.expressions import OPENS, arguments, at, flags_of, mmap, size_of
from lockproof.conformance.repro.fragments import (
    ARM,
    BUSY,
    DISARM,
    FILL,
    LIKE,
    LOOP,
    MAP,
    MAPS,
    MODES,
    PERSIST,
    RESIDENT,
    RESIDENT_ONLY,
)
from lockproof.conformance.repro.lines import WIDTH, indented, packed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lockproof.conformance.language.case import Case, Step

__all__ = ["MOST_LINES", "repro"]

MOST_LINES = 40
_MANY = 8  # mappings; more are mapped in a loop
_MANY_PAGES = 16384  # that are looked at one by one
_HEADERS = {
    "errno.h": ("errno",),
    "fcntl.h": ("open(",),
    "stdio.h": ("printf",),
    "stdlib.h": ("exit(wrong)", "system("),
    "string.h": ("str", "mem"),
    "sys/mman.h": ("mmap",),
    "sys/resource.h": ("rlimit",),
    "sys/shm.h": ("shmat",),
    "sys/wait.h": ("wait(",),
    "unistd.h": ("sysconf",),
}

_MADV_GUARD_INSTALL = 102  # Linux 6.13; older headers lack it


def repro(case: Case) -> str:
    """Write the program. Raises UsageError where a case needs more than a program can do on its own."""
    return _Writer(case).program()


_CHANGES = {Call.SETRLIMIT, Call.FTRUNCATE, Call.SHMCTL}
_IMAGES = {Call.EXEC, Call.POSIX_SPAWN}
_RARE = {Kind.SECRETMEM, Kind.DROPPABLE}


@dataclass
class _Writer:
    """A program, under way."""

    case: Case
    objects: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        steps = list(flatten(self.case.steps))
        outcomes = [outcome for step in steps for outcome in step.expect]
        for what, needed in (
            ("a look at very many pages", len(self.case.map) > _MANY_PAGES),
            ("a cgroup that limits memory", self.case.limits.memory is not None),
            ("a system at rest", any(step.call is Call.SETTLE for step in steps)),
            ("a cgroup whose memory is taken", any(step.call is Call.RECLAIM for step in steps)),
            ("threads that make calls at the same time", any(step.call is Call.THREADS for step in steps)),
            ("a second image of the program", any(step.call in _IMAGES or step.image for step in steps)),
            ("a fork that fails", any(step.call is Call.FORK and step.fault for step in steps)),
            ("limits and objects that change", any(step.call in _CHANGES for step in steps)),
            ("memory of a kind that few kernels have", any(r.kind in _RARE for r in self.case.regions.values())),
            ("what an earlier call returned", any(o.when is not None for o in outcomes)),
            ("a look at what the kernel counts", any({o.accounting, o.page_faults} != {ANY} for o in outcomes)),
        ):
            if needed:
                msg = f"{self.case.name}: needs {what}, more than a program of {MOST_LINES} lines; use lockproof run"
                raise UsageError(msg)
        strips_of_locks = "".join((self.case.locked, *(o.locked for o in outcomes)))
        eager = any(step.call is Call.MLOCK or "ONFAULT" not in step.flags for step in steps)
        locks = any(step.call in {Call.MLOCK, Call.MLOCK2} for step in steps)
        self.modes = locks and "F" in strips_of_locks and (eager or "L" in self.case.locked)
        self.resident = any(o.resident != ANY for o in outcomes)
        self.mappings = any(o.mappings != ANY for o in outcomes)
        self.heap = any(region.kind is Kind.HEAP for region in self.case.regions.values())

    def program(self) -> str:
        """Write all of it."""
        body = [*self._layout(), *self._conditions(), *self._steps(self.case.steps), *self._verdict(), "return wrong;"]
        start = ["p = sysconf(_SC_PAGESIZE);", *(self._sweep() if self.case.swept else ())]
        code = packed([*self._globals(), *self._see(), "int main(void) {", *indented([*start, *body]), "}"])
        used = [LIKE] if any("like(" in line for line in code) else []
        text = "\n".join([self._sizes(), MAP, code[0], *used, *code[1:]])
        lines = [*self._title(), "#define _GNU_SOURCE", *_headers(text), *text.splitlines()]
        if len(lines) > MOST_LINES:
            msg = f"{self.case.name}: takes {len(lines)} lines, more than {MOST_LINES}; use lockproof run"
            raise UsageError(msg)
        return "\n".join(lines)

    def _title(self) -> list[str]:
        return [f"/* {textwrap.shorten(f'{self.case.name}: {self.case.about}', WIDTH - 6, placeholder=' …')} */"]

    def _sizes(self) -> str:
        return f"enum {{ N = {len(self.case.map)}, RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS }};"

    def _globals(self) -> Iterator[str]:
        names = ["now[N + 1]", "was[N + 1]"]
        names += ["in[N + 1]"] if self.resident else []
        names += ["at[N + 1]", "before[N + 1]"] if self.mappings else []
        yield f"static char *a, {', '.join(names)};"
        yield "static long p, e, wrong;"
        if self.modes or self.mappings:
            yield f"static unsigned long s, t{', u, v' if self.modes else ''};"

    def _see(self) -> Iterator[str]:
        """Write the function that shows what a call has left."""
        yield "static void see(const char *call, long result) {"
        if self.resident:
            yield "\tunsigned char r;"
        if self.modes or self.mappings:
            yield "\tchar line[512];"
        yield "\te = result == -1 ? errno : 0;"
        yield "\tstrcpy(was, now);"
        if self.mappings:
            yield "\tstrcpy(before, at);"
            yield MAPS
        yield MODES if self.modes else RESIDENT if self.resident else BUSY
        shown, values = "%s  %s %s", "now"
        if self.resident:
            yield from () if not self.modes else [RESIDENT_ONLY]
            shown, values = "%s  in memory %s  %s %s", "now, in"
        elif self.mappings:
            shown, values = "%s  mappings %s  %s %s", "now, at"
        yield f'\tprintf("{shown}\\n", {values}, call, e ? strerror(e) : "");'
        yield "}"

    def _verdict(self) -> Iterator[str]:
        if not self.case.swept:
            yield 'puts(wrong ? "that is not permitted" : "all of that is permitted");'

    def _sweep(self) -> Iterator[str]:
        """Let allocations of the swept call fail, and make a process for each: what follows is the child's."""
        yield "int n = 1, status = 0;"
        yield 'system("cd /sys/kernel/debug; for d in failslab fail_page_alloc; do echo N | tee $d/ignore-gfp-*; "'
        later = "echo Y >$d/task-filter; echo -1 >$d/times; echo 100 >$d/probability; " if self.case.persistent else ""
        order = 1000 if self.case.allocation == "slab allocation" else 0  # of all pages none, or each
        cached = "echo Y >failslab/cache-filter; " if self.case.allocation == "page allocation" else ""
        yield f'       "echo {order} >$d/min-order; {later}{cached}done >/dev/null");'
        yield LOOP

    def _layout(self) -> Iterator[str]:
        pages = len(self.case.map)
        if self.heap:
            yield "setbuf(stdout, NULL);"
            yield "a = (char *)(((long)sbrk(0) / p + 1) * p);"
            yield "brk(a);"
        else:
            around = 1024 if any(region.kind is Kind.STACK for region in self.case.regions.values()) else 2
            yield f"a = mmap(0, {pages + around} * p, PROT_NONE, ANON, -1, 0);"
            yield f"munmap(a, {pages + around} * p), a += {around - 1} * p;"
        files = {a: r for a, r in self.case.regions.items() if r.kind in OPENS and r.alias is None}
        opened = [f"f{letter} = {OPENS[region.kind].replace('%s', letter)}" for letter, region in files.items()]
        yield from textwrap.wrap(f"int {', '.join(opened)};", WIDTH - 8) if opened else ()
        yield from (f'unlink("/dev/shm/repro-{a}");' for a, region in files.items() if region.kind is Kind.SHM)
        for letter, region in files.items():
            yield f"ftruncate(f{letter}, {region.file_pages if region.file_pages is not None else pages} * p);"
        yield from self._maps()
        guards = {letter: iter(region.guard) for letter, region in self.case.regions.items() if region.guard}
        strip = "".join(next(guards[letter]) if letter in guards else "." for letter in self.case.map)
        for guarded, first, count in strips.runs(strip):
            if guarded == "G":
                yield f"madvise({at(first)}, {count} * p, {_MADV_GUARD_INSTALL});"
        for lock, first, count in strips.runs(self.case.locked):
            if lock in "LF":
                on_fault = ", MLOCK_ONFAULT" if lock == "F" else ""
                yield f"mlock{'2' if on_fault else ''}({at(first)}, {count} * p{on_fault});"

    def _maps(self) -> Iterator[str]:
        """Map the runs of letters; neighbours differ in an attribute, so that they do not become one mapping."""
        runs = [run for run in strips.runs(self.case.map) if run.character != "_"]
        if len(runs) > _MANY and {self.case.regions[run.character] for run in runs} == {Region()}:
            yield "for (int i = 0; i < N; i++) /* a mapping for each letter */"
            yield f"\tif (\"{self.case.map}\"[i] != '_')"
            yield "\t\tmadvise(MAP(i, 1, RW, ANON, -1, 0), p, i % 2 ? MADV_DONTDUMP : MADV_DODUMP);"
            return
        apart, end = False, -1
        for letter, first, count in runs:
            apart = end == first and not apart
            yield self._map(letter, first, count)
            if apart:
                yield f"madvise({at(first)}, {count} * p, MADV_DONTDUMP);"
            end = first + count

    def _map(self, letter: str, first: int, count: int) -> str:
        region = self.case.regions[letter]
        page, self.objects[letter] = self.objects[letter], self.objects[letter] + count
        if region.kind is Kind.HEAP:
            return f"brk({at(first + count)});"
        if region.kind is Kind.SYSV:
            return f"shmat(shmget(IPC_PRIVATE, {count} * p, IPC_CREAT | 0600), {at(first)}, SHM_REMAP);"
        return mmap(letter, region, first, count, page) + ";"

    def _conditions(self) -> Iterator[str]:
        limit = self.case.limits.memlock
        if limit is not None:
            size = "RLIM_INFINITY" if isinstance(limit, str) else size_of(limit)
            yield f"setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){{ {size}, {size} }});"
        if self.case.privilege == "unprivileged":
            yield "setresuid(65534, 65534, 65534);"
        yield 'see("at first", 0);'
        left = self.case.limits.mappings
        if left is not None:
            yield FILL.removeprefix("\t").replace("\n\t", "\n")
            yield f"munmap(m + (i - {left + 1}) * p, {left + 1} * p);"

    def _steps(self, steps: tuple[Step, ...]) -> Iterator[str]:
        for step in steps:
            if step.call is Call.FORK:
                yield "if (!fork()) {"
                yield from indented([*self._steps(step.child), "_exit(wrong);"])
                yield "}"
                yield "int status;"
                yield 'wait(&status), wrong |= !!status, see("fork", 0);'
            elif step.call is Call.VFORK:
                yield "if (!vfork()) _exit(0);"
                yield 'wait(0), see("vfork", 0);'
            elif step.call is Call.THREAD:
                yield from self._steps(step.child)  # whichever thread makes the calls
            else:
                yield from self._call(step)
            if step.expect:
                yield from check(step, modes=self.modes)

    def _call(self, step: Step) -> Iterator[str]:
        if step.call is Call.TOUCH and step.range:
            yield f"for (long i = {step.range.first + step.range.count}; i-- > {step.range.first};)"
            yield "\t*(volatile char *)(a + i * p) = 0;"
            yield 'see("touch", 0);'
        elif step.call is Call.OBSERVE:
            yield 'see("observe", 0);'
        elif step.fault:
            yield from ARM.splitlines()
            yield from PERSIST.splitlines() if self.case.persistent else ()
            yield "write(f, nth, strlen(nth));"
            yield f"long result = (long){self._expression(step)}, error = errno;"
            yield from (['write(g, "0", 1);'] if self.case.persistent else [])
            yield from DISARM.removeprefix("\t").replace("\n\t", "\n").splitlines()
            yield f'see("{step.call}", result);'
        else:
            yield f'see("{step.call}", (long){self._expression(step)});'

    def _expression(self, step: Step) -> str:
        if step.call is Call.MMAP and step.range and step.region:
            page, self.objects[step.region] = self.objects[step.region], self.objects[step.region] + step.range.count
            region = self.case.regions[step.region]
            return mmap(step.region, region, step.range.first, step.range.count, page, flags=flags_of(step))
        if step.call is Call.BRK and step.range:
            return f"brk({at(step.range.first + step.range.count)})"
        return f"{step.call}({arguments(step)})"


def _headers(text: str) -> Iterator[str]:
    """Include what is used."""
    for header, names in _HEADERS.items():
        if any(name in text for name in names):
            yield f"#include <{header}>"
