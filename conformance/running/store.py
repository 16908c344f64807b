# SPDX-License-Identifier: Apache-2.0
"""A run's folder, results/RUN/: run.json (what was asked), results.jsonl (a line for each result), reports.

A line is written whole before its case counts as done, so that a killed run loses nothing that it had counted; a
line that a kill or a full disk cut short is removed when the run is resumed.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import time
from collections.abc import Iterator  # noqa: TC003
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from lockproof.conformance.errors import StoreError, UsageError, suggest
from lockproof.conformance.judging.verdict import Verdict  # noqa: TC001  pydantic reads the annotations

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Key", "Manifest", "Result", "RunFolder"]

_SYNC_INTERVAL = 1.0
"""Seconds of results that a machine that loses power, or panics under test, may lose."""

Key = tuple[str, str, int]
"""Target, case and repetition: what a result is the result of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one execution of a case on a target; a line of results.jsonl."""

    target: str
    case: str
    repetition: int
    """Counts from 1."""
    verdict: Verdict
    summary: str
    """The verdict's reason in one line."""
    picture: str
    """Lines of text; empty for a PASS."""
    checks: tuple[str, ...]
    profile: str
    source: str
    """`file:line` of the case."""
    seconds: float
    """Wall-clock time, that of the target and of lockproof together."""
    trace: list[Any]
    """The lines that the target wrote, as JSON: the evidence."""

    @property
    def key(self) -> Key:
        """What it is the result of."""
        return (self.target, self.case, self.repetition)


@dataclass(slots=True, kw_only=True)
class Manifest:
    """What a run was asked to do, and what it found its targets to be; run.json."""

    run: str
    lockproof: str
    """Version."""
    cases: str | None
    """Path of the cases; null: those that lockproof brings along."""
    selection: tuple[str, ...]
    corpus: str
    """Digest of the selected cases."""
    targets: tuple[str, ...]
    repeat: int
    time_limit: float
    started: str
    finished: str | None = None
    """When all results were there; null: some are missing, and `--resume` runs them."""
    info: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What each target that could be started said of itself."""


@cache
def _results() -> TypeAdapter[Result]:
    return TypeAdapter(Result)


@cache
def _manifests() -> TypeAdapter[Manifest]:
    return TypeAdapter(Manifest)


def now() -> str:
    """Give the time in UTC as ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class RunFolder:
    """The folder of one run, open for appending; only one process at a time has it open."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        """Open the results for appending, and lock them against another lockproof. Raises StoreError."""
        self.path = path
        self.manifest = manifest
        self._synced = time.monotonic()
        with _reporting(path):
            self._file = os.open(path / "results.jsonl", os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(self._file)
                msg = f"{path}: another lockproof is writing this run; wait for it, or start a run of its own"
                raise StoreError(msg) from None

    @classmethod
    def create(cls, results: Path, manifest: Manifest) -> RunFolder:
        """Make a new folder below `results`, named after the manifest's run. Raises StoreError."""
        with _reporting(results):
            name, number = manifest.run, 2
            while True:
                try:
                    (results / name).mkdir(parents=True)
                    break
                except FileExistsError:
                    name, number = f"{manifest.run}-{number}", number + 1
        manifest.run = name
        folder = cls(results / name, manifest)
        folder.save_manifest()
        return folder

    @classmethod
    def resume(cls, results: Path, run: str) -> RunFolder:
        """Open an earlier run and remove a last line that was cut short. Raises UsageError, StoreError."""
        path = results / run
        if not (path / "run.json").is_file():
            known = [other.parent.name for other in results.glob("*/run.json")]
            msg = f"run {run!r}: no such run in {results}; {suggest(run, known) if known else 'there is none yet'}"
            raise UsageError(msg)
        folder = cls(path, _read_manifest(path / "run.json"))
        folder._drop_cut_line()
        return folder

    def append(self, result: Result) -> None:
        """Write a result, or raise StoreError and leave whole lines only."""
        line = _results().dump_json(result) + b"\n"
        end = os.fstat(self._file).st_size
        with _reporting(self.path / "results.jsonl"):
            try:
                written = os.write(self._file, line)
                if written < len(line):
                    os.write(self._file, line[written:])  # says why, where the disk is full
            except OSError:
                os.ftruncate(self._file, end)
                raise
            if time.monotonic() - self._synced > _SYNC_INTERVAL:
                os.fdatasync(self._file)
                self._synced = time.monotonic()

    def results(self) -> Iterator[Result]:
        """Read the results, in the order in which they came. Raises StoreError where a line is none."""
        with _reporting(self.path / "results.jsonl"), (self.path / "results.jsonl").open("rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    yield _results().validate_json(line)
                except ValidationError as error:
                    first = error.errors(include_url=False)[0]
                    where = f"{self.path / 'results.jsonl'}:{number}"
                    msg = f"{where}: no result: {first['msg']}; remove the line to run it again"
                    raise StoreError(msg) from error

    def save_manifest(self) -> None:
        """Write run.json. Raises StoreError."""
        self.write("run.json", json.dumps(asdict(self.manifest), indent=2) + "\n")

    def write(self, name: str, text: str) -> Path:
        """Put a file into the folder, whole or not at all. Raises StoreError."""
        path, new = self.path / name, self.path / f".{name}.new"
        with _reporting(path):
            try:
                new.write_text(text, encoding="utf-8")
                new.replace(path)
            finally:
                new.unlink(missing_ok=True)
        return path

    def close(self) -> None:
        """Bring everything to the disk. Raises StoreError."""
        with _reporting(self.path / "results.jsonl"):
            try:
                os.fdatasync(self._file)
            finally:
                os.close(self._file)

    def _drop_cut_line(self) -> None:
        with _reporting(self.path / "results.jsonl"):
            content = (self.path / "results.jsonl").read_bytes()
            os.ftruncate(self._file, content.rfind(b"\n") + 1)


def _read_manifest(path: Path) -> Manifest:
    try:
        return _manifests().validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        why = error.errors(include_url=False)[0]["msg"] if isinstance(error, ValidationError) else error.strerror
        msg = f"{path}: cannot be read as a run: {why}; start a new run"
        raise StoreError(msg) from error


@contextmanager
def _reporting(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        instead = (
            "what was recorded before is kept, make room and run again with --resume"
            if full
            else "check the folder, or choose another one with --results"
        )
        msg = f"{path}: {error.strerror}; {instead}"
        raise StoreError(msg) from error
