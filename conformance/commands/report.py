# SPDX-License-Identifier: Apache-2.0
"""`lockproof report`: any report of runs that are on disk."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lockproof.conformance.commands.printed import Printed
from lockproof.conformance.errors import StoreError, UsageError
from lockproof.conformance.reports import kinds
from lockproof.conformance.reports.run import read

if TYPE_CHECKING:
    from lockproof.conformance.reports.kinds import Report

__all__ = ["ReportRequest", "print_part", "print_report", "report"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRequest:
    """What the user asked for."""

    runs: tuple[str, ...]
    """Names of runs, or their folders, each with NAME= before it or without."""
    kind: str
    """KIND[:OPTION]."""
    output: str = kinds.STANDARD_OUTPUT
    results: Path
    """Folder that run folders are in."""
    baselines: tuple[Path, ...] = ()


def report(request: ReportRequest) -> Printed:
    """Make a report. Raises UsageError, StoreError."""
    asked = kinds.read(request.kind)
    if asked.path:
        msg = f"--as {asked}: {asked.path!r} is no option; write --as {asked.kind} -o {asked.path}"
        raise UsageError(msg)
    made = kinds.make(asked, [read(request.results, name, request.baselines) for name in request.runs])
    if request.output == kinds.STANDARD_OUTPUT:
        print_report(asked.kind, made)
    else:
        kinds.write(made, Path(request.output))
    return Printed("")


def print_report(kind: str, made: Report) -> None:
    """Write a report to standard output, as it is. Raises UsageError where it is several files, StoreError."""
    if not isinstance(made, str):
        msg = f"report {kind!r}: it is several files, which standard output cannot be; name a folder"
        raise UsageError(msg)
    print_part(made)


def print_part(text: str) -> None:
    """Write a part of a report to standard output, where it is at once. Raises StoreError."""
    try:
        with open(sys.stdout.fileno(), "w", encoding="utf-8", newline="", closefd=False) as out:
            out.write(text)
    except OSError as error:
        msg = f"standard output: cannot be written: {error.strerror}; name a file"
        raise StoreError(msg) from error
