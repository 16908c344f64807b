# SPDX-License-Identifier: Apache-2.0
"""`lockproof run`: cases on targets, judged, kept, shown, and compared with what is known."""

from __future__ import annotations

import os
import shlex
import sys
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, cast

from lockproof.conformance.commands.interrupt import interruptible
from lockproof.conformance.commands.printed import Printed
from lockproof.conformance.commands.run_reports import RunReports, check_standard_output
from lockproof.conformance.counted import counted
from lockproof.conformance.errors import StoreError, UsageError, suggest
from lockproof.conformance.exit_codes import DEFAULT, STYLES
from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.language.loading import Corpus, load
from lockproof.conformance.language.selection import select
from lockproof.conformance.protocol.program import DEFAULT_TIME_LIMIT
from lockproof.conformance.reports import terminal
from lockproof.conformance.reports.console import console
from lockproof.conformance.reports.live import Live
from lockproof.conformance.reports.profile import profiled
from lockproof.conformance.reports.run import Run
from lockproof.conformance.running import baselines, events
from lockproof.conformance.running.engine import Engine
from lockproof.conformance.running.known import assess, known_issues
from lockproof.conformance.running.manifest import Manifest, corpus_digest, now
from lockproof.conformance.running.store import RunFolder, read_run
from lockproof.conformance.running.tally import Tally
from lockproof.runners.parcel import pack_target
from lockproof.runners.target import make_target

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import Console

    from lockproof.conformance.language.case import Case
    from lockproof.conformance.language.selection import Sweeps
    from lockproof.conformance.running.baselines import Baseline
    from lockproof.conformance.running.events import Event, Listener
    from lockproof.conformance.running.results import Key, Result
    from lockproof.runners.parcel import Packed
    from lockproof.runners.target import Target

    _Execute = Callable[[Engine, Sequence[Target | Packed]], None]
    """Runs what an engine is to run, on this machine or others."""

__all__ = ["RunRequest", "run", "run_whole"]

_RESULTS = Path("results")
"""Where --results is when it is not given."""
_COMMAND = "command:"
_SIGNALS = 128
"""Exit codes above it are those of signals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What the user asked for."""

    results: Path
    """Folder that run folders are made in."""
    name: str | None = None
    """Of the run; None: the time."""
    cases: Path | None = None
    selection: tuple[str, ...] = ()
    sweeps: Sweeps = "full"
    """How much of the sweeps is run."""
    readings: tuple[str, ...] = ()
    """Of the standard, by which it is judged besides those that were decided, each as `ID=CHOICE`."""
    targets: tuple[Target | Packed, ...] = ()
    """Those that are on their way up need not be waited for here (runners.target.started); with a scheduler packed."""
    repeat: int = 1
    time_limit: float | None = None
    """Seconds for each execution; None: DEFAULT_TIME_LIMIT."""
    resume: str | None = None
    """Name of an earlier run, which says what is run; what is asked above is not looked at then."""
    again: tuple[str, ...] = ()
    """Targets of that run which the user names once more, so that what they start was asked for."""
    failed_in: str | None = None
    """An earlier run, whose failures, and what it could not find out, are all that is run."""
    confirm: int = 1
    """How often a case that newly fails is run before that counts."""
    jobs: int | None = None
    """Sessions at a time; None: one for each target, but no more than there are cores."""
    baselines: tuple[Path, ...] = ()
    strict_baseline: bool = False
    """Whether what got better is a difference too."""
    reports: tuple[str, ...] = ()
    """KIND[:OPTION][=PATH] each; without a path in the folder of the run."""
    events: str | None = None
    """File, or `-`, for a line of JSON for each event."""
    verbose: bool = False
    profile: bool = False
    """Whether to say at the end which cases took the time."""
    exit_code: str = DEFAULT
    """One of the styles."""
    scheduler: str | None = None
    """Address of that of a Dask cluster, whose workers run the targets; None: this machine does."""
    recorded: bool = False
    """Whether the targets have run already, elsewhere: nothing of them can be tried again here."""


@dataclass(frozen=True, slots=True)
class _Work:
    """What is to be run, and where it is kept."""

    folder: RunFolder
    corpus: Corpus
    cases: tuple[Case, ...]
    targets: tuple[Target | Packed, ...]
    known: tuple[Baseline, ...]

    @property
    def total(self) -> int:
        """Results that there are when all is done."""
        return len(self.cases) * len(self.targets) * self.folder.manifest.repeat


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
    with _place(request) as execute, _stream(request.events) as stream, interruptible() as interrupt:
        work = _new(request) if request.resume is None else _resumed(request, request.resume, out)
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
        others = "" if request.recorded else f"; {_again(work.folder, request.scheduler)} runs the others"
        out.print(f"Interrupted: {ran} of {work.total} ran{others}")
        return Printed("", _SIGNALS + interrupt.signal, remark)
    if unresolved := sum(entry.unresolved for entry in tally.cases.values()):
        again = "" if request.recorded else f"; {_again(work.folder, request.scheduler)} tries them again"
        out.print(f"{unresolved} UNRESOLVED{again}")
    deviates = _conclude(request, work.known, made, out)
    style = STYLES[request.exit_code]
    return Printed("", style.unresolved if trouble else tally.exit_code(style, fails=deviates), remark)


def _again(folder: RunFolder, scheduler: str | None) -> str:
    """Return the command that goes on with a run, to be pasted into a shell."""
    where = [] if folder.path.parent == _RESULTS else ["--results", str(folder.path.parent)]
    given = [word for target in folder.manifest.targets if target.startswith(_COMMAND) for word in ("-t", target)]
    there = [] if scheduler is None else ["--scheduler", scheduler]
    return shlex.join(["lockproof", "run", "--resume", folder.path.name, *where, *given, *there])


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
    work: _Work,
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


