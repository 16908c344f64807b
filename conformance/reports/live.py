# SPDX-License-Identifier: Apache-2.0
"""What is shown while a run is under way: a progress bar on a terminal, pictures and lines everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.reports import terminal
from lockproof.conformance.reports.words import summary, what_stands_out
from lockproof.conformance.running.events import Event, TargetEnded, TargetStarted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rich.console import Console

    from lockproof.conformance.language.case import Case
    from lockproof.conformance.running.results import Result
    from lockproof.runners.target import TargetInfo

__all__ = ["Live"]


class Live:
    """Shows each event that it is told."""

    def __init__(
        self,
        out: Console,
        cases: Mapping[str, Case],
        *,
        total: int,
        done: int,
        is_known: Callable[[Result], bool],
        verbose: bool,
    ) -> None:
        """Begin a run of `total` results, of which so many are there already.

        `is_known`: whether a result is a known deviation, which is shown only to those who want to see everything.
        """
        self._out = out
        self._cases = cases
        self._is_known = is_known
        self._verbose = verbose
        self._info: dict[str, TargetInfo] = {}
        self._said: set[tuple[str, ...]] = set()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=out,
            disable=not out.is_terminal,
            transient=True,
        )
        self._task = self._progress.add_task("running", total=total, completed=done)

    def __enter__(self) -> Self:
        """Show the bar, on a terminal."""
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take it away."""
        self._progress.stop()

    def listen(self, event: Event) -> None:
        """Show an event."""
        match event:
            case TargetStarted():
                self._info[event.target] = event.info
                self._started(event)
            case TargetEnded():
                pass  # the results tell what became of it
            case result:
                self._result(result)
                if not self._progress.disable:
                    self._progress.advance(self._task)

    def _started(self, event: TargetStarted) -> None:
        """Say once of a target, of which there may be several sessions, what stands out and how it was started."""
        words = [word for word in (what_stands_out(event.info), event.about) if word]
        if words and (event.target, *words) not in self._said:
            self._said.add((event.target, *words))
            self._out.print(f"{event.target}: {'; '.join(words)}")

    def _result(self, result: Result) -> None:
        """Say what became of a case; once for repetitions that are alike, and for cases that could not begin."""
        status = result.verdict.status
        if not self._verbose and (status is Status.PASS or self._is_known(result)):
            return
        info = self._info.get(result.target)
        did_not_begin = info is None or not result.trace
        case = "" if status is Status.UNRESOLVED and did_not_begin else result.case
        said = (result.target, case, status, summary(result.verdict))
        if said not in self._said:
            self._said.add(said)
            text = terminal.entry(result, self._cases[result.case], info, verbose=self._verbose)
            if text is not None:
                self._out.print(text)
