# SPDX-License-Identifier: Apache-2.0
"""Case to Program: the lines of text that a probe or a model executes (native/probe/PROTOCOL.md)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockproof.conformance.language import strips
from lockproof.conformance.language.calls import Call

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lockproof.conformance.language.case import Case, Range, Step

__all__ = ["DEFAULT_TIME_LIMIT", "Program", "compile_case"]

DEFAULT_TIME_LIMIT = 30.0
"""Seconds that one execution may take."""

_LOCK_MODES = {"L": "eager", "F": "onfault"}


@dataclass(frozen=True, slots=True)
class Program:
    """What a target is to do."""

    text: str
    """The lines between `program` and `end`, without these two: the channel numbers the programs that it sends."""
    pages: int
    """Pages of the arena: the length of every strip in the trace."""
    time_limit: float
    """Seconds that one execution may take."""


def compile_case(case: Case, time_limit: float = DEFAULT_TIME_LIMIT) -> Program:
    """Write the program of a case."""
    lines = [f"time {round(time_limit * 1000)}", f"arena {len(case.map)}", *_layout(case), *_conditions(case)]
    mapped = Counter(case.map)
    for step in case.steps:
        lines += _step(step, mapped)
    return Program("".join(f"{line}\n" for line in lines), len(case.map), time_limit)


def _layout(case: Case) -> Iterator[str]:
    for letter, region in case.regions.items():
        share = "shared" if region.shared else "private"
        length = f" file-pages {region.file_pages}" if region.file_pages is not None else ""
        alias = f" alias {region.alias}" if region.alias is not None else ""
        huge = f" huge {region.huge}" if region.huge is not None else ""
        yield f"region {letter} {region.kind} {region.protection} {share}{length}{alias}{huge}"
    seen: Counter[str] = Counter()
    for letter, start, count in strips.runs(case.map):
        if letter != "_":
            yield f"map {letter} {start} {count} {seen[letter]}"
            seen[letter] += count
    yield from (f"guard {start} {count}" for guarded, start, count in strips.runs(_guards(case)) if guarded == "G")
    yield from (
        f"lock {start} {count} {_LOCK_MODES[lock]}"
        for lock, start, count in strips.runs(case.earlier)
        if lock in _LOCK_MODES
    )


def _guards(case: Case) -> str:
    pages = {letter: iter(region.guard) for letter, region in case.regions.items() if region.guard is not None}
    if not pages:
        return ""
    return "".join(next(pages[letter]) if letter in pages else "." for letter in case.map)


def _conditions(case: Case) -> Iterator[str]:
    if case.limits.memlock is not None:
        yield f"limit memlock {case.limits.memlock}"
    if case.limits.mappings is not None:
        yield f"limit mappings {case.limits.mappings}"
    if case.limits.memory is not None:
        yield f"limit memory {case.limits.memory}"
    if case.privilege == "unprivileged":
        yield "as unprivileged"


def _step(step: Step, mapped: Counter[str]) -> Iterator[str]:
    if step.fault:
        yield f"fault {step.fault}"
    if "child" in step.call.signature.needs:
        yield step.call.value + (f" {step.times}" if step.times else "")
        for inner in step.child:
            yield from _step(inner, mapped)
        yield "exit"
        return
    words = ["call", step.call.value]
    if step.call is Call.MMAP and step.range and step.region:
        words += [step.region, f"{step.range.first}", f"{step.range.count}", f"{mapped[step.region]}"]
        mapped[step.region] += step.range.count
    elif step.range and not step.call.signature.bytewise:
        words += [f"{pages.first} {_count(pages)}" for pages in (step.range, step.to) if pages]
    elif step.call in {Call.FTRUNCATE, Call.SHMCTL}:
        words += [f"{word}" for word in (step.region, step.file_pages, step.command) if word is not None]
    elif step.call is Call.SETRLIMIT:
        words += [f"{step.soft}", f"{step.hard}"]
    elif "image" in step.call.signature.may_have:
        words += [step.image or ("none" if step.call is Call.VFORK else "self")]
    elif step.range:
        words += _bytes(step.range)
    words += [word for word in (step.protection, step.advice, _flags(step.flags)) if word]
    yield " ".join(words)


def _count(pages: Range) -> int:
    """Return the number of pages; of the pages that mremap maps once more, none."""
    return pages.count if pages.length is None else 0


def _flags(flags: tuple[str, ...]) -> str:
    # The protocol has names and decimal numbers.
    return ",".join(f"{int(flag, 16)}" if flag.startswith("0x") else flag for flag in flags)


def _bytes(named: Range) -> list[str]:
    length = named.length if named.length is not None else _size(named.count, named.end - named.start)
    return [_size(named.first, named.start), f"{length}"]


def _size(pages: int, offset: int) -> str:
    return f"{pages}p{offset:+d}" if offset else f"{pages}p"