def _confirm(execute: _Execute, engine: Engine, work: _Work, tally: Tally, done: set[Key]) -> None:
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


def _recorded(work: _Work, tally: Tally) -> tuple[set[Key], list[str]]:
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


def _new(request: RunRequest) -> _Work:
    request = request if request.failed_in is None else _of_failures(request, request.failed_in)
    corpus = load(request.cases).read_by(request.readings)
    cases = select(corpus.cases, request.selection, request.sweeps)
    known = _known(request, corpus, request.cases)
    manifest = Manifest(
        run=request.name or f"{datetime.now(UTC):%Y%m%dT%H%M%S}",
        lockproof=version("lockproof"),
        cases=str(request.cases.absolute()) if request.cases else None,
        selection=request.selection,
        sweeps=request.sweeps,
        corpus=corpus_digest(cases),
        readings=corpus.readings,
        targets=tuple(target.name for target in request.targets),
        repeat=request.repeat,
        confirm=request.confirm,
        time_limit=request.time_limit or DEFAULT_TIME_LIMIT,
        started=now(),
    )
    return _Work(RunFolder.create(request.results, manifest), corpus, cases, request.targets, known)


def _of_failures(request: RunRequest, run: str) -> RunRequest:
    """Ask for what failed in a run, or could not be found out, on its targets unless others are given; it stays."""
    manifest, tally = read_run(request.results, run)
    wanted = {Status.FAIL, Status.UNRESOLVED}
    names = dict.fromkeys(case for (_, case), entry in tally.cases.items() if entry.status in wanted)
    if not names:
        msg = f"run {run!r}: nothing failed in it; leave out --failed-in to run everything"
        raise UsageError(msg)
    if not request.targets and (command := next(filter(_is_command, manifest.targets), None)) is not None:
        msg = f"run {run!r}: it starts a command; where you want that, add -t {shlex.quote(command)}"
        raise UsageError(msg)
    return replace(
        request,
        cases=request.cases or (Path(manifest.cases) if manifest.cases else None),
        selection=tuple(names),
        readings=request.readings or manifest.readings,
        targets=request.targets or tuple(map(_maker(request), manifest.targets)),
    )


def _maker(request: RunRequest) -> Callable[[str], Target | Packed]:
    """Return what makes a target of its name."""
    return make_target if request.scheduler is None else pack_target


def _is_command(target: str) -> bool:
    return target.startswith(_COMMAND)


def _resumed(request: RunRequest, run: str, out: Console) -> _Work:
    folder = RunFolder.resume(request.results, run)
    manifest = folder.manifest
    if manifest.lockproof != version("lockproof"):
        msg = f"run {run!r}: lockproof {manifest.lockproof} began it, and this is another version; start a new run"
        raise UsageError(msg)
    _check_commands(request, folder)
    corpus = load(Path(manifest.cases) if manifest.cases else None).read_by(manifest.readings)
    cases = select(corpus.cases, manifest.selection, manifest.sweeps)
    if corpus_digest(cases) != manifest.corpus:
        msg = f"run {manifest.run!r}: its cases have changed since; start a new run"
        raise UsageError(msg)
    known = _known(request, corpus, Path(manifest.cases) if manifest.cases else None)
    retried = folder.set_aside(lambda result: result.verdict.status is Status.UNRESOLVED)
    if retried:
        out.print(f"{retried} UNRESOLVED of the earlier run: tried again")
    return _Work(folder, corpus, cases, tuple(map(_maker(request), manifest.targets)), known)


def _known(request: RunRequest, corpus: Corpus, cases: Path | None) -> tuple[Baseline, ...]:
    return baselines.load(request.baselines, baselines.vocabulary(corpus, cases)) if request.baselines else ()


def _check_commands(request: RunRequest, folder: RunFolder) -> None:
    """Let a run start commands only where its user wants that: run.json may be somebody else's. Raises UsageError."""
    manifest = folder.manifest
    for target in request.again:
        if target not in manifest.targets:
            msg = f"run {manifest.run!r}: {target!r} is none of its targets; {suggest(target, manifest.targets)}"
            raise UsageError(msg)
    for target in manifest.targets:
        if target.startswith(_COMMAND) and target not in request.again and not _is_wanted(target):
            again = _again(folder, request.scheduler)
            msg = f"run {manifest.run!r}: it starts a command, {target!r}; where you want that, run: {again}"
            raise UsageError(msg)


def _is_wanted(target: str) -> bool:
    """Ask somebody who is there."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    console(stderr=True).print(f"The run starts a command: {target}")
    sys.stderr.write("Start it? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


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


@contextmanager
def _stream(path: str | None) -> Iterator[tuple[Listener, ...]]:
    """Yield a listener that writes each event as a line of JSON, or none. Raises StoreError."""
    if path is None:
        yield ()
        return
    try:
        # No buffer: a line is there when the event is, and an error belongs to its event.
        file = open(sys.stdout.fileno() if path == "-" else path, "wb", buffering=0, closefd=path != "-")  # noqa: SIM115
    except OSError as error:
        msg = f"{path}: cannot be written: {error.strerror}; name another file with --events"
        raise StoreError(msg) from error

    def listener(event: Event) -> None:
        line = memoryview(f"{events.as_json(event)}\n".encode())
        try:
            while line:
                line = line[file.write(line) :]
        except OSError as error:
            msg = f"{path}: cannot be written: {error.strerror}; what was recorded is kept, go on with --resume"
            raise StoreError(msg) from error

    with file:
        yield (listener,)
