# SPDX-License-Identifier: Apache-2.0
"""A program under libfault.so: what it calls, and what becomes of it."""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from lockproof.conformance.errors import TargetError
from lockproof.runners import shims

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

__all__ = [
    "LOCK_CALLS",
    "Called",
    "Ending",
    "FaultRun",
    "Observed",
    "Reaction",
    "become_subreaper",
    "fault_runs",
    "last_line",
    "observe",
    "rule_for",
    "rules_for_every_call",
]

_STATE_SIZE = 4096  # bytes; one page, more than libfault.so counts in
# Counts of calls, of each kind and of all, come before these two (struct call_counts of fault.c).
_UNLOGGED, _UNSEEN = len(shims.CALLS) + 1, len(shims.CALLS) + 2
_PAUSE = 0.01  # seconds between two looks at whether a program has ended
_TIME_TO_END = 2.0  # seconds from SIGTERM to SIGKILL
_LARGEST_OUTPUT = 1 << 20  # bytes that are read of what a program said
_PR_SET_CHILD_SUBREAPER = 36
_OF_A_SHELL = 128  # and the number of the signal is the exit status of a shell whose command died of it
_CRASHES = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGTRAP, signal.SIGSYS}

LOCK_CALLS = tuple(call for call in shims.CALLS if call != "msync")
"""What is made to misbehave; msync is a question about locks, and no lock."""

# What a kernel gives for these calls where memory or a limit is short (mlock(2), mmap(2)).
_USUAL_ERRNO = {"mmap": "EAGAIN"}


class Called(NamedTuple):
    """A memory-lock call that a program made."""

    call: str
    nth: int
    """Number among the calls of this name, in all processes of the program; from 1."""
    address: str
    length: int
    flags: int
    caller: str
    """Path of the library, or name of the program, that called."""
    manner: str | None
    """How it was made to misbehave."""
    result: str
    """0, or an errno."""


class Ending(NamedTuple):
    """How the program ended."""

    code: int | None
    """Exit status; negative: the number of the signal that it died of; None: it was still running."""
    seconds: float
    outlived: bool
    """Whether something that it started was still running when it had ended; that is ended then."""


@dataclass(frozen=True, slots=True)
class Observed:
    """One run of the program."""

    ending: Ending
    calls: tuple[Called, ...]
    unlogged: int
    """Calls whose lines in the log were lost, as the program had closed it and could not open it again."""
    unseen: int
    """Processes that ended with locked memory, and made no call that libfault.so saw."""
    stdout: str
    stderr: str


class Reaction(StrEnum):
    """What a program did when a call failed."""

    WENT_ON = "went on"
    EXITED = "exited"
    CRASHED = "crashed"
    HUNG = "hung"
    NOT_REACHED = "not reached"


@dataclass(frozen=True, slots=True)
class FaultRun:
    """One run in which a call was made to misbehave."""

    called: Called | None
    """As it was made when nothing failed; None: every call that the rules name is made to misbehave."""
    rule: str
    reaction: Reaction
    detail: str
    """Exit status or signal, and what the program said about it; empty where there is nothing to say."""
    ending: Ending


def become_subreaper() -> None:
    """Let processes whose parents end fall to this one, so that none of a program outlives its run."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def observe(argv: Sequence[str], path: str, rules: str, limit: float) -> Observed:
    """Run the program once; `limit`: seconds. Raises TargetError where it cannot be started."""
    with (
        _shared_folder() as folder,
        _shared(folder / "log") as log,
        _shared(folder / "state") as state,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as errors,
    ):
        os.ftruncate(state.fileno(), _STATE_SIZE)
        ending = _run(argv, path, _environment(rules, folder), (out, errors), limit)
        calls, unreadable = _calls(_text(log, os.fstat(log.fileno()).st_size))
        said = _text(out, _LARGEST_OUTPUT), _text(errors, _LARGEST_OUTPUT)
        unlogged, unseen = (_counted(state, behind) for behind in (_UNLOGGED, _UNSEEN))
        return Observed(ending, calls, unlogged + unreadable, unseen, *said)


@contextmanager
def _shared_folder() -> Iterator[Path]:
    """Return a folder whose files those can open who know their names, also after a change of user."""
    with tempfile.TemporaryDirectory(prefix="lockproof-inject-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


def _shared(path: Path) -> BinaryIO:
    stream = path.open("w+b")
    path.chmod(0o666)
    return stream


def fault_runs(
    argv: Sequence[str], path: str, plan: Sequence[tuple[Called | None, str]], undisturbed: Observed, limit: float
) -> Iterator[FaultRun]:
    """Run the program once for each call and text of rules of the plan.

    `undisturbed`: how it runs when nothing fails; `limit`: seconds.
    """
    for called, rule in plan:
        yield _judge(called, rule, observe(argv, path, rule, limit), undisturbed)


def rule_for(called: Called, manner: str, errno: str | None) -> str:
    """Return the rule that makes one call misbehave."""
    return str(shims.Rule(called.call, called.nth, called.nth, manner, _errno(called.call, manner, errno)))


def rules_for_every_call(rules: Sequence[shims.Rule]) -> str:
    """Return rules that make all calls misbehave that the given ones name, each with the errno usual for it."""
    calls = [(rule, call) for rule in rules for call in (LOCK_CALLS if _is_every(rule) else (rule.call,))]
    return ",".join(
        str(shims.Rule(call, rule.first, rule.last, rule.manner, _errno(call, rule.manner, rule.errno)))
        for rule, call in calls
    )


def _is_every(rule: shims.Rule) -> bool:
    return rule.call == "any" and rule.first == 1 and rule.last is None


def _errno(call: str, manner: str, errno: str | None) -> str | None:
    return None if manner == "lie" else errno or _USUAL_ERRNO.get(call, "ENOMEM")


def _environment(rules: str, folder: Path) -> dict[str, str]:
    preload = os.environ.get("LD_PRELOAD", "")
    return os.environ | {
        "LD_PRELOAD": f"{shims.path('fault')}{':' + preload if preload else ''}",
        shims.FAULT_VARIABLE: rules,
        "LOCKPROOF_FAULT_LOG": f"{folder / 'log'}",
        "LOCKPROOF_FAULT_STATE": f"{folder / 'state'}",
    }


def _run(
    argv: Sequence[str],
    path: str,
    environment: dict[str, str],
    files: tuple[BinaryIO, BinaryIO],
    limit: float,
) -> Ending:
    out, errors = files
    began = time.monotonic()
    try:
        process = subprocess.Popen(
            argv,
            executable=path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=errors,
            start_new_session=True,
        )
    except OSError as error:
        msg = f"{argv[0]} cannot be started: {error.strerror}"
        raise TargetError(msg) from error
    try:
        code, outlived = _wait(process, began + limit)
        seconds = time.monotonic() - began
    finally:
        _end(process)
    return Ending(code, seconds, outlived)


def _wait(process: subprocess.Popen[bytes], deadline: float) -> tuple[int | None, bool]:
    """Wait for the program and for what it left running; return its code, and whether some of that still runs.

    A signal that one of those died of is the program's. Where it died of one itself, there is nothing to wait for.
    """
    crash = 0
    while time.monotonic() < deadline:
        if process.poll() is not None:
            status = _reap()
            crash = crash or min(0, process.returncode, status or 0)
            if crash or status is None:
                return crash or process.returncode, status is not None
        time.sleep(_PAUSE)
    return process.poll(), process.poll() is not None


def _reap() -> int | None:
    """Take an orphan that has ended, and return its code; 0: none has; None: there are none any more."""
    try:
        pid, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return os.waitstatus_to_exitcode(status) if pid else 0


def _end(process: subprocess.Popen[bytes]) -> None:
    """End all processes of the program, first as they may expect it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        told: set[int] = set()
        deadline = time.monotonic() + _TIME_TO_END
        while time.monotonic() < deadline:
            left = _children()
            if process.poll() is not None and not left:
                return
            for pid in left - told:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
                told.add(pid)
            time.sleep(_PAUSE)
            while process.poll() is not None and _reap():
                pass


