# SPDX-License-Identifier: Apache-2.0
"""The private roots of apt: what they take of the machine's own, and what is said where apt fails."""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.errors import TargetError
from lockproof.runners.kernels.apt import Root
from lockproof.runners.kernels.sources_list import Mirror, mirror, security_mirror

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the cache empty, and give the machine a mirror that nobody can reach."""
    monkeypatch.setenv("LOCKPROOF_CACHE", str(tmp_path / "cache"))
    (tmp_path / "apt").mkdir()
    (tmp_path / "apt" / "sources.list").write_text("deb [signed-by=/key.gpg] http://mirror.invalid/debian sid main\n")
    for find in (mirror, security_mirror):
        monkeypatch.setattr(find, "__defaults__", (tmp_path / "apt",))  # instead of /etc/apt


def says(folder: Path, monkeypatch: pytest.MonkeyPatch, *lines: str, status: int = 100) -> None:
    """Put an apt-get on PATH that says these lines."""
    program = folder / "bin" / "apt-get"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n" + "".join(f"echo {shlex.quote(line)}\n" for line in lines) + f"exit {status}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)


def test_apt_gets_a_root_of_its_own_and_the_mirror_and_keys_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(tmp_path, monkeypatch)
    with pytest.raises(TargetError):
        Root("sid", "riscv64").update()
    root = tmp_path / "cache" / "apt" / "sid-riscv64"
    wanted = Mirror("http://mirror.invalid/debian", "/key.gpg").stanza("sid", "riscv64")
    assert (root / "sources" / "debian.sources").read_text() == wanted
    settings = (root / "apt.conf").read_text()
    assert f'Dir::State "{root}/state";' in settings
    assert f'Dir::Cache "{root}/cache";' in settings
    assert 'APT::Architectures { "riscv64"; };' in settings
    assert re.search(r"\{\w", settings) is None  # nothing was left to fill in


@pytest.mark.parametrize(("lines", "reason"), [
    (["E: Some index files failed to download.", "W: Failed to fetch http://m/InRelease  Could not connect"],
     "Could not connect"),
    (["W: Ignored", "E: Failed to fetch http://m/InRelease  404  Not Found [IP: ::1 80]"], "404 Not Found"),
    (["E: Failed to fetch http://m/P.xz  File has unexpected size (7 != 9). Mirror sync in progress?"],
     "File has unexpected size. Mirror sync in progress?"),
    (["Reading package lists"], "apt-get failed without a word"),
])  # fmt: skip
def test_of_what_apt_says_the_telling_line_is_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str], reason: str
) -> None:
    says(tmp_path, monkeypatch, *lines)
    with pytest.raises(TargetError) as caught:
        Root("sid", "amd64").update()
    assert str(caught.value) == reason


def test_a_suite_that_the_mirror_does_not_have_has_an_empty_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(tmp_path, monkeypatch, "E: The repository 'http://m/debian sid Release' does not have a Release file.")
    assert Root("sid", "amd64").update() == ""


def test_a_suite_of_security_updates_is_asked_of_its_own_mirror(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(tmp_path, monkeypatch)
    root = Root("trixie-security", "amd64")
    assert root.update() == ""  # the machine names none
    assert not (root.path / "apt.conf").exists()
    with (tmp_path / "apt" / "sources.list").open("a") as file:
        file.write("deb [signed-by=/key.gpg] http://mirror.invalid/debian-security bookworm-security main\n")
    with pytest.raises(TargetError):
        root.update()
    wanted = Mirror("http://mirror.invalid/debian-security", "/key.gpg").stanza("trixie-security", "amd64")
    assert (root.path / "sources" / "debian.sources").read_text() == wanted
