# SPDX-License-Identifier: Apache-2.0
"""What a run has to do: what is asked for, what failed in an earlier run, or what one did not get to."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from lockproof.conformance.errors import UsageError, suggest
from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.language.loading import Corpus, load
from lockproof.conformance.language.selection import select
from lockproof.conformance.protocol.program import DEFAULT_TIME_LIMIT
from lockproof.conformance.reports.console import console
from lockproof.conformance.running import baselines
from lockproof.conformance.running.manifest import Manifest, corpus_digest, now
from lockproof.conformance.running.store import RunFolder, read_run
from lockproof.runners.parcel import pack_target
from lockproof.runners.target import make_target

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from lockproof.conformance.commands.run_request import RunRequest
    from lockproof.conformance.language.case import Case
    from lockproof.conformance.running.baselines import Baseline
    from lockproof.runners.parcel import Packed
    from lockproof.runners.target import Target

__all__ = ["RunWork", "prepare", "to_go_on"]

_RESULTS = Path("results")
"""Where --results is when it is not given."""


@dataclass(frozen=True, slots=True)
class RunWork:
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


def prepare(request: RunRequest, out: Console) -> RunWork:
    """Find out what is to be run, and make its folder or take that of an earlier run. Raises UsageError, StoreError."""
    return _new(request) if request.resume is None else _resumed(request, request.resume, out)


def to_go_on(folder: RunFolder, scheduler: str | None) -> str:
    """Return the command that goes on with a run, to be pasted into a shell."""
    where = [] if folder.path.parent == _RESULTS else ["--results", str(folder.path.parent)]
    given = [word for target in filter(_is_command, folder.manifest.targets) for word in ("-t", target)]
    there = [] if scheduler is None else ["--scheduler", scheduler]
    return shlex.join(["lockproof", "run", "--resume", folder.path.name, *where, *given, *there])


def _new(request: RunRequest) -> RunWork:
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
    return RunWork(RunFolder.create(request.results, manifest), corpus, cases, request.targets, known)


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
        cases=request.cases or manifest.cases_path,
        selection=tuple(names),
        readings=request.readings or manifest.readings,
        targets=request.targets or tuple(map(_maker(request), manifest.targets)),
    )


def _maker(request: RunRequest) -> Callable[[str], Target | Packed]:
    """Return what makes a target of its name."""
    return make_target if request.scheduler is None else pack_target


def _is_command(target: str) -> bool:
    return target.startswith("command:")


def _resumed(request: RunRequest, run: str, out: Console) -> RunWork:
    folder = RunFolder.resume(request.results, run)
    manifest = folder.manifest
    if manifest.lockproof != version("lockproof"):
        msg = f"run {run!r}: lockproof {manifest.lockproof} began it, and this is another version; start a new run"
        raise UsageError(msg)
    _check_commands(request, folder)
    corpus = load(manifest.cases_path).read_by(manifest.readings)
    cases = select(corpus.cases, manifest.selection, manifest.sweeps)
    if corpus_digest(cases) != manifest.corpus:
        msg = f"run {manifest.run!r}: its cases have changed since; start a new run"
        raise UsageError(msg)
    known = _known(request, corpus, manifest.cases_path)
    retried = folder.set_aside(lambda result: result.verdict.status is Status.UNRESOLVED)
    if retried:
        out.print(f"{retried} UNRESOLVED of the earlier run: tried again")
    return RunWork(folder, corpus, cases, tuple(map(_maker(request), manifest.targets)), known)


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
        if _is_command(target) and target not in request.again and not _is_wanted(target):
            again = to_go_on(folder, request.scheduler)
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
