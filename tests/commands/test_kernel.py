# SPDX-License-Identifier: Apache-2.0
"""What `lockproof kernel` shows: tables, and progress on a terminal and elsewhere."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from lockproof.conformance.commands import kernel as terminal
from lockproof.conformance.commands import watching as progress
from lockproof.conformance.errors import UsageError
from lockproof.conformance.reports.console import console
from lockproof.runners.host import cache
from lockproof.runners.kernels import catalogue, sources_list
from lockproof.runners.kernels.catalogue import CachedKernel
from lockproof.runners.kernels.packages import Package
from tests.command import plain_environment

if TYPE_CHECKING:
    from pathlib import Path

BUILT = CachedKernel(
    name="debian/6.1+fault-injection",
    arch="x86_64",
    image="a.image",
    size=2_073_600,
    version="6.1.176",
    origin="built from debian/6.1, b57ff4",
)
FETCHED = CachedKernel(
    name="debian/6.12@arm64",
    arch="arm64",
    image="b.image",
    size=11_737_024,
    version="6.12.117-1",
    origin="linux-image-6.12.117+deb13-arm64 6.12.117-1 (trixie)",
)


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCKPROOF_CACHE", str(tmp_path / "cache"))


def enter(*entries: CachedKernel) -> None:
    catalogue.folder().mkdir(parents=True)
    for number, entry in enumerate(entries):
        (catalogue.folder() / f"{number}.json").write_text(json.dumps(asdict(entry)))


def lists(*packages: Package) -> None:
    for suite, found in (("trixie", packages), ("trixie-security", ())):
        summary = cache.directory() / "apt" / f"{suite}-amd64" / "kernels.json"
        summary.parent.mkdir(parents=True)
        summary.write_text(json.dumps([asdict(package) for package in found]))


OFFERED = Package("linux-image-6.12.117+deb13-cloud-amd64", "6.12.117-1", "trixie", "cloud-amd64", 34_671_208)


OTHERS = (
    "\n\nlockproof kernel build NAME --posixmlock patches it to lock all or nothing: debian/6.1, debian/6.12, "
    "debian/7.2"
    "\n\nFor another architecture, add to a name: @i386, @arm64, @arm64-16k, @ppc64le, @riscv64, @s390x"
)


def shown() -> str:
    """Return what is listed without asking a mirror."""
    return terminal.table(terminal.ListRequest(offline=True), console(stderr=True)).text


def test_a_kernel_that_is_new_is_told_with_its_target_version_size_and_origin() -> None:
    assert terminal.entry(BUILT) == "qemu:debian/6.1+fault-injection  6.1.176, 2.1 MB; built from debian/6.1, b57ff4"


def test_where_there_is_nothing_the_first_step_is_told() -> None:
    assert shown() == f"No kernel is here yet; lockproof kernel fetch debian/6.12 fetches one.{OTHERS}"


def test_kernels_that_are_here_are_columns_by_name() -> None:
    enter(FETCHED, BUILT)
    assert shown() == (
        "qemu:debian/6.1+fault-injection  6.1.176     2.1 MB   built from debian/6.1, b57ff4\n"
        "qemu:debian/6.12@arm64           6.12.117-1  11.7 MB  linux-image-6.12.117+deb13-arm64 6.12.117-1 (trixie)"
        f"{OTHERS}"
    )


HEAD = "\n\nlockproof kernel fetch NAME fetches (size of the package):\n"


def test_kernels_that_could_be_fetched_come_below() -> None:
    lists(OFFERED)
    assert shown() == (
        f"No kernel is here yet; lockproof kernel fetch debian/6.12 fetches one.{HEAD}"
        "debian/6.12  6.12.117-1  34.7 MB  linux-image-6.12.117+deb13-cloud-amd64 (trixie)"
        f"{OTHERS}"
    )


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="needs dpkg on PATH")
def test_what_is_here_is_not_listed_as_what_could_be_fetched() -> None:
    other = Package("linux-image-6.1.0-47-amd64", "6.1.170-3", "trixie", "amd64", 70_236_800)
    lists(OFFERED, other)
    here = CachedKernel(name="debian/6.12", arch="x86_64", size=11_000_000, version="6.12.107-1", origin="older")
    enter(here)
    assert shown() == (
        f"qemu:debian/6.12  6.12.107-1  11.0 MB  older{HEAD}"
        "debian/6.1  6.1.170-3  70.2 MB  linux-image-6.1.0-47-amd64 (trixie)"
        f"{OTHERS}"
    )


@pytest.mark.skipif(not (shutil.which("apt-get") and shutil.which("dpkg-deb")), reason="needs apt-get and dpkg-deb")
def test_a_kernel_that_cannot_be_had_is_a_remark_beside_those_that_can() -> None:
    lists(OFFERED)
    origin = f"{OFFERED.name} {OFFERED.version} ({OFFERED.suite})"
    there = CachedKernel(name="debian/6.12", arch="x86_64", image="debian%2f6.12.image", version="6.12", origin=origin)
    enter()
    (catalogue.folder() / "debian%2f6.12.json").write_text(json.dumps(asdict(there)))
    cache.keep(catalogue.folder() / there.image, lambda new: new.touch())
    printed = terminal.fetch(terminal.FetchRequest(("nonsense", "debian/6.12")), console(stderr=True))
    assert printed.text == f"qemu:debian/6.12  6.12, 0.0 MB; {origin}"
    assert printed.code == 2
    assert printed.remark.startswith("kernel 'nonsense': cannot be fetched; write debian/VERSION")


WATCH = """
from lockproof.conformance.commands.watching import watching
from lockproof.conformance.reports.console import console
with watching(console(stderr=True)) as watcher:
    watcher.say("unpacking [red]debian/6.1[/red]")
    watcher.progress("1 file compiled, now mm/[bold]mlock.o")
    watcher.say("x" * 300)
