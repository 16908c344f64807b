# SPDX-License-Identifier: Apache-2.0
"""A search on many machines tries the cases of a search on one, each once, and ends with the first difference."""

from __future__ import annotations

import re
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.exploring.search import SearchRequest, divided
from lockproof.conformance.language.loading import load_text
from lockproof.runners.probe.compiled import host_probe
from tests.cluster.machines import Machines, machines
from tests.command import children, is_running, lockproof, start, until
from tests.commands import misbehaving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytest.importorskip("distributed")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Machines]:
    """Start a scheduler and two workers."""
    with machines(tmp_path / "machines") as made:
        for _ in range(2):
            made.worker()
        yield made


def test_batches_have_seeds_of_their_own_and_as_many_cases_as_are_asked_for() -> None:
    parts = list(divided(SearchRequest("model:posix", 60, 7, most=4500)))
    assert [(part.seed, part.most, part.batches) for part in parts] == [(7, 2000, 1), (8, 2000, 1), (9, 500, 1)]


def test_a_search_without_difference_tries_as_many_cases_as_on_one_machine(tmp_path: Path, cluster: Machines) -> None:
    arguments = ("explore", "model:posix", "--count", "4500", "--seed", "3")
    done = lockproof(*arguments, "--scheduler", cluster.address, cwd=tmp_path)
    alone = lockproof(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    said = [re.sub(r"in .*second\)", "in", each.stderr) for each in (done, alone)]
    assert said[0] == said[1]
    assert said[0].startswith("4500 cases in, seed 3: no difference")


def test_the_first_difference_ends_the_search_and_its_seed_finds_it_again(tmp_path: Path, cluster: Machines) -> None:
    arguments = ("explore", "model:linux-6", "--seconds", "3600")
    done = lockproof(*arguments, "--scheduler", cluster.address, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    found = re.match(r"# on model:linux-6, seed (\d+): ", done.stdout)
    assert found
    again = lockproof(*arguments, "--seed", found[1], cwd=tmp_path)
    assert again.stdout == done.stdout
    assert len(load_text(done.stdout).cases) == 1


def test_a_signal_ends_a_search_and_what_its_workers_have_started(tmp_path: Path) -> None:
    with machines(tmp_path / "machines") as cluster:
        worker = cluster.worker()
        target = f"command:{sys.executable} {misbehaving.__file__} silent {host_probe()}"
        running = start("explore", target, "--seconds", "3600", "--scheduler", cluster.address, cwd=tmp_path)
        until(lambda: children(worker.pid))
        (probe,) = children(worker.pid)
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=30)
        assert running.returncode == 128 + signal.SIGINT
        assert "Traceback" not in errors
        until(lambda: not is_running(probe))


def test_where_no_worker_can_search_it_says_why(tmp_path: Path, cluster: Machines) -> None:
    done = lockproof("explore", "command:false", "--scheduler", cluster.address, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert re.fullmatch(rf"command:false: no worker of {cluster.address} can run it: tcp://\S+: .*\n", done.stderr)