def _children() -> set[int]:
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            own, _, rest = stat.read_text(errors="replace").partition(" ")
            if int(rest.rpartition(") ")[2].split()[1]) == os.getpid():
                found.add(int(own))
    return found


def _counted(state: BinaryIO, behind: int) -> int:
    """Read one of the numbers that libfault.so counts in; `behind`: how many come before it."""
    size = ctypes.sizeof(ctypes.c_ulong)
    return int.from_bytes(os.pread(state.fileno(), size, behind * size), sys.byteorder)


def _text(file: BinaryIO, most: int) -> str:
    return os.pread(file.fileno(), most, 0).decode(errors="replace")


def _calls(log: str) -> tuple[tuple[Called, ...], int]:
    """Read the log; also the number of lines that cannot be read, as the program wrote to it or was ended."""
    calls, unreadable = [], 0
    for line in log.splitlines():
        try:
            record: dict[str, Any] = json.loads(line)
            called = Called(**{name: record[name] for name in Called._fields} | {"caller": record["caller"] or "?"})
        except (ValueError, LookupError, TypeError):
            unreadable += 1
            continue
        if called.call in LOCK_CALLS:
            calls.append(called)
    return tuple(calls), unreadable


def _judge(called: Called | None, rule: str, seen: Observed, undisturbed: Observed) -> FaultRun:
    code, usual = seen.ending.code, undisturbed.ending.code
    said = _new_line(seen, undisturbed)
    if not any(call.manner for call in seen.calls) and not seen.unlogged:
        return FaultRun(called, rule, Reaction.NOT_REACHED, "it made fewer calls this time", seen.ending)
    if code == usual and seen.ending.outlived and not undisturbed.ending.outlived:
        reaction, how = Reaction.HUNG, f"what it started still runs after {seen.ending.seconds:.0f} s"
    elif code == usual:
        reaction, how = Reaction.WENT_ON, ""
    elif code is None:
        reaction, how = Reaction.HUNG, f"still running after {seen.ending.seconds:.0f} s"
    elif code < 0:
        reaction, how = Reaction.CRASHED, _signal(-code)
    elif code - _OF_A_SHELL in _CRASHES:
        reaction, how = Reaction.CRASHED, f"{_signal(code - _OF_A_SHELL)} of a process that it started"
    else:
        reaction, how = Reaction.EXITED, f"with {code}"
    return FaultRun(called, rule, reaction, ": ".join(part for part in (how, said) if part), seen.ending)


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def last_line(seen: Observed) -> str:
    """Return the last line that the program said, on standard error before standard output; empty: there is none."""
    lines = [line.strip() for text in (seen.stdout, seen.stderr) for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _new_line(seen: Observed, undisturbed: Observed) -> str:
    """Return the last line that the program does not say otherwise, whatever numbers are in it."""
    for now, before in ((seen.stderr, undisturbed.stderr), (seen.stdout, undisturbed.stdout)):
        known = {_shape(line) for line in before.splitlines()}
        new = [line.strip() for line in now.splitlines() if line.strip() and _shape(line) not in known]
        if new:
            return new[-1]
    return ""


def _shape(line: str) -> str:
    return re.sub(r"[0-9]+", "0", " ".join(line.split()))
