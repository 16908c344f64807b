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
from lockproof.conformance.language.case import ANY, UNCHANGED, Kind, Region, flatten
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

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lockproof.conformance.language.case import Case, Outcome, Size, Step

__all__ = ["MOST_LINES", "repro"]

MOST_LINES = 40
_WIDTH = 118
_LONG = 40  # pages
_MANY = 8  # mappings; more are mapped in a loop
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
_PARTS = ("for", "while", "if", "||", "enum", "now[", "in[", "at[", "*(", "fork()", "run(n)", '"', ";", "return")
"""What begins a statement that is part of another."""
_KIND_FLAGS = {Kind.STACK: "MAP_GROWSDOWN", Kind.HUGETLB: "MAP_HUGETLB"}

_FLAGS = {
    "CURRENT": "MCL_CURRENT", "FUTURE": "MCL_FUTURE", "ASYNC": "MS_ASYNC", "SYNC": "MS_SYNC",
    "INVALIDATE": "MS_INVALIDATE", "LOCKED": "MAP_LOCKED",
}  # fmt: skip
_PROTECTIONS = {"r": "PROT_READ", "w": "PROT_WRITE", "x": "PROT_EXEC"}
_OPENS = {
    Kind.FILE: "fileno(tmpfile())",
    Kind.SHM: 'open("/dev/shm/repro-%s", O_CREAT | O_RDWR, 0600)',
    Kind.MEMFD: 'memfd_create("m", 0)',
}
_MADV_GUARD_INSTALL = 102  # Linux 6.13; older headers lack it


def repro(case: Case) -> str:
    """Write the program. Raises UsageError where a case needs more than a program can do on its own."""
    return _Writer(case).program()


