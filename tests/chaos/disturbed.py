# SPDX-License-Identifier: Apache-2.0
"""Runs that are disturbed at random moments, and resumed until they are done.

By hand: python -m tests.chaos --rounds 200 --seed 1 --target local (as root, for the full disk), or with --scheduler on
a cluster of this machine, of which workers are disturbed, too.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
import uuid
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cluster.machines import Machines, machines
from tests.command import LOCKPROOF, SMALL, processes_with
from tests.disks import small_disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MARK = "LOCKPROOF_CHAOS"
"""A variable in the environment of all processes of a round."""
_LONGEST = 2.0  # seconds until something happens
_LONGEST_ON_CLUSTER = 8.0  # seconds: a client first asks who is there
_STOPPED = 0.3  # seconds, at most
_DISTURBANCES = 6
"""Of a round, before it may come to its end."""
_RESUMES = 8
"""Without disturbance, until which a run must be done: one is enough, unless something is wrong."""
_LIMIT = 300.0  # seconds that one lockproof may take
_WORKERS = 2

Key = tuple[str, str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is run in each round."""

    target: str
    repeat: int
    has_disk: bool
    """Whether a file system may be mounted, to be full now and then."""
    has_cluster: bool = False
    """Whether it runs on the workers of a cluster, which each round has for itself."""

    @property
    def longest(self) -> float:
        """Seconds until something happens, at most."""
        return _LONGEST_ON_CLUSTER if self.has_cluster else _LONGEST


@dataclass(slots=True)
class Round:
    """What happened in one round."""

    seed: int
    happened: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    """What must not be."""


@dataclass(slots=True)
class _Place:
    """Where the runs of one round are."""

    folder: Path
    asked: Asked
    mark: str
    machines: Machines | None
    """None: this machine alone."""
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def command(self) -> list[str]:
        """Return the command that begins, or goes on where there is anything to go on with; all workers are there."""
        runs = list(self.folder.glob("results/*/run.json"))
        command = [LOCKPROOF, "run", "--resume", runs[0].parent.name] if runs else _command(self.asked)
        if self.machines is None:
            return command
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        while len(self.workers) < _WORKERS:
            self.workers.append(self.machines.worker(**{_MARK: self.mark}))
        return [*command, "--scheduler", self.machines.address]


@contextmanager
def _place(folder: Path, asked: Asked, mark: str) -> Iterator[_Place]:
    """Yield a place; its cluster, if it has one, is gone afterwards."""
    if not asked.has_cluster:
        yield _Place(folder, asked, mark, None)
        return
    with machines(folder / "machines") as made:
        yield _Place(folder, asked, mark, made)


def undisturbed(folder: Path, asked: Asked) -> dict[Key, str]:
    """Return the verdicts of a run that nobody disturbs."""
    _prepare(folder)
    subprocess.run(_command(asked), cwd=folder, capture_output=True, check=False, timeout=_LIMIT)
    return _verdicts(_run(folder))


def disturb(folder: Path, asked: Asked, seed: int, expected: dict[Key, str]) -> Round:
    """Run what is asked for under random disturbances, and say what is wrong at the end."""
    made = Round(seed)
    chance = random.Random(seed)  # noqa: S311  no secret
    mark = uuid.uuid4().hex
    _prepare(folder)
    with _disk(folder, asked) as disk, _place(folder, asked, mark) as place:
        for _ in range(chance.randint(1, _DISTURBANCES)):
            # Of a run that is over the results are tried again only where they are missing: it takes a new one.
            _lockproof(place, made, lambda pid: _disturbance(pid, chance, place, disk, made))
        for _ in range(_RESUMES):
            _lockproof(place, made, None)
            if _is_done(folder):
                break
        else:
            made.wrong.append("it is not done after so many resumes")
            return made
        found = _verdicts(_run(folder))
        lines = _results(_run(folder))
    if len(lines) != len(found):
        made.wrong.append(f"{len(lines) - len(found)} results are doubled")
    if found != expected:
        keys = [key for key in {*found, *expected} if found.get(key) != expected.get(key)]
        shown = [f"{key}: {found.get(key)} instead of {expected.get(key)}" for key in sorted(keys)[:3]]
        made.wrong.append(f"{len(keys)} results differ: {'; '.join(shown)}")
    left = _processes(mark)
    deadline = time.monotonic() + 10
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = _processes(mark)
    if left:
        made.wrong.append(f"processes are left: {[_name(pid) for pid in left]}")
    return made


