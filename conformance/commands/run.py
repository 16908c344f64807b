# SPDX-License-Identifier: Apache-2.0
"""`lockproof run`: cases on targets, judged, kept, shown, and compared with what is known."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, cast

from lockproof.conformance.commands.event_stream import event_stream
from lockproof.conformance.commands.interrupt import interruptible
from lockproof.conformance.commands.printed import Printed
from lockproof.conformance.commands.run_reports import RunReports, check_standard_output
from lockproof.conformance.commands.run_request import RunRequest
from lockproof.conformance.commands.run_work import RunWork, prepare, to_go_on
from lockproof.conformance.counted import counted
from lockproof.conformance.exit_codes import STYLES
from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.reports import terminal
from lockproof.conformance.reports.console import console
from lockproof.conformance.reports.live import Live
from lockproof.conformance.reports.profile import profiled
from lockproof.conformance.reports.run import Run
from lockproof.conformance.running import baselines
from lockproof.conformance.running.engine import Engine
from lockproof.conformance.running.known import assess, known_issues
from lockproof.conformance.running.tally import Tally

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from rich.console import Console

    from lockproof.conformance.running.baselines import Baseline
    from lockproof.conformance.running.events import Listener
    from lockproof.conformance.running.manifest import Manifest
    from lockproof.conformance.running.results import Key, Result
    from lockproof.runners.parcel import Packed
    from lockproof.runners.target import Target

    _Execute = Callable[[Engine, Sequence[Target | Packed]], None]
    """Runs what an engine is to run, on this machine or others."""

__all__ = ["run", "run_whole"]

_SIGNALS = 128
"""Exit codes above it are those of signals."""


def run_whole(target: Target, results: Path, readings: tuple[str, ...]) -> tuple[str, Printed | None]:
    """Run the whole corpus on a target, and return the name of the run; and what it ended with where interrupted.

    In one session: what is left to the closing cases was seen by the one that ran all others.
    """
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}"  # nobody else's
    done = run(RunRequest(results=results, name=name, targets=(target,), readings=readings, jobs=1))
    return name, done if done.code > _SIGNALS else None


def run(request: RunRequest) -> Printed:
    """Run what is asked for, or what an earlier run did not get to. Raises UsageError, StoreError.

    What becomes of it is shown as it comes; nothing is left to print at the end.
    """
    reports = RunReports(request.reports)
    streams = (*reports.on_standard_output, *(["--events -"] if request.events == "-" else []))
    out = console(stderr=check_standard_output(streams))
    with _place(request) as execute, event_stream(request.events) as stream, interruptible() as interrupt:
        work = prepare(request, out)
        live = reports.begin(Run(work.folder.manifest, Tally(), work.corpus, baselines=work.known))
        tally = _execute(request, work, (*stream, *live), interrupt.stop, out, execute)
    made = Run(work.folder.manifest, tally, work.corpus, baselines=work.known)
    for part in terminal.closing(made, out.width):
        out.print(part)
    for line in profiled(tally) if request.profile else ():
        out.print(line)
    kept, trouble = reports.finish(made, work.folder.path)
    out.print(f"\n{work.folder.path}/ has {', '.join(('run.json', 'results.jsonl', *kept))}")
    remark = "\n".join(map(str, trouble))
    if interrupt.signal:
        ran = sum(entry.repetitions for entry in tally.cases.values())
        others = "" if request.recorded else f"; {to_go_on(work.folder, request.scheduler)} runs the others"
        out.print(f"Interrupted: {ran} of {work.total} ran{others}")
        return Printed("", _SIGNALS + interrupt.signal, remark)
    if unresolved := sum(entry.unresolved for entry in tally.cases.values()):
        again = "" if request.recorded else f"; {to_go_on(work.folder, request.scheduler)} tries them again"
        out.print(f"{unresolved} UNRESOLVED{again}")
    deviates = _conclude(request, work.known, made, out)
    style = STYLES[request.exit_code]
    return Printed("", style.unresolved if trouble else tally.exit_code(style, fails=deviates), remark)


@contextmanager
def _place(request: RunRequest) -> Iterator[_Execute]:
    """Yield what runs an engine's cases: this machine, or the workers of a cluster. Raises UsageError, TargetError."""
    if request.scheduler is None:
        yield cast("_Execute", Engine.run)
        return
    from lockproof.conformance.cluster import connection, slices  # noqa: PLC0415  an optional extra

    with connection.connected(request.scheduler) as client:
        yield cast("_Execute", partial(slices.run, client, request.scheduler))


