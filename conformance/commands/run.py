# SPDX-License-Identifier: Apache-2.0
"""One `lockproof run`, from request to exit code."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from lockproof.conformance.errors import UsageError, suggest
from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.language.loading import Corpus, load
from lockproof.conformance.protocol.program import DEFAULT_TIME_LIMIT
from lockproof.conformance.reports import terminal
from lockproof.conformance.reports.junit import junit
from lockproof.conformance.running import baselines as baseline
from lockproof.conformance.running.engine import Engine
from lockproof.conformance.running.store import Manifest, RunFolder, now
from lockproof.conformance.running.tally import Tally
from lockproof.runners.target import TargetInfo, make_target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

    from lockproof.conformance.language.case import Case
    from lockproof.conformance.running.baselines import Baseline
    from lockproof.conformance.running.store import Result
    from lockproof.runners.target import Session, Target

__all__ = ["DEFAULT_TARGETS", "Known", "Request", "resume", "select", "start"]

DEFAULT_TARGETS = ("local", "model:posix")

_WIDE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user asked for."""

    results: Path
    cases: Path | None = None
    selection: tuple[str, ...] = ()
    targets: tuple[str, ...] = DEFAULT_TARGETS
    repeat: int = 1
    time_limit: float = DEFAULT_TIME_LIMIT


@dataclass(frozen=True, slots=True)
class Known:
    """The deviations that are known, and where those of this run are to be written."""

    baselines: tuple[Baseline, ...] = ()
    to_write: Path | None = None

    @classmethod
    def of(cls, files: Sequence[Path], to_write: Path | None) -> Known:
        """Read baselines, also the one that is to be written anew. Raises UsageError, CaseFileError."""
        if to_write is not None:
            baseline.existing(to_write, ())
        return cls(tuple(baseline.load(file) for file in files), to_write)

    def is_known(self, result: Result, manifest: Manifest) -> bool:
        """Tell whether a result is a deviation that is known."""
        info = manifest.info.get(result.target)
        return info is not None and baseline.is_known(self.baselines, result, info["release"])

    def conclude(self, tally: Tally, manifest: Manifest, out: Console) -> int:
        """Write and compare; gives the exit code."""
        releases = {target: info["release"] for target, info in manifest.info.items()}
        if self.to_write is not None:
            before = baseline.existing(self.to_write, manifest.targets)
            baseline.write(self.to_write, baseline.update(before, tally, releases))
            out.print(f"\n{self.to_write} has what deviates")
        if not self.baselines:
            return tally.exit_code
        differences = baseline.compare(self.baselines, tally, releases)
        out.print(f"\n{len(differences)} difference{'' if len(differences) == 1 else 's'} from the baseline")
        for found in differences:
            out.print(f"  {found.target}  {found.case}: {found.what}")
        return 3 if tally.exit_code == 3 else int(bool(differences))  # noqa: PLR2004  exit codes of the README


def start(request: Request, *, jobs: int, verbose: bool = False, known: Known | None = None) -> int:
    """Run everything anew; gives the exit code. Raises UsageError, StoreError."""
    corpus = load(request.cases)
    cases = select(corpus.cases, request.selection)
    targets = _targets(request.targets)
    manifest = Manifest(
        run=f"{datetime.now(UTC):%Y%m%dT%H%M%S}",
        lockproof=version("lockproof"),
        cases=str(request.cases.absolute()) if request.cases else None,
        selection=request.selection,
        corpus=_digest(cases),
        targets=tuple(target.name for target in targets),
        repeat=request.repeat,
        time_limit=request.time_limit,
        started=now(),
    )
    folder = RunFolder.create(request.results, manifest)
    return _run(folder, corpus, cases, targets, jobs=jobs, verbose=verbose, known=known or Known())


def resume(results: Path, run: str, *, jobs: int, verbose: bool = False, known: Known | None = None) -> int:
    """Run what is missing from an earlier run; gives the exit code of the whole. Raises UsageError, StoreError."""
    folder = RunFolder.resume(results, run)
    manifest = folder.manifest
    corpus = load(Path(manifest.cases) if manifest.cases else None)
    cases = select(corpus.cases, manifest.selection)
    if _digest(cases) != manifest.corpus:
        msg = f"run {run!r}: its cases have changed since; start a new run"
        raise UsageError(msg)
    targets = _targets(manifest.targets)
    return _run(folder, corpus, cases, targets, jobs=jobs, verbose=verbose, known=known or Known())


def select(cases: Sequence[Case], patterns: Sequence[str]) -> tuple[Case, ...]:
    """Give the cases that a pattern names: a full name, a leading part of it that ends at / or [, or a glob.

    Raises UsageError where a pattern names none.
    """
    if not patterns:
        return tuple(cases)
    chosen = {pattern: [case for case in cases if _matches(case.name, pattern)] for pattern in patterns}
    for pattern, found in chosen.items():
        if not found:
            stems = {case.name.partition("[")[0] for case in cases}
            known = stems | {stem.rpartition("/")[0] for stem in stems}
            msg = f"case {pattern!r}: no case is called so; {suggest(pattern, known)} (lockproof cases lists them)"
            raise UsageError(msg)
    wanted = {case.name for found in chosen.values() for case in found}
    return tuple(case for case in cases if case.name in wanted)


