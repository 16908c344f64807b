# SPDX-License-Identifier: Apache-2.0
"""A run's folder, results/RUN/: run.json (what was asked), results.jsonl (a line for each result), reports.

A line is written whole before its case counts as done, so that a killed run loses nothing that it had counted; a
line that a kill or a full disk cut short is removed when the run is resumed.
"""

from __future__ import annotations

import errno
import fcntl
import itertools
import os
import shutil
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lockproof.conformance.errors import StoreError, UsageError, suggest
from lockproof.conformance.files import check_regular, open_input, read_input, replacing
from lockproof.conformance.running.events import TargetStarted
from lockproof.conformance.running.manifest import Manifest, now, read_manifest
from lockproof.conformance.running.results import Key, Result, read_result, result_line
from lockproof.conformance.running.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lockproof.conformance.running.events import Event
    from lockproof.runners.target import TargetInfo

__all__ = ["RunFolder", "read_run", "read_run_manifest"]

_RESULTS, _SET_ASIDE = "results.jsonl", "retried.jsonl"
_LONGEST_LINE = 256 << 20  # bytes; a trace has at most a quarter of them
_BLOCK = 1 << 20  # bytes that are read at a time where only the end of a file matters
_SYNC_INTERVAL = 1.0
"""Seconds of results that a machine that loses power, or panics under test, may lose."""


class RunFolder:
    """The folder of one run, open for appending; only one process at a time has it open."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        """Open the results for appending, and lock them against another lockproof. Raises OSError, StoreError."""
        self.path = path
        self.manifest = manifest
        self._synced = time.monotonic()
        self._results = path / _RESULTS
        self._file = _open_locked(self._results)
        self._end = os.fstat(self._file).st_size

    @classmethod
    def create(cls, results: Path, manifest: Manifest) -> RunFolder:
        """Make a new folder below `results`, named after the manifest's run, or nearly so. Raises StoreError."""
        with _reporting(results, full=_NOTHING_YET):
            name, number = manifest.run, 2
            while True:
                try:
                    (results / name).mkdir(parents=True)
                    break
                except FileExistsError:
                    name, number = f"{manifest.run}-{number}", number + 1
        try:
            with _reporting(results / name, full=_NOTHING_YET):
                folder = cls(results / name, replace(manifest, run=name))
                folder._put("run.json", folder.manifest.as_json())
        except BaseException:
            shutil.rmtree(results / name, ignore_errors=True)  # a run without its run.json is none
            raise
        return folder

    @classmethod
    def resume(cls, results: Path, run: str) -> RunFolder:
        """Open an earlier run and remove a last line that was cut short. Raises UsageError, StoreError."""
        path = results / run
        if not (path / "run.json").is_file():
            raise _no_such_run(results, run)
        manifest = read_run_manifest(path / "run.json")
        with _reporting(path / _RESULTS):
            folder = cls(path, manifest)
        folder._drop_cut_line()
        return folder

    def append(self, result: Result) -> None:
        """Write a result, or raise StoreError and leave whole lines only."""
        line = result_line(result)
        with _reporting(self._results):
            try:
                _write(self._file, line)
            except OSError:
                os.ftruncate(self._file, self._end)
                raise
            self._end += len(line)
            if time.monotonic() - self._synced > _SYNC_INTERVAL:
                os.fdatasync(self._file)
                self._synced = time.monotonic()

    def results(self) -> Iterator[Result]:
        """Read the results, in the order in which they came. Raises StoreError where a line is none."""
        return _read_results(self._results)

    def listen(self, event: Event) -> None:
        """Keep what the engine tells. Raises UsageError where a target is another one than before, StoreError."""
        match event:
            case TargetStarted():
                self.found(event.target, event.info)
            case Result():
                self.append(event)

    def found(self, target: str, info: TargetInfo) -> None:
        """Note what a target said of itself. Raises UsageError where it said something else before, StoreError."""
        before = self.manifest.info.get(target)
        if before is None:
            self._save(self.manifest.found(target, info))
        elif info.identity != before.identity:
            run, was, is_now = self.manifest.run, before.kernel, info.kernel
            if was == is_now:
                was, is_now = _told_apart(before), f"{is_now}, but {_told_apart(info)}"
            msg = f"run {run!r}: it began on {was}, and {target} is now {is_now}; start a new run"
            raise UsageError(msg)

    def set_aside(self, is_open: Callable[[Result], bool]) -> int:
        """Move results to retried.jsonl, so that they are missing and run again, and return how many.

        Raises StoreError; what was recorded is in one of the two files at any time.
        """
        moved = [result_line(result) for result in self.results() if is_open(result)]
        if not moved:
            return 0
        with _reporting(self._results), (self.path / _SET_ASIDE).open("ab") as aside:
            aside.writelines(moved)
            aside.flush()
            os.fdatasync(aside.fileno())
            with replacing(self._results) as new:
                file = _open_locked(new)
                self._end = 0
                for result in self.results():
                    if not is_open(result):
                        self._end += _write(file, result_line(result))
                os.fdatasync(file)
            os.close(self._file)
            self._file = file
        self._save(replace(self.manifest, finished=None))
        return len(moved)

    def finish(self) -> None:
        """Note that all results are there. Raises StoreError."""
        self._save(replace(self.manifest, finished=now()))

    def _save(self, manifest: Manifest) -> None:
        self.write("run.json", manifest.as_json())
        self.manifest = manifest

    def write(self, name: str, text: str) -> Path:
        """Put a file into the folder, whole or not at all. Raises StoreError."""
        with _reporting(self.path / name):
            return self._put(name, text)

    def _put(self, name: str, text: str) -> Path:
        path = self.path / name
        with replacing(path) as new:
            new.write_text(text, encoding="utf-8")
        return path

    def close(self) -> None:
        """Bring everything to the disk. Raises StoreError."""
        with _reporting(self._results):
            try:
                os.fdatasync(self._file)
            finally:
                os.close(self._file)

    def _drop_cut_line(self) -> None:
        with _reporting(self._results):
            while self._end:
                start = max(0, self._end - _BLOCK)
                newline = os.pread(self._file, self._end - start, start).rfind(b"\n")
                self._end = start + newline + 1
                if newline >= 0:
                    break
            os.ftruncate(self._file, self._end)