def _prepare(folder: Path) -> None:
    (folder / "small").mkdir(parents=True)
    (folder / "small" / "mlock.yaml").write_text(SMALL)
    (folder / "results").mkdir()


@contextmanager
def _disk(folder: Path, asked: Asked) -> Iterator[Path | None]:
    """Put the results on a small disk of their own, where that may be; yield what can fill it."""
    if not asked.has_disk:
        yield None
        return
    with small_disk(folder / "results", "8m") as disk:
        yield disk / "filled"


def _command(asked: Asked) -> list[str]:
    return [LOCKPROOF, "run", "-t", asked.target, "--cases", "small", "--repeat", str(asked.repeat)]


def _lockproof(place: _Place, made: Round, disturbance: Callable[[int], None] | None) -> None:
    """Run a lockproof to its end, whatever ends it, and look at how it ends."""
    process = subprocess.Popen(
        place.command(),
        cwd=place.folder,
        env=os.environ | {_MARK: place.mark},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  no thread is in the way
    )
    if disturbance is not None:
        disturbance(process.pid)
    try:
        _, said = process.communicate(timeout=_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        _, said = process.communicate()
        made.wrong.append(f"it hung, and said {said!r}")
    made.happened[f"exit {process.returncode}"] += 1
    # A script that pip writes starts lockproof: nobody is asked before its first import.
    if ("Traceback" in said and "lockproof/" in said.replace(LOCKPROOF, "")) or "unexpected" in said:
        made.wrong.append(f"it said {said!r}")
    allowed = {0, 1, 3, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGHUP, -signal.SIGINT}
    allowed |= {128 + number for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    if process.returncode not in allowed:
        made.wrong.append(f"exit status {process.returncode}, with {said!r}")


def _disturbance(pid: int, chance: random.Random, place: _Place, disk: Path | None, made: Round) -> None:
    """Wait for a random moment, and do something to lockproof, to one of the processes of its target, or to the disk."""
    time.sleep(chance.uniform(0, place.asked.longest))
    others = [other for other in _processes(place.mark) if other != pid and "lockproof" not in _name(other)[:1]]
    who, victim = ("lockproof", pid) if chance.random() < 0.5 or not others else ("target", chance.choice(others))
    who = "worker" if "dask" in _name(victim) else who
    kinds = ["KILL", "STOP"] + (["TERM", "HUP", "INT"] if who == "lockproof" else [])
    kind = chance.choice([*kinds, *(["FULL"] if disk is not None else [])])
    made.happened[f"{kind} {'disk' if kind == 'FULL' else who}"] += 1
    with suppress(ProcessLookupError):
        if kind == "FULL" and disk is not None:
            _fill(disk)
            time.sleep(chance.uniform(0, _STOPPED * 3))
            disk.unlink()
        elif kind == "STOP":
            os.kill(victim, signal.SIGSTOP)
            time.sleep(chance.uniform(0, _STOPPED))
            os.kill(victim, signal.SIGCONT)
        else:
            os.kill(victim, signal.Signals[f"SIG{kind}"])


def _fill(disk: Path) -> None:
    with suppress(OSError), disk.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(65536))


def _run(folder: Path) -> Path:
    (found,) = (path.parent for path in folder.glob("results/*/run.json"))
    return found


def _results(run: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (run / "results.jsonl").read_text().splitlines()]


def _verdicts(run: Path) -> dict[Key, str]:
    """Return the verdicts of a run; those that are UNRESOLVED are there only until they are tried again."""
    found = {}
    for result in _results(run):
        verdict = result["verdict"]
        if isinstance(verdict, dict):
            key = (str(result["target"]), str(result["case"]), int(str(result["repetition"])))
            found[key] = str(verdict["status"])
    return found


def _is_done(folder: Path) -> bool:
    runs = list(folder.glob("results/*/run.json"))
    if not runs or json.loads(runs[0].read_text())["finished"] is None:
        return False
    return "UNRESOLVED" not in _verdicts(_run(folder)).values()


def _processes(mark: str) -> list[int]:
    """Return the processes of a round."""
    return processes_with(f"{_MARK}={mark}", "environ")


def _name(pid: int) -> list[str]:
    with suppress(OSError):
        return [word.decode() for word in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") if word]
    return ["gone"]
