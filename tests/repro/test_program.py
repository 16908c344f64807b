# SPDX-License-Identifier: Apache-2.0
"""Reproducers: C programs that show a deviation without lockproof, and agree with it."""

from __future__ import annotations

import subprocess
from functools import cache
from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.errors import UsageError
from lockproof.conformance.language.loading import load
from lockproof.conformance.repro.program import MOST_LINES, repro
from lockproof.conformance.running import baselines
from tests.command import lockproof, results
from tests.helpers import case_of
from tests.places import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

BEYOND = (
    "sweeps/memory/",  # needs a memory cgroup
    "memory/droppable/", "memory/secretmem/", "memory/objects/",  # rare kinds of memory, objects that change
    "quality/accounting/moved-and-stayed", "linux/history/moved-",  # what the kernel counts
    "grid/",  # a sweep with calls before and after it
    "sweeps/mlock/every-other-locked",  # its strips take a line too many
    "lifetime/reclaim/", "linux/reclaim/",  # a cgroup whose memory is taken
    "lifetime/threads/at-once", "quality/mlocked/",  # threads at the same time, what the whole system counts
    "linux/large/",  # more pages than anybody reads in a line
)  # fmt: skip


@cache
def cases() -> dict[str, object]:
    return {case.name: case for case in load().cases}


def deviations() -> list[str]:
    corpus = load()
    (known,) = baselines.load([CHECKOUT / "results" / "baselines" / "linux.yaml"], corpus)
    names = [case.name for case in corpus.cases if any(issue.names(case.name) for issue in known.issues)]
    return [name for name in names if not name.startswith(BEYOND)]


def build(text: str, folder: Path) -> Path:
    source, program = folder / "repro.c", folder / "repro"
    source.write_text(text)
    done = subprocess.run(
        ["cc", "-Wall", "-Wno-unused-result", "-o", str(program), str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return program


def test_every_known_deviation_of_linux_has_a_program_of_at_most_forty_lines() -> None:
    texts = [repro(cases()[name]) for name in deviations()]  # type: ignore[arg-type]
    assert max(len(text.splitlines()) for text in texts) <= MOST_LINES == 40
    assert max(len(line) for text in texts for line in text.splitlines()) <= 120


def test_a_program_shows_what_lockproof_finds(tmp_path: Path) -> None:
    lockproof("run", "-t", "local", "mlock", "munlock", "quality/layout", "linux/stack", cwd=tmp_path)
    verdicts = {line["case"]: line["verdict"]["status"] for line in results(tmp_path)}
    for name in ("mlock/no-change/hole-after-prefix", "munlock/no-change/hole-after-unlocked-pages",
                 "mlock/no-change/unlockable-page[with=protection-none]", "mlock/errors/endless-range[length=-1]",
                 "mlock/max-map-count/parts-of-two-mappings", "quality/layout/no-more-mappings",
                 "linux/stack/grows-under-future", "mlock/success/locks-across-mappings"):  # fmt: skip
        program = build(repro(cases()[name]), tmp_path)  # type: ignore[arg-type]
        done = subprocess.run([program], capture_output=True, text=True, check=False, timeout=60)
        assert (name, done.returncode) == (name, int(verdicts[name] == "FAIL"))
        assert ("that is not permitted" in done.stdout) == (verdicts[name] == "FAIL")


def test_the_program_of_a_sweep_arms_fail_nth_itself(tmp_path: Path) -> None:
    text = repro(cases()["sweeps/mlock/nothing-locked[mappings=two,ends=aligned,memory=file]"])  # type: ignore[arg-type]
    assert "/proc/thread-self/fail-nth" in text
    assert "ignore-gfp-" in text
    build(text, tmp_path)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("map: a\nlimits: {memory: 3}\ncall: mlock\nrange: ^\nexpect: {result: 0}", "needs a cgroup that limits memory"),
        ("map: a\nsteps: [{call: exec, expect: {result: 0}}]", "needs a second image of the program"),
        ("map: abcdefghi\nlocked: L.L.L.L.L\nregions: {" + ", ".join(f"{c}: {{kind: sysv}}" for c in "abcdefghi")
         + "}\nlimits: {mappings: 1}\nsteps: [" + ", ".join(["{call: mlock, range: ^^^^^^^^^, expect: {result: 0}}"] * 20) + "]",
         "lines, more than 40"),
    ],
)  # fmt: skip
def test_what_a_program_cannot_do_is_said(fields: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        repro(case_of(fields))


def test_the_command_wants_one_case() -> None:
    done = lockproof("repro", "mlock/no-change", cwd=CHECKOUT)
    assert done.returncode == 2
    assert "name one" in done.stderr
    assert lockproof("repro", "mlock/no-change/hole-after-prefix", cwd=CHECKOUT).stdout.startswith(
        "/* mlock/no-change/"
    )
