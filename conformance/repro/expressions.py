# SPDX-License-Identifier: Apache-2.0
"""The arguments of calls as expressions in C: `a` is the arena, `p` the size of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockproof.conformance.language.calls import Call
from lockproof.conformance.language.case import Kind

if TYPE_CHECKING:
    from lockproof.conformance.language.case import Region, Size, Step

__all__ = ["OPENS", "arguments", "at", "flags_of", "mmap", "size_of"]

OPENS = {
    Kind.FILE: "fileno(tmpfile())",
    Kind.SHM: 'open("/dev/shm/repro-%s", O_CREAT | O_RDWR, 0600)',
    Kind.MEMFD: 'memfd_create("m", 0)',
}
"""How the object of a kind of memory is opened."""
_KIND_FLAGS = {Kind.STACK: "MAP_GROWSDOWN", Kind.HUGETLB: "MAP_HUGETLB"}
_FLAGS = {
    "CURRENT": "MCL_CURRENT", "FUTURE": "MCL_FUTURE", "ASYNC": "MS_ASYNC", "SYNC": "MS_SYNC",
    "INVALIDATE": "MS_INVALIDATE", "LOCKED": "MAP_LOCKED",
}  # fmt: skip
_PROTECTIONS = {"r": "PROT_READ", "w": "PROT_WRITE", "x": "PROT_EXEC"}


def at(page: int) -> str:
    """Return the address of a page."""
    return f"a + {page} * p" if page else "a"


def size_of(size: Size) -> str:
    """Return a number of bytes."""
    parts = [f"{size.pages} * p"] if size.pages else []
    parts += [f"{size.bytes}"] if size.bytes > 0 or not size.pages else []
    text = " + ".join(parts) + (f" - {-size.bytes}" if size.bytes < 0 else "")
    return f"(size_t)-({text})" if size.negative else text


def flags_of(step: Step) -> str:
    """Return the flags of a call, empty where it has none."""
    names = {**_FLAGS, "ONFAULT": "MCL_ONFAULT" if step.call is Call.MLOCKALL else "MLOCK_ONFAULT"}
    return " | ".join(names.get(flag, flag) for flag in step.flags)


def mmap(letter: str, region: Region, first: int, count: int, page: int, flags: str = "") -> str:
    """Return the call that maps pages of a region; `page`: the first of them in its object."""
    words = [] if region.kind not in OPENS else ["MAP_SHARED" if region.shared else "MAP_PRIVATE"]
    words += [] if region.kind in OPENS else ["MAP_SHARED | MAP_ANONYMOUS" if region.shared else "ANON"]
    words += [flag for kind, flag in _KIND_FLAGS.items() if kind is region.kind]
    words += [flags] if flags else []
    file = f"f{region.alias or letter}" if region.kind in OPENS else "-1"
    offset = page if region.kind in OPENS else 0
    what = f"{first}, {count}, {_protection(region.protection)}, {' | '.join(words)}, {file}, {offset}"
    return f"MAP({what})"


def arguments(step: Step) -> str:
    """Return the arguments of a call that has none but a range and words."""
    words = [*_range(step), *_moved(step)]
    words += [_protection(step.protection)] if step.protection else []
    words += [f"MADV_{step.advice.upper().replace('-', '_')}"] if step.advice else []
    words += [flags] if step.call is not Call.MREMAP and (flags := flags_of(step)) else []
    return ", ".join(words)


def _protection(protection: str) -> str:
    if protection == "rw":
        return "RW"
    return " | ".join(_PROTECTIONS[part] for part in protection if part in _PROTECTIONS) or "PROT_NONE"


def _range(step: Step) -> list[str]:
    named = step.range
    if named is None:
        return []
    pages = f"{named.count} * p{_offset(named.end - named.start)}"
    return [at(named.first) + _offset(named.start), pages if named.length is None else size_of(named.length)]


def _moved(step: Step) -> list[str]:
    if step.to is None or step.range is None:
        return []
    flags = "0" if step.to.first == step.range.first else "MREMAP_MAYMOVE | MREMAP_FIXED"
    flags += "".join(f" | MREMAP_{flag}" for flag in step.flags)
    return [f"{step.to.count} * p", flags, at(step.to.first)]


def _offset(count: int) -> str:
    return f" {'+' if count > 0 else '-'} {abs(count)}" if count else ""
