# SPDX-License-Identifier: Apache-2.0
"""`lockproof libc`: what a C library offers and promises of memory locking, and whether the cases agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockproof.conformance.commands.printed import Printed
from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.programs.elf import FUNCTIONS
from lockproof.conformance.programs.libc import describe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lockproof.conformance.programs.libc import Libc, Option

__all__ = ["LibcRequest", "libc"]


@dataclass(frozen=True, slots=True)
class LibcRequest:
    """What the user asked for."""

    path: str | None
    """A library, or the root of a system; None: the library of this machine."""
    run: bool = False
    """Whether a library that is not this machine's may be started."""


def libc(request: LibcRequest) -> Printed:
    """Describe C libraries; 1 where anything disagrees. Raises UsageError where there is none."""
    found = describe(request.path, run=request.run)
    agrees = all(option.agrees for each in found for option in each.options)
    return Printed("\n\n".join("\n".join(_lines(each)) for each in found), 0 if agrees else 1)


def _lines(found: Libc) -> Iterator[str]:
    yield f"{found.path}: {found.kind}, {found.machine}"
    yield "  exports"
    for function in FUNCTIONS:
        versions = found.exports.get(function)
        yield f"    {function:<11}{'no' if versions is None else ', '.join(versions) or 'yes'}"
    asked = f"sysconf{': ' if found.not_asked else ''}{found.not_asked}"
    yield f"  options   ({found.header or 'no header is found'}; {asked})"
    for option in found.options:
        macro, answer = ("?" if value is None else value for value in (option.macro, option.sysconf))
        yield f"    {option.name}: macro {macro}, sysconf {answer}"
        yield f"      {_verdict(option)}"


def _verdict(option: Option) -> str:
    if len(option.promises) > 1:
        return "the macro and sysconf disagree"
    if option.promises == {not option.is_exported}:
        if option.is_exported:
            return "not promised, though its functions are there"
        return "promised, but functions are missing"
    if option.verdicts is None:
        there = "there" if option.is_exported else "missing"
        return f"its functions are {there}; cases run with the libcs of this machine only"
    passed, failed = (option.verdicts.get(status, 0) for status in (Status.PASS, Status.FAIL))
    others = sum(option.verdicts.values()) - passed - failed
    counts = f"{passed} pass, {failed} fail, {others} without answer"
    end = "" if option.promises != {True} else ": they agree" if option.agrees else ": what is promised is not all kept"
    return f"cases of {' and '.join(option.cases)} on {option.target}: {counts}{end}"