@dataclass
class _Writer:
    """A program, under way."""

    case: Case
    objects: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        steps = list(flatten(self.case.steps))
        outcomes = [outcome for step in steps for outcome in step.expect]
        for what, needed in (
            ("a cgroup that limits memory", self.case.limits.memory is not None),
            ("a system at rest", any(step.call is Call.SETTLE for step in steps)),
            ("a second image of the program", any(step.call is Call.EXEC for step in steps)),
            ("a look at what the kernel counts", any(o.accounting != ANY for o in outcomes)),
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
        code = _packed([*self._globals(), *self._see(), "int main(void) {", *_indented([*start, *body]), "}"])
        used = [LIKE] if any("like(" in line for line in code) else []
        text = "\n".join([self._sizes(), MAP, code[0], *used, *code[1:]])
        lines = [*self._title(), "#define _GNU_SOURCE", *_headers(text), *text.splitlines()]
        if len(lines) > MOST_LINES:
            msg = f"{self.case.name}: takes {len(lines)} lines, more than {MOST_LINES}; use lockproof run"
            raise UsageError(msg)
        return "\n".join(lines)

    def _title(self) -> list[str]:
        return [f"/* {textwrap.shorten(f'{self.case.name}: {self.case.about}', _WIDTH - 6, placeholder=' …')} */"]

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
        yield f'       "echo 0 >$d/min-order; {later}done >/dev/null");'
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
        files = {a: r for a, r in self.case.regions.items() if r.kind in _OPENS and r.alias is None}
        opened = [f"f{letter} = {_OPENS[region.kind].replace('%s', letter)}" for letter, region in files.items()]
        yield from textwrap.wrap(f"int {', '.join(opened)};", _WIDTH - 8) if opened else ()
        yield from (f'unlink("/dev/shm/repro-{a}");' for a, region in files.items() if region.kind is Kind.SHM)
        for letter, region in files.items():
            yield f"ftruncate(f{letter}, {region.file_pages if region.file_pages is not None else pages} * p);"
        yield from self._maps()
        guards = {letter: iter(region.guard) for letter, region in self.case.regions.items() if region.guard}
        strip = "".join(next(guards[letter]) if letter in guards else "." for letter in self.case.map)
        for guarded, first, count in strips.runs(strip):
            if guarded == "G":
                yield f"madvise({_at(first)}, {count} * p, {_MADV_GUARD_INSTALL});"
        for lock, first, count in strips.runs(self.case.locked):
            if lock in "LF":
                on_fault = ", MLOCK_ONFAULT" if lock == "F" else ""
                yield f"mlock{'2' if on_fault else ''}({_at(first)}, {count} * p{on_fault});"

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
                yield f"madvise({_at(first)}, {count} * p, MADV_DONTDUMP);"
            end = first + count

    def _map(self, letter: str, first: int, count: int) -> str:
        region = self.case.regions[letter]
        page, self.objects[letter] = self.objects[letter], self.objects[letter] + count
        if region.kind is Kind.HEAP:
            return f"brk({_at(first + count)});"
        if region.kind is Kind.SYSV:
            return f"shmat(shmget(IPC_PRIVATE, {count} * p, IPC_CREAT | 0600), {_at(first)}, SHM_REMAP);"
        return _mmap(letter, region, first, count, page) + ";"

    def _conditions(self) -> Iterator[str]:
        limit = self.case.limits.memlock
        if limit is not None:
            size = "RLIM_INFINITY" if isinstance(limit, str) else _size(limit)
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
                yield from _indented([*self._steps(step.child), "_exit(wrong);"])
                yield "}"
                yield "int status;"
                yield 'wait(&status), wrong |= !!status, see("fork", 0);'
            elif step.call is Call.THREAD:
                yield from self._steps(step.child)  # whichever thread makes the calls
            else:
                yield from self._call(step)
            if step.expect:
                yield from _check(step, modes=self.modes)

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
            return _mmap(step.region, region, step.range.first, step.range.count, page, flags=_flags(step))
        if step.call is Call.BRK and step.range:
            return f"brk({_at(step.range.first + step.range.count)})"
        words = [*_range(step), *_moved(step)]
        words += [_prot(step.protection)] if step.protection else []
        words += [f"MADV_{step.advice.upper()}"] if step.advice else []
        words += [flags] if (flags := _flags(step)) else []
        return f"{step.call}({', '.join(words)})"


def _mmap(letter: str, region: Region, first: int, count: int, page: int, flags: str = "") -> str:
    words = [] if region.kind not in _OPENS else ["MAP_SHARED" if region.shared else "MAP_PRIVATE"]
    words += [] if region.kind in _OPENS else ["MAP_SHARED | MAP_ANONYMOUS" if region.shared else "ANON"]
    words += [flag for kind, flag in _KIND_FLAGS.items() if kind is region.kind]
    words += [flags] if flags else []
    file = f"f{region.alias or letter}" if region.kind in _OPENS else "-1"
    offset = page if region.kind in _OPENS else 0
    what = f"{first}, {count}, {_prot(region.protection)}, {' | '.join(words)}, {file}, {offset}"
    return f"MAP({what})"


def _headers(text: str) -> Iterator[str]:
    """Include what is used."""
    for header, names in _HEADERS.items():
        if any(name in text for name in names):
            yield f"#include <{header}>"


def _prot(protection: str) -> str:
    if protection == "rw":
        return "RW"
    return " | ".join(_PROTECTIONS[part] for part in protection if part in _PROTECTIONS) or "PROT_NONE"


def _range(step: Step) -> list[str]:
    named = step.range
    if named is None:
        return []
    pages = f"{named.count} * p{_offset(named.end - named.start)}"
    return [_at(named.first) + _offset(named.start), pages if named.length is None else _size(named.length)]


def _moved(step: Step) -> list[str]:
    if step.to is None or step.range is None:
        return []
    flags = "0" if step.to.first == step.range.first else "MREMAP_MAYMOVE | MREMAP_FIXED"
    return [f"{step.to.count} * p", flags, _at(step.to.first)]


def _check(step: Step, *, modes: bool) -> Iterator[str]:
    """Write what is permitted, an outcome a line."""
    first, *others = (_condition(outcome, modes=modes) for outcome in step.expect)
    lines = [f"wrong |= !(({first})", *(f"({other})" for other in others)]
    whole = f"{' || '.join(lines)});"
    yield from [whole] if len(whole) < _WIDTH else [*(f"{line} ||" for line in lines[:-1]), f"\t   {lines[-1]});"]


def _condition(outcome: Outcome, *, modes: bool) -> str:
    parts = []
    if ANY not in outcome.result:
        errors = " || ".join("!e" if result == "0" else f"e == {result}" for result in outcome.result)
        parts.append(f"({errors})" if " " in errors and errors != "!e" else errors)
    if outcome.locked == UNCHANGED:
        parts.append("like(now, was)")
    elif outcome.locked != ANY:
        parts.append(_like("now", outcome.locked if modes else outcome.locked.replace("F", "L")))
    if outcome.resident != ANY:
        parts.append(_like("in", outcome.resident))
    if outcome.mappings == UNCHANGED:
        parts.append("like(at, before)")
    return " && ".join(parts) or "1"


def _like(name: str, strip: str) -> str:
    """Compare a strip; a long one run by run. In a text of C, ?? could be the beginning of a trigraph."""
    if len(strip) <= _LONG:
        text = strip.replace("??", "?\\?")
        return f'like({name}, "{text}")'
    return " && ".join(
        f'strspn({name} + {first}, "{page}") >= {count}' for page, first, count in strips.runs(strip) if page != "?"
    )


def _flags(step: Step) -> str:
    names = {**_FLAGS, "ONFAULT": "MCL_ONFAULT" if step.call is Call.MLOCKALL else "MLOCK_ONFAULT"}
    return " | ".join(names.get(flag, flag) for flag in step.flags)


def _at(page: int) -> str:
    return f"a + {page} * p" if page else "a"


def _offset(count: int) -> str:
    return f" {'+' if count > 0 else '-'} {abs(count)}" if count else ""


def _size(size: Size) -> str:
    parts = [f"{size.pages} * p"] if size.pages else []
    parts += [f"{size.bytes}"] if size.bytes > 0 or not size.pages else []
    text = " + ".join(parts) + (f" - {-size.bytes}" if size.bytes < 0 else "")
    return f"(size_t)-({text})" if size.negative else text


def _packed(text: Iterable[str]) -> list[str]:
    """Put short statements that follow each other on one line, where they have room."""
    lines: list[str] = []
    for line in (line for part in text for line in part.splitlines()):
        fits = bool(lines) and len(lines[-1]) + len(line.lstrip()) < _WIDTH
        if fits and _is_plain(lines[-1]) and _is_plain(line) and _depth(lines[-1]) == _depth(line):
            lines[-1] += f" {line.lstrip()}"
        else:
            lines.append(line)
    return lines


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip("\t"))


def _is_plain(line: str) -> bool:
    """Tell a statement that stands for itself."""
    text = line.strip()
    return text.endswith(";") and not text.startswith(_PARTS)


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"\t{part}" for line in lines for part in line.splitlines()]
