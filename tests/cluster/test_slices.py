# SPDX-License-Identifier: Apache-2.0
"""A run on many machines comes to the results of a run on one, whatever becomes of the machines."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lockproof.runners.probe.compiled import host_probe
from tests.cluster.machines import Machines, machines
from tests.command import SMALL, children, is_running, lockproof, start, until
from tests.commands import misbehaving
from tests.disks import small_disk

if TYPE_CHECKING:
    from collections.abc import Iterator

distributed = pytest.importorskip("distributed")

GUEST = "qemu:debian/6.12"
KEY = tuple[str, str, int]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Machines]:
    """Start a scheduler, and make a folder with two cases in `small/mlock.yaml`."""
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "mlock.yaml").write_text(SMALL)
    with machines(tmp_path / "machines") as made:
        yield made


def lines(folder: Path) -> list[dict[str, object]]:
    """Return the results of the only run in a folder."""
    (found,) = folder.glob("*/results.jsonl")
    return [json.loads(line) for line in found.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


def verdicts(folder: Path) -> dict[KEY, object]:
    """Return what became of each case, each of which is there once."""
    found = lines(folder)
    verdicts = {(str(r["target"]), str(r["case"]), int(str(r["repetition"]))): r["verdict"] for r in found}
    assert len(verdicts) == len(found)
    return verdicts


def has_results(folder: Path) -> bool:
    return any(path.stat().st_size for path in folder.glob("results/*/results.jsonl"))


def on_one_machine(folder: Path, *arguments: str) -> dict[KEY, object]:
    lockproof("run", *arguments, "--results", "alone", cwd=folder)
    return verdicts(folder / "alone")


def test_the_whole_corpus_has_the_verdicts_of_one_machine(tmp_path: Path, cluster: Machines) -> None:
    for _ in range(2):
        cluster.worker()
    arguments = ("-t", "model:posix", "-t", "model:linux-6")
    done = lockproof("run", *arguments, "--scheduler", cluster.address, cwd=tmp_path)
    alone = lockproof("run", *arguments, "--results", "alone", cwd=tmp_path)
    assert done.returncode == alone.returncode == 1
    assert verdicts(tmp_path / "results") == verdicts(tmp_path / "alone")
    assert {path.name for path in tmp_path.glob("results/*/*")} == {path.name for path in tmp_path.glob("alone/*/*")}


def test_of_a_cluster_of_processes_one_is_killed_and_nothing_is_lost_or_twice(tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "mlock.yaml").write_text(SMALL)
    arguments = ("-t", "local", "--cases", "small", "--repeat", "2000")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as local:
        running = start("run", *arguments, "--scheduler", local.scheduler_address, cwd=tmp_path)
        until(lambda: has_results(tmp_path))
        assert running.poll() is None, "it was over before a worker could be killed"
        next(iter(local.workers.values())).process.process._process.kill()  # noqa: SLF001
        _, errors = running.communicate(timeout=120)
    assert running.returncode == 1, errors
    assert verdicts(tmp_path / "results") == on_one_machine(tmp_path, *arguments)


def test_a_client_that_is_killed_is_resumed_and_its_workers_stop(tmp_path: Path, cluster: Machines) -> None:
    workers = [cluster.worker() for _ in range(2)]
    arguments = ("-t", "local", "--cases", "small", "--repeat", "2000")
    running = start("run", *arguments, "--scheduler", cluster.address, cwd=tmp_path)
    until(lambda: has_results(tmp_path))
    running.kill()
    running.communicate()
    until(lambda: not any(probes(worker.pid) for worker in workers))
    kept = len(lines(tmp_path / "results"))
    assert 0 < kept < 4000
    (run,) = (path.name for path in (tmp_path / "results").iterdir())
    done = lockproof("run", "--resume", run, "--scheduler", cluster.address, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert verdicts(tmp_path / "results") == on_one_machine(tmp_path, *arguments)


def probes(worker: int, program: str = "lockproof-probe") -> list[int]:
    """Return the processes that a worker has started and that have executed a program."""
    found = []
    for pid in children(worker):
        with suppress(OSError):  # it has just ended
            found += [pid] if program in Path(f"/proc/{pid}/cmdline").read_text() else []
    return found


@pytest.mark.qemu("debian/6.12")
def test_guests_boot_where_there_is_a_qemu_from_an_image_that_comes_with_them(
    tmp_path: Path, cluster: Machines
) -> None:
    """One worker has no QEMU, another no room for the image; the third runs everything."""
    cluster.worker(PATH=str(tmp_path), LOCKPROOF_CACHE=str(tmp_path / "poor"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "sent").write_text("no folder\n")
    cluster.worker(LOCKPROOF_CACHE=str(tmp_path / "full"))
    cluster.worker(LOCKPROOF_CACHE=str(tmp_path / "good"))
    arguments = ("-t", GUEST, "--cases", "small", "--repeat", "50")
    done = lockproof("run", *arguments, "--scheduler", cluster.address, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "UNRESOLVED;" not in done.stdout
    assert verdicts(tmp_path / "results") == on_one_machine(tmp_path, *arguments)
    sent = [path for path in (tmp_path / "good" / "sent").iterdir() if re.fullmatch("[0-9a-f]{64}", path.name)]
    assert len(sent) == 2
    assert not (tmp_path / "poor" / "sent").exists()


@pytest.mark.qemu("debian/6.12")
def test_where_no_worker_has_a_qemu_nothing_looks_fine(tmp_path: Path, cluster: Machines) -> None:
    cluster.worker(PATH=str(tmp_path))
    done = lockproof("run", "-t", GUEST, "--cases", "small", "--scheduler", cluster.address, cwd=tmp_path)
    assert done.returncode == 3
    assert re.search(
        f"no worker of {cluster.address} can run it: tcp://.*: target '{GUEST}': .*qemu-system-x86_64.* not installed",
        " ".join(done.stdout.split()),
    )
    assert "2 UNRESOLVED; lockproof run --resume" in done.stdout
    assert all(verdict["status"] == "UNRESOLVED" for verdict in verdicts(tmp_path / "results").values())  # type: ignore[index]


@pytest.mark.root
def test_a_client_whose_disk_is_full_keeps_whole_lines_and_is_resumed_when_there_is_room(
    tmp_path: Path, cluster: Machines
) -> None:
    for _ in range(2):
        cluster.worker()
    arguments = ("-t", "local", "--cases", "small", "--repeat", "500")
    (tmp_path / "results").mkdir()
    with small_disk(tmp_path / "results", "256k"):
        done = lockproof("run", *arguments, "--scheduler", cluster.address, cwd=tmp_path)
        full = "No space left on device; what was recorded before is kept, make room and run again with --resume"
        assert done.returncode == 3
        assert full in " ".join(done.stderr.split())
        assert "Traceback" not in done.stderr
        (run,) = (tmp_path / "results").iterdir()
        kept = (run / "results.jsonl").read_bytes()
        assert kept.endswith(b"\n")
        assert 0 < kept.count(b"\n") < 1000
        subprocess.run(["mount", "-o", "remount,size=64m", tmp_path / "results"], check=True)
        done = lockproof("run", "--resume", run.name, "--scheduler", cluster.address, cwd=tmp_path)
        assert done.returncode == 1, done.stderr
        assert (run / "results.jsonl").read_bytes().startswith(kept)
        assert verdicts(tmp_path / "results") == on_one_machine(tmp_path, *arguments)


@pytest.mark.root
@pytest.mark.qemu("debian/6.12")
def test_a_worker_whose_disk_is_full_boots_nothing_and_another_one_does(tmp_path: Path, cluster: Machines) -> None:
    (tmp_path / "full").mkdir()
    with small_disk(tmp_path / "full", "1m") as full:
        cluster.worker(LOCKPROOF_CACHE=str(full))
        done = lockproof("run", "-t", GUEST, "--cases", "small", "--scheduler", cluster.address, cwd=tmp_path)
        assert done.returncode == 3
        assert "No space left on device; make room, or set LOCKPROOF_CACHE" in " ".join(done.stdout.split())
        assert [path for path in full.rglob("*") if path.is_file() and path.stat().st_size > 100] == []
        cluster.worker(LOCKPROOF_CACHE=str(tmp_path / "good"))
        (run,) = (path.name for path in (tmp_path / "results").iterdir())
        done = lockproof("run", "--resume", run, "--scheduler", cluster.address, cwd=tmp_path)
        assert done.returncode == 1, done.stderr
    assert verdicts(tmp_path / "results") == on_one_machine(tmp_path, "-t", GUEST, "--cases", "small")


def test_a_worker_with_another_lockproof_is_not_used(tmp_path: Path, cluster: Machines) -> None:
    other = tmp_path / "other" / "lockproof-9.9.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: lockproof\nVersion: 9.9\n")
    cluster.worker(PYTHONPATH=str(other.parent))
    arguments = ("-t", "model:posix", "--cases", "small", "--scheduler", cluster.address)
    done = lockproof("run", *arguments, cwd=tmp_path)
    assert done.returncode == 3
    assert re.search(r"can run it: tcp://\S+: it has lockproof 9.9, and this is \d", " ".join(done.stdout.split()))
    cluster.worker()
    again = lockproof("run", *arguments, "--results", "again", cwd=tmp_path)
    assert again.returncode == 0
    assert {verdict["status"] for verdict in verdicts(tmp_path / "again").values()} == {"PASS"}  # type: ignore[index]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_and_what_its_workers_have_started(
    tmp_path: Path, cluster: Machines, number: signal.Signals
) -> None:
    worker = cluster.worker()
    target = f"command:{sys.executable} {misbehaving.__file__} silent {host_probe()}"
    running = start("run", "-t", target, "--cases", "small", "--scheduler", cluster.address, cwd=tmp_path)
    until(lambda: probes(worker.pid, "misbehaving"))
    (probe,) = probes(worker.pid, "misbehaving")
    running.send_signal(number)
    printed, errors = running.communicate(timeout=30)  # the target would take 40 seconds
    assert running.returncode == 128 + number
    assert errors == "Ending what is under way; once more to stop at once.\n"
    assert "Interrupted: 0 of 2 ran; lockproof run --resume" in " ".join(printed.split())
    until(lambda: not is_running(probe))


def test_a_scheduler_that_goes_is_one_line_and_what_was_recorded_stays(tmp_path: Path, cluster: Machines) -> None:
    cluster.worker()
    arguments = ("-t", "local", "--cases", "small", "--repeat", "4000")
    running = start("run", *arguments, "--scheduler", cluster.address, cwd=tmp_path)
    until(lambda: has_results(tmp_path))
    cluster.scheduler.kill()
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 3
    assert errors == (
        f"scheduler {cluster.address!r}: the connection is lost; what was recorded is kept, go on with --resume\n"
    )
    assert lines(tmp_path / "results")


@pytest.mark.parametrize("address", ["nonsense", "tcp://127.0.0.1:1", "http://127.0.0.1:1", "tcp://127.0.0.1:x", ""])
def test_a_bad_address_is_one_line_and_nothing_has_run(tmp_path: Path, address: str) -> None:
    done = lockproof("run", "-t", "model:posix", "--scheduler", address, cwd=tmp_path)
    assert done.returncode == 3
    assert done.stderr.startswith(f"scheduler {address!r}: cannot be reached (")
    assert len(done.stderr.splitlines()) == 1
    assert os.listdir(tmp_path) == []  # noqa: PTH208  that is all


def test_a_scheduler_without_workers_is_one_line(tmp_path: Path, cluster: Machines) -> None:
    done = lockproof("run", "-t", "model:posix", "--scheduler", cluster.address, cwd=tmp_path)
    assert done.returncode == 3
    assert done.stderr == (
        f"scheduler {cluster.address!r}: it has no worker; start some: dask worker {cluster.address}\n"
    )
    assert not (tmp_path / "results").exists()


def test_a_worker_that_hangs_is_given_up_and_another_does_its_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "mlock.yaml").write_text(SMALL)
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL", "5s")
    arguments = ("-t", "local", "--cases", "small", "--repeat", "2000")
    with machines(tmp_path / "machines") as cluster:
        hanging = cluster.worker()
        cluster.worker()
        running = start("run", *arguments, "--scheduler", cluster.address, cwd=tmp_path)
        until(lambda: has_results(tmp_path))
        hanging.send_signal(signal.SIGSTOP)
        _, errors = running.communicate(timeout=120)
        assert running.returncode == 1, errors
    assert verdicts(tmp_path / "results") == on_one_machine(tmp_path, *arguments)