def _told_apart(info: TargetInfo) -> str:
    """Say what tells a kernel from others of its release."""
    build = f"build {info.build_id}" if info.build_id else info.version
    return f"{build}, {info.page_size // 1024} KiB pages, {'with' if info.privileged else 'without'} privilege"


def _write(file: int, line: bytes) -> int:
    """Write a whole line, and return its length. Raises OSError."""
    written = os.write(file, line)
    while written < len(line):  # the disk is full, and the next call says so
        written += os.write(file, line[written:])
    return written


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _open_locked(path: Path) -> int:
    """Open a file of results for appending, and lock it against another lockproof. Raises OSError, StoreError."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK
    file = os.open(path, flags, 0o666)
    try:
        check_regular(file, path)
        is_ours = _lock(file) and os.fstat(file).st_ino == path.stat().st_ino  # who had it may have put another there
    except BaseException:
        os.close(file)
        raise
    if not is_ours:
        os.close(file)
        msg = f"{path.parent}: another lockproof is writing this run; wait for it, or start a run of its own"
        raise StoreError(msg)
    return file


def read_run(results: Path, run: str) -> tuple[Manifest, Tally]:
    """Read a run, its name below `results` or its folder; one that is still being written as far as it has come.

    Raises UsageError where there is no such run, StoreError where it cannot be read.
    """
    found = [path for path in (results / run, Path(run)) if (path / "run.json").is_file()]
    if not found:
        raise _no_such_run(results, run)
    manifest, tally, done = read_run_manifest(found[0] / "run.json"), Tally(), set[Key]()
    for result in _read_results(found[0] / "results.jsonl"):
        if result.key not in done:
            done.add(result.key)
            tally.add(result)
    return manifest, tally


def _no_such_run(results: Path, run: str) -> UsageError:
    known = [other.parent.name for other in results.glob("*/run.json")]
    return UsageError(f"run {run!r}: no such run in {results}; {suggest(run, known) if known else 'there is none yet'}")


def _read_results(path: Path) -> Iterator[Result]:
    """Yield the results in a file but a line at its end that was cut short. Raises StoreError where a line is none."""
    with _reporting(path), open_input(path) as lines:
        for number in itertools.count(1):
            line = lines.readline(_LONGEST_LINE)
            if not line.endswith(b"\n") and len(line) < _LONGEST_LINE:
                return
            try:
                result = read_result(line)
            except ValueError as error:
                msg = f"{path}:{number}: no result: {error}; remove the line to run it again"
                raise StoreError(msg) from error
            yield result


def read_run_manifest(path: Path) -> Manifest:
    """Read a run.json. Raises StoreError where it is none."""
    try:
        return read_manifest(read_input(path))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        msg = f"{path}: cannot be read as a run: {why}; start a new run"
        raise StoreError(msg) from error


_RECORDED = "what was recorded before is kept, make room and run again with --resume"
_NOTHING_YET = "nothing has run; make room, or choose another folder with --results"


@contextmanager
def _reporting(path: Path, *, full: str = _RECORDED) -> Iterator[None]:
    """Turn trouble with a file into a StoreError; `full`: what to do where the disk is full."""
    try:
        yield
    except OSError as error:
        is_full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        instead = full if is_full else "check the folder, or choose another one with --results"
        msg = f"{path}: {error.strerror}; {instead}"
        raise StoreError(msg) from error
