# SPDX-License-Identifier: Apache-2.0
"""The end of a run on terminals of any width: counts in columns, or below each other where these do not fit."""

from __future__ import annotations

import os
import pty
import re
import shlex
import struct
import subprocess
import termios
from dataclasses import replace
from fcntl import ioctl
from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.language.requirements import Modality, Profile, Requirement
from lockproof.conformance.reports import terminal
from tests.command import LOCKPROOF, SMALL, plain_environment
from tests.helpers import target_info
from tests.reports.made_up import manifest, result, run

if TYPE_CHECKING:
    from pathlib import Path

    from lockproof.conformance.reports.run import Run

GUESTS = ("qemu:debian/6.12", "qemu:debian/6.1+fault-injection")
LONG = "command:ssh host ./lockproof-probe"


def made(*targets: str) -> Run:
    """Make up a run in which each target passes one case and fails another, and the last was not started."""
    of = manifest(*targets)
    info = {target: target_info() for target in targets[:-1]}
    found = [
        result(status, f"mlock/{status}".lower(), target=target)
        for target in targets[:-1]
        for status in (Status.PASS, Status.FAIL)
    ]
    found.append(result(Status.UNRESOLVED, "mlock/pass", target=targets[-1]))
    return run(*found, of=replace(of, info=info))


def lines(of: Run, width: int) -> list[str]:
    return "\n".join(str(part) for part in terminal.closing(of, width)).split("\n\n")[0].splitlines()


def test_where_there_is_room_counts_are_columns() -> None:
    assert lines(made(*GUESTS), 120) == [
        "target                           kernel                        PASS  FAIL  UNRESOLVED  UNSUPPORTED  UNTESTED",
        "qemu:debian/6.12                 Linux 6.12.107 x86_64, 4 KiB     1     1           0            0         0",
        "qemu:debian/6.1+fault-injection  not started                      0     0           1            0         0",
    ]


def test_where_columns_do_not_fit_each_target_has_lines_of_its_own() -> None:
    assert [str(part) for part in terminal.closing(made(*GUESTS), 80)][:4] == [
        "qemu:debian/6.12\n  Linux 6.12.107 x86_64, 4 KiB",
        "  PASS 1  FAIL 1  UNRESOLVED 0  UNSUPPORTED 0  UNTESTED 0",
        "\nqemu:debian/6.1+fault-injection\n  not started",
        "  PASS 0  FAIL 0  UNRESOLVED 1  UNSUPPORTED 0  UNTESTED 0",
    ]


def test_where_it_is_narrow_each_count_has_a_line() -> None:
    assert [str(part) for part in terminal.closing(made(*GUESTS), 40)][:6] == [
        "qemu:debian/6.12\n  Linux 6.12.107 x86_64, 4 KiB",
        "  PASS        1",
        "  FAIL        1",
        "  UNRESOLVED  0",
        "  UNSUPPORTED 0",
        "  UNTESTED    0",
    ]


@pytest.mark.parametrize("width", range(1, 130, 7))
def test_no_count_name_or_kernel_is_lost_at_any_width(width: int) -> None:
    text = "\n".join(str(part) for part in terminal.closing(made(*GUESTS, LONG), width))
    for name in (*GUESTS, LONG, "Linux 6.12.107 x86_64, 4 KiB", "not started"):
        assert name in text
    for status in Status:
        assert len(re.findall(rf"\b{status}\b", text)) >= 1
    assert "…" not in text


SHALL = Requirement(
    id="mlock.no-change", modality=Modality.SHALL, profile=Profile.POSIX, statement="A.", source="POSIX", observes=()
)


def test_cases_that_fail_on_the_yardstick_may_permit_too_little() -> None:
    for target, more in (("model:posix", " (cases are measured by it; these may permit too little)"), ("local", "")):
        found = run(result(Status.FAIL, target=target), of=manifest(target))
        told = replace(found, corpus=replace(found.corpus, requirements={SHALL.id: SHALL}))
        assert f"\n{target} breaks{more}:" in [str(part) for part in terminal.closing(told, 120)]


def on_a_terminal(command: str, columns: int, cwd: Path, **environment: str) -> str:
    """Run a command on a terminal of so many columns, and return all that it shows."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen(
        ["sh", "-c", command], cwd=cwd, env=plain_environment() | {"TERM": "xterm"} | environment,
        stdin=theirs, stdout=theirs, stderr=theirs,
    ) as process:  # fmt: skip
        os.close(theirs)
        shown = b""
        while True:
            try:
                block = os.read(ours, 1 << 16)
            except OSError:  # the last one who had the terminal open has gone
                break
            shown += block
        process.wait()
    os.close(ours)
    return shown.decode()


@pytest.mark.parametrize("colours", [True, False], ids=["colours", "plain"])
@pytest.mark.parametrize("columns", [40, 80, 120])
def test_a_real_terminal_shows_all_counts_in_lines_that_fit(tmp_path: Path, columns: int, *, colours: bool) -> None:
    (tmp_path / "mlock.yaml").write_text(SMALL)
    targets = ("local", "model:posix", "local+posixmlock", "model:linux-2.6.16")
    command = shlex.join([LOCKPROOF, "run", "--cases", "mlock.yaml", *(f"-t{target}" for target in targets)])
    environment = {} if colours else {"NO_COLOR": "1"}
    shown = on_a_terminal(command, columns, tmp_path, **environment)
    assert ("\x1b[1;31mFAIL" in shown) is colours
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).replace("\r", "")
    counted = plain.rpartition(" 8/8 ")[2].partition("\n")[2].partition("\nlocal breaks")[0].splitlines()
    assert all(len(line) <= columns for line in counted)
    as_table = [line for line in counted if line.startswith("target ")]
    assert bool(as_table) is (columns == 120)
    for target in targets:
        assert any(line.startswith(target) for line in counted)
    assert sum(line.count("UNSUPPORTED") for line in counted) == (1 if as_table else len(targets))