def _matches(name: str, pattern: str) -> bool:
    stem = pattern.rstrip("/")
    # In names [ stands for itself; only * and ? are wild.
    return name == stem or name.startswith((f"{stem}/", f"{stem}[")) or fnmatchcase(name, pattern.replace("[", "[[]"))


def _targets(names: Sequence[str]) -> tuple[Target, ...]:
    return tuple(make_target(name) for name in dict.fromkeys(names))


def _digest(cases: Sequence[Case]) -> str:
    """Tell corpora apart by what is run and how it is judged, wherever the files lie."""
    parts = (
        f"{(case.name, case.checks, case.map, case.regions, case.locked, case.limits, case.privilege, case.steps)}"
        f"{case.closing}"
        for case in cases
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _run(
    folder: RunFolder,
    corpus: Corpus,
    cases: Sequence[Case],
    targets: Sequence[Target],
    *,
    jobs: int,
    verbose: bool,
    known: Known,
) -> int:
    manifest = folder.manifest
    tally, done = Tally(), set()
    for result in folder.results():
        if result.key not in done:
            tally.add(result)
            done.add(result.key)
    total = len(cases) * len(targets) * manifest.repeat
    out = _console()
    with _Display(total, len(done), out, verbose=verbose) as display, _interruptible() as interrupt:

        def on_start(target: str, session: Session) -> None:
            if session.about:
                display.say(f"{target}: {session.about}")
            if _is_new(target, session.info, manifest):
                manifest.info[target] = session.info.as_json()
                folder.save_manifest()

        def on_result(result: Result) -> None:
            folder.append(result)
            tally.add(result)
            display.show(result, quiet=known.is_known(result, manifest))

        engine = Engine(
            cases=cases,
            requirements=corpus.requirements,
            on_result=on_result,
            on_start=on_start,
            repeat=manifest.repeat,
            jobs=jobs,
            time_limit=manifest.time_limit,
            done=done,
            stop=interrupt.stop,
        )
        try:
            engine.run(targets)
        finally:
            folder.close()
    if not interrupt.signal:
        manifest.finished = now()
        folder.save_manifest()
    folder.write("junit.xml", junit(tally, manifest))
    for part in terminal.closing(tally, manifest, corpus.requirements):
        out.print(part)
    out.print(f"\n{folder.path}/ has run.json, results.jsonl, junit.xml")
    if interrupt.signal:
        out.print(
            f"Interrupted: {sum(entry.repetitions for entry in tally.cases.values())} of {total} ran; "
            f"lockproof run --resume {manifest.run} runs the others"
        )
        return 128 + interrupt.signal
    return known.conclude(tally, manifest, out)


def _is_new(target: str, info: TargetInfo, manifest: Manifest) -> bool:
    """Tell whether a target is started for the first time in a run. Raises UsageError where it has changed since."""
    before = manifest.info.get(target)
    if before is None:
        return True
    began = TargetInfo.from_json(before)
    if info.identity != began.identity:
        msg = f"run {manifest.run!r}: it began on {began.kernel}, and {target} is now {info.kernel}; start a new run"
        raise UsageError(msg)
    return False


def _console() -> Console:
    """Give standard output; where it is no terminal, wide enough for any line."""
    console = _Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _WIDE
    return console


class _Console(Console):
    """A console whose reader may go away or have no room: results matter more than what is shown of them."""

    def print(self, *things: Any, **options: Any) -> None:  # noqa: ANN401  rich's own signature
        """Show things, or fall silent for good."""
        try:
            super().print(*things, **options)
        except OSError:
            self.on_broken_pipe()

    def on_broken_pipe(self) -> None:
        """Fall silent, also when Python flushes what is left at its end."""
        self.quiet = True
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())


class _Display:
    """A progress bar on a terminal, pictures and lines everywhere."""

    def __init__(self, total: int, done: int, out: Console, *, verbose: bool) -> None:
        self._out = out
        self._verbose = verbose
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
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        """Say something about the run itself."""
        self._out.print(text)

    def show(self, result: Result, *, quiet: bool) -> None:
        """Say what became of a case; once for repetitions that are alike, and for a target that does not start.

        `quiet`: it is known, and shown only to those who want to see everything.
        """
        case = result.case if result.picture or result.verdict.status is not Status.UNRESOLVED else ""
        said = (result.target, case, result.verdict.status, result.summary)
        if said not in self._said and not (quiet and not self._verbose):
            self._said.add(said)
            text = terminal.entry(result, verbose=self._verbose)
            if text is not None:
                self._out.print(text)
        self._progress.advance(self._task)


class _Interrupt:
    """Ctrl-C, or SIGTERM from a CI system: the first ends the run in good order, the second at once."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.signal = 0

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        if self.signal:
            os._exit(128 + number)  # results are on disk; probes end with their input
        self.signal = number
        self.stop.set()
        os.write(sys.stderr.fileno(), b"Ending what is under way; once more to stop at once.\n")


@contextmanager
def _interruptible() -> Iterator[_Interrupt]:
    interrupt = _Interrupt()
    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