def _execute(
    request: RunRequest,
    work: RunWork,
    stream: Sequence[Listener],
    stop: threading.Event,
    out: Console,
    execute: _Execute,
) -> Tally:
    """Run what is missing, until `stop` is set; all results that there are then."""
    folder, tally = work.folder, Tally()
    done, left_out = _recorded(work, tally)
    for line in left_out:
        out.print(line)
    live = Live(
        out,
        {case.name: case for case in work.cases},
        total=work.total,
        done=len(done),
        is_known=lambda result: _is_known(work.known, result, folder.manifest),
        verbose=request.verbose,
    )
    with live:
        engine = Engine(
            cases=work.cases,
            requirements=work.corpus.requirements,
            listeners=(folder.listen, tally.listen, live.listen, *stream),
            repeat=folder.manifest.repeat,
            jobs=request.jobs or min(len(work.targets), len(os.sched_getaffinity(0))),
            time_limit=folder.manifest.time_limit,
            done=done,
            stop=stop,
        )
        try:
            execute(engine, work.targets)
            if folder.manifest.confirm > folder.manifest.repeat and not stop.is_set():
                _confirm(execute, engine, work, tally, done)
        finally:
            folder.close()
    if not stop.is_set():
        folder.finish()
    return tally


def _confirm(execute: _Execute, engine: Engine, work: RunWork, tally: Tally, done: set[Key]) -> None:
    """Run again what newly fails: what fails only sometimes is told apart from what always does."""
    manifest = work.folder.manifest
    new = {
        (target, case)
        for (target, case), entry in tally.cases.items()
        if entry.status is Status.FAIL and not _is_known(work.known, entry.worst, manifest)
    }
    cases = [
        case for case in work.cases if not case.closing and any((name, case.name) in new for name in manifest.targets)
    ]
    targets = [target for target in work.targets if any((target.name, case.name) in new for case in cases)]
    ran = {(target, case, number) for target, case in tally.cases for number in range(1, manifest.repeat + 1)}
    others = {
        (target.name, case.name, number)
        for target in targets
        for case in cases
        for number in range(1, manifest.confirm + 1)
        if (target.name, case.name) not in new
    }
    if targets:
        execute(replace(engine, cases=cases, repeat=manifest.confirm, done=done | ran | others), targets)


def _recorded(work: RunWork, tally: Tally) -> tuple[set[Key], list[str]]:
    """Count the results that are there; what of is done, and lines about results that are left out."""
    manifest = work.folder.manifest
    names = {case.name for case in work.cases}
    done: set[Key] = set()
    foreign = doubled = 0
    for result in work.folder.results():
        is_ours = result.target in manifest.targets and result.case in names
        if not (is_ours and 1 <= result.repetition <= max(manifest.repeat, manifest.confirm)):
            foreign += 1
        elif result.key in done:
            doubled += 1
        else:
            tally.add(result)
            done.add(result.key)
    where = f"{work.folder.path}/results.jsonl"
    said = [
        f"{where}: {counted(foreign, 'line')} of cases, targets or repetitions that this run does not have; left out"
    ]
    said += [f"{where}: {counted(doubled, 'line')} of what stands there before; the first counts"]
    return done, [line for line, count in zip(said, (foreign, doubled), strict=True) if count]


def _is_known(known: Sequence[Baseline], result: Result, manifest: Manifest) -> bool:
    return bool(known_issues(known, result, manifest.info.get(result.target), baselines.today()))


def _conclude(request: RunRequest, known: Sequence[Baseline], made: Run, out: Console) -> bool:
    """Compare with what is known; whether something deviates that is not."""
    if not known and made.manifest.confirm == 1:
        return made.tally.fails
    found = assess(known, made.tally, made.manifest.info, baselines.today())
    for line in terminal.assessed(found, verbose=request.verbose) if known else ():
        out.print(line)
    return found.is_news(strict=request.strict_baseline, confirmed=made.manifest.confirm > 1)
