# SPDX-License-Identifier: Apache-2.0
"""The reports that `lockproof run` makes: some while it runs, most at its end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lockproof.conformance.commands.report import print_part, print_report
from lockproof.conformance.errors import LockproofError, UsageError
from lockproof.conformance.reports import kinds
from lockproof.conformance.reports.kinds import KINDS, Asked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lockproof.conformance.reports.kinds import LiveReport
    from lockproof.conformance.reports.run import Run
    from lockproof.conformance.running.events import Listener

__all__ = ["RunReports", "check_standard_output"]


class RunReports:
    """The reports of one run: JUnit, and those that are asked for."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Read what is asked for, KIND[:OPTION][=PATH] each. Raises UsageError."""
        self._asked = (Asked("junit"), *map(kinds.read, texts))
        self._live: list[LiveReport] = []
        self.on_standard_output = tuple(f"--report {asked}" for asked in self._asked if asked.takes_standard_output)
        """Those that have standard output for themselves, as they were asked for."""

    def begin(self, run: Run) -> Sequence[Listener]:
        """Begin those that are written while a run is under way; return who listens for them."""
        begins = [KINDS[asked.kind].live for asked in self._asked if asked.takes_standard_output]
        self._live = [begin(run, print_part) for begin in begins if begin is not None]
        return [live.listen for live in self._live]

    def finish(self, run: Run, folder: Path) -> tuple[list[str], list[LockproofError]]:
        """Make all others; the names of those in the run's folder, and why some could not be made."""
        kept: list[str] = []
        trouble: list[LockproofError] = []
        for asked in self._asked:
            try:
                name = self._finish(asked, run, folder)
            except LockproofError as error:
                trouble.append(error)
            else:
                kept += [name] if name else []
        return kept, trouble

    def _finish(self, asked: Asked, run: Run, folder: Path) -> str:
        """Make a report; its name in the folder of the run, or empty. Raises UsageError, StoreError."""
        kind = KINDS[asked.kind]
        if asked.takes_standard_output and kind.live is not None:
            for live in self._live:
                live.finish(run)
            return ""
        report = kinds.make(asked, [run])
        if asked.takes_standard_output:
            print_report(asked.kind, report)
            return ""
        if asked.path:
            kinds.write(report, Path(asked.path))
            return ""
        name = kind.file if isinstance(report, str) else f"{kind.file.partition('.')[0]}/"
        kinds.write(report, folder / name)
        return name


def check_standard_output(asked: Sequence[str]) -> bool:
    """Tell whether something has standard output for itself. Raises UsageError where more than one has."""
    if len(asked) > 1:
        msg = f"{' and '.join(asked)} both have standard output for themselves; write one of them to a file"
        raise UsageError(msg)
    return bool(asked)