"""


def test_without_a_terminal_lines_go_to_standard_error_as_they_are() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WATCH], env=plain_environment(), capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", f"unpacking [red]debian/6.1[/red]\n{'x' * 300}\n")


def test_without_a_terminal_whatever_takes_long_says_now_and_then_what_it_is_and_how_far(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(progress, "_QUIET", 0.01)
    ours, theirs = os.pipe()
    with os.fdopen(ours) as said, os.fdopen(theirs, "w") as file:
        with progress.watching(Console(file=file)) as watcher:
            watcher.say("unpacking debian/6.1")
            assert said.readline() == "unpacking debian/6.1\n"
            assert re.fullmatch(r"\d+ s: unpacking debian/6\.1\n", said.readline())
            watcher.progress("2 of 3 files")
            while re.fullmatch(r"\d+ s: unpacking debian/6\.1\n", line := said.readline()):
                pass
            assert re.fullmatch(r"\d+ s: 2 of 3 files\n", line)
        file.close()
        assert {line.partition(": ")[2] for line in said} <= {"2 of 3 files\n"}


def test_on_a_terminal_lines_stay_and_the_moving_line_goes() -> None:
    ours, theirs = pty.openpty()
    environment = plain_environment() | {"TERM": "xterm", "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, "-c", WATCH], env=environment, stdout=subprocess.PIPE, stderr=theirs, check=True
    )
    os.close(theirs)
    shown = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert done.stdout == b""
    assert "unpacking [red]debian/6.1[/red]\r\n" in shown
    assert "x" * 300 in shown
    assert "1 file compiled, now mm/[bold]mlock.o" in shown
    assert "\x1b[2K" in shown[shown.rindex("1 file compiled") :]  # erases the line


def test_kernels_are_removed_by_the_names_that_are_listed() -> None:
    enter(BUILT, FETCHED)
    for number, each in enumerate((BUILT, FETCHED)):
        name = each.name.replace("/", "%2f")
        (catalogue.folder() / f"{number}.json").rename(catalogue.folder() / f"{name}.json")
    with pytest.raises(UsageError, match=r"^kernel 'debian/6\.13': not here; did you mean debian/6\.1"):
        terminal.remove(terminal.RemoveRequest((BUILT.name, "debian/6.13")))
    assert catalogue.known() == [BUILT, FETCHED]
    printed = terminal.remove(terminal.RemoveRequest((f"qemu:{BUILT.name}", FETCHED.name)))
    assert printed.text == f"removed {BUILT.name}\nremoved {FETCHED.name}"
    assert catalogue.known() == []
    with pytest.raises(UsageError, match=r"^kernel 'debian/6\.1': not here; none is \(lockproof kernel list"):
        terminal.remove(terminal.RemoveRequest(("debian/6.1",)))


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="needs apt-get on PATH")
def test_the_mirror_is_asked_for_lists_that_are_not_of_today_and_where_it_is_away_that_is_a_remark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sources_list.mirror, "__defaults__", (tmp_path,))  # a machine without any
    printed = terminal.table(terminal.ListRequest(), console(stderr=True))
    assert (
        printed.remark
        == f"no mirror of Debian (main) in {tmp_path}/sources.list and sources.list.d; add one, or give an image by its path"
    )
    assert printed.code == 0
    assert printed.text.startswith("No kernel is here yet")
    assert capsys.readouterr().err == "asking Debian's mirror which kernels it has\n"
