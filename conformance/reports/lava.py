# SPDX-License-Identifier: Apache-2.0
"""What LAVA's dispatcher looks for on the console of a test: the signals that its helpers write.

lava-test-set, and lava-test-case with --result, --output, --measurement and --units (lava_dispatcher/lava_test_shell),
write nothing but these lines; written directly, they are there also where a helper does not know --output yet. The
dispatcher splits signals at blanks, and ends the test where one has another form.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.reports.by_target import by_target, folder, labels, leaf, plain_name
from lockproof.conformance.reports.plain import one_line, plain
from lockproof.conformance.reports.words import tally_summary
from lockproof.conformance.running.events import TargetStarted
from lockproof.conformance.running.results import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lockproof.conformance.reports.run import Run
    from lockproof.conformance.running.events import Event
    from lockproof.conformance.running.tally import CaseTally

__all__ = ["LiveSignals", "lava"]

_SIGNAL = re.compile("<(?=LAVA)")
"""Quoted from a kernel's log it would be another result."""
_LONGEST_SAID = 1024
_RESULTS = {
    Status.PASS: "pass",
    Status.FAIL: "fail",
    Status.UNRESOLVED: "unknown",
    Status.UNSUPPORTED: "skip",
    Status.UNTESTED: "skip",
}


def lava(runs: Sequence[Run], _option: str) -> str:
    """Write the signals of runs; of several targets, each one's comes first in test sets. Raises UsageError."""
    said: list[str] = []
    signals = _Signals(said.append)
    targets = by_target(runs)
    for each in targets:
        for entry in each.entries:
            signals.case(entry, f"{each.label}/" if len(targets) > 1 else "", each.run)
    signals.end()
    return "".join(said)


class LiveSignals:
    """Writes the signals of a case when its last repetition has ended."""

    def __init__(self, run: Run, write: Callable[[str], None]) -> None:
        """Begin a run; `write` takes some whole lines."""
        self._run = run
        self._labels = labels(run.manifest.targets)
        self._signals = _Signals(write)
        self._said: set[tuple[str, str]] = set()

    def listen(self, event: Event) -> None:
        """Note a target, or write what became of a case."""
        if isinstance(event, TargetStarted):
            self._run = replace(self._run, manifest=self._run.manifest.found(event.target, event.info))
        elif isinstance(event, Result):
            self._run.tally.add(event)
            entry = self._run.tally.cases[event.target, event.case]
            if entry.repetitions == self._run.manifest.repeat:
                self._say(entry)

    def finish(self, run: Run) -> None:
        """Write what was not told: results of a run that was resumed, and cases that did not run."""
        self._run = run
        for each in by_target([run]):
            for entry in each.entries:
                if (each.target, entry.worst.case) not in self._said:
                    self._say(entry)
        self._signals.end()

    def _say(self, entry: CaseTally) -> None:
        target = entry.worst.target
        self._said.add((target, entry.worst.case))
        self._signals.case(entry, f"{self._labels[target]}/" if len(self._labels) > 1 else "", self._run)


class _Signals:
    """Writes signals, in a test set for each folder."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._set = ""

    def case(self, entry: CaseTally, prefix: str, run: Run) -> None:
        name = plain_name(entry.worst.case)
        test_set = f"{prefix}{folder(name)}"
        lines = []
        if test_set != self._set:
            lines += [*self._stop(), _signal("TESTSET", "START", test_set)]
            self._set = test_set
        self._write("\n".join((*lines, *_case(entry, leaf(name), run), "")))

    def end(self) -> None:
        self._write("\n".join((*self._stop(), "")))

    def _stop(self) -> list[str]:
        return [_signal("TESTSET", "STOP")] if self._set else []


def _case(entry: CaseTally, name: str, run: Run) -> Iterator[str]:
    if entry.status is not Status.PASS or entry.worst.verdict.rests_on:
        yield _signal("STARTTC", name)
        yield from (_SIGNAL.sub("(", line) for line in plain(_output(entry, run)).split("\n"))
        yield _signal("ENDTC", name)
    trace = run.trace(entry.worst)
    swept = [execution for execution in trace.executions if execution.number] if trace is not None else []
    failed = sum(step.fault in {"failed", "absorbed"} for execution in swept for step in execution.steps)
    measured = [f"UNITS=allocations MEASUREMENT={failed}"] if swept else []
    yield _signal("TESTCASE", f"TEST_CASE_ID={name}", f"RESULT={_RESULTS[entry.status]}", *measured)


def _output(entry: CaseTally, run: Run) -> str:
    said = one_line(f"{entry.status}: {tally_summary(entry)}", _LONGEST_SAID)
    if entry.status not in {Status.FAIL, Status.UNRESOLVED}:
        return said
    return "\n".join((said, run.picture(entry.worst), *run.origin(entry.worst)))


def _signal(name: str, *words: str) -> str:
    return f"<LAVA_SIGNAL_{name} {' '.join(words)}>"
