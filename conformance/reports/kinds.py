# SPDX-License-Identifier: Apache-2.0
"""The kinds of reports, in one table: each is a function from runs to a text, or to the texts of several files.

A new kind is a line in `KINDS`. What is asked for is written KIND[:OPTION][=PATH].
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from lockproof.conformance.errors import UsageError, suggest
from lockproof.conformance.files import make_folder, write_whole
from lockproof.conformance.reports.html import html
from lockproof.conformance.reports.junit import PER_TARGET, junit
from lockproof.conformance.reports.kcidb import kcidb
from lockproof.conformance.reports.ktap import SELFTESTS, ktap
from lockproof.conformance.reports.lava import LiveSignals, lava
from lockproof.conformance.reports.tmt import tmt

if TYPE_CHECKING:
    from pathlib import Path

    from lockproof.conformance.reports.run import Run
    from lockproof.conformance.running.events import Event

__all__ = ["KINDS", "STANDARD_OUTPUT", "Asked", "Kind", "LiveReport", "Report", "make", "read", "write"]

Report = str | Mapping[str, str]
"""A text; or, of a kind that is a folder, the texts of its files by their paths in it."""

STANDARD_OUTPUT = "-"


class LiveReport(Protocol):
    """A report of which a part is written as each case ends."""

    def listen(self, event: Event) -> None:
        """Take what the engine tells."""

    def finish(self, run: Run) -> None:
        """Write the rest, of a run that has ended."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of report."""

    about: str
    """For whom it is, in one line."""
    make: Callable[[Sequence[Run], str], Report]
    """Makes it of runs, and an option or ''. Raises UsageError where this kind cannot say what there is to say."""
    file: str
    """Where it goes if nobody says: a name in the folder of the run, of a folder what stands before its dot; or `-`."""
    options: tuple[str, ...] = ()
    live: Callable[[Run, Callable[[str], None]], LiveReport] | None = None
    """Begins one that is written to standard output while a run is under way; None: it is made at the end."""


KINDS: dict[str, Kind] = {
    "junit": Kind("JUnit XML, which nearly every CI system reads", junit, "junit.xml", (PER_TARGET,)),
    "html": Kind("people: one page that needs nothing but a browser", html, "report.html"),
    "kcidb": Kind("KCIDB 5.3, which KernelCI takes", kcidb, "kcidb.json"),
    "ktap": Kind("KTAP, which the kernel's own tools and labs read", ktap, "results.ktap", (SELFTESTS,)),
    "lava": Kind("LAVA: its signals, as cases end", lava, STANDARD_OUTPUT, live=LiveSignals),
    "tmt": Kind("tmt and Testing Farm: results.yaml and its logs, in $TMT_TEST_DATA", tmt, "tmt.yaml"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A report that somebody asked for."""

    kind: str
    option: str = ""
    path: str = ""
    """Where it goes; empty: nobody said, `-`: standard output."""

    @property
    def takes_standard_output(self) -> bool:
        """Whether it has standard output for itself."""
        return (self.path or KINDS[self.kind].file) == STANDARD_OUTPUT

    def __str__(self) -> str:
        """Return it as it is written."""
        return f"{self.kind}{':' if self.option else ''}{self.option}{'=' if self.path else ''}{self.path}"


def read(text: str) -> Asked:
    """Return what KIND[:OPTION][=PATH] asks for; a kind without options takes KIND:PATH too. Raises UsageError."""
    name, separator, rest = next(iter(re.findall(r"(?s)^([^:=]*)([:=]?)(.*)$", text)))
    kind = KINDS.get(name)
    if kind is None:
        msg = f"report {text!r}: no kind of report is called {name!r}; {suggest(name, KINDS)}"
        raise UsageError(msg)
    option, separator, path = rest.partition("=") if separator == ":" and kind.options else ("", separator, rest)
    if option not in ("", *kind.options):
        msg = f"report {text!r}: {name} has no option {option!r}; {suggest(option, kind.options)}"
        raise UsageError(msg)
    if separator and not path:
        msg = f"report {text!r}: no path behind {separator!r}; write one, or {text[:-1]}"
        raise UsageError(msg)
    return Asked(name, option, path)


def make(asked: Asked, runs: Sequence[Run]) -> Report:
    """Make a report. Raises UsageError where the kind cannot say what there is to say."""
    return KINDS[asked.kind].make(runs, asked.option)


def write(report: Report, path: Path) -> None:
    """Write a report as a file, or into a folder, each file whole; folders are made. Raises StoreError."""
    hint = "name another place for the report"
    files = {path: report} if isinstance(report, str) else {path / name: text for name, text in report.items()}
    for file, text in files.items():
        make_folder(file.parent, hint)
        write_whole(file, text, hint)
