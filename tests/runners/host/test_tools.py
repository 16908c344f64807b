# SPDX-License-Identifier: Apache-2.0
"""What is not installed is named with the one command that installs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.errors import UsageError
from lockproof.runners.architectures import ARCHITECTURES
from lockproof.runners.host import tools

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make PATH a folder that has only `make` and `bc`."""
    for name in ("make", "bc"):
        (tmp_path / name).touch(0o755)
    (tmp_path / "flex").touch(0o644)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_programs_that_are_installed_are_given_by_their_path(path: Path) -> None:
    assert tools.need("make") == str(path / "make")
    assert tools.need_all(["make", "bc"]) == {"make": str(path / "make"), "bc": str(path / "bc")}
    assert tools.need_all([]) == {}


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize(
    ("programs", "why", "message"),
    [
        (["bison"], "", "bison is not installed; apt install bison"),
        (["flex"], "", "flex is not installed; apt install flex"),  # there, and not executable
        (
            ["make", "bison", "bc", "ld"],
            "building",
            "building: bison, ld are not installed; apt install binutils bison",
        ),
        (["apt-get", "dpkg-deb"], "fetching", "fetching: apt-get, dpkg-deb are not installed; apt install apt dpkg"),
        (["xz"], "", "xz is not installed; apt install xz-utils"),
        (
            ["qemu-system-x86_64", "setpriv"],
            "target",
            "target: qemu-system-x86_64, setpriv are not installed; apt install qemu-system-x86 util-linux",
        ),
        (
            ["qemu-system-riscv64"],
            "",
            "qemu-system-riscv64 is not installed; apt install qemu-system-riscv (before Debian 13: qemu-system-misc)",
        ),
    ],
)
def test_all_that_is_missing_is_named_with_the_command_that_installs_it(
    programs: list[str], why: str, message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        tools.need_all(programs, why)
    assert str(caught.value) == message


@pytest.mark.usefixtures("path")
def test_one_program_that_is_missing_is_said_as_many_are() -> None:
    with pytest.raises(UsageError, match=r"^building: perl is not installed; apt install perl$"):
        tools.need("perl", "building")


def test_a_package_is_named_once() -> None:
    assert tools.packages("qemu-system-riscv64", "qemu-system-s390x", "qemu-system-riscv64") == (
        "apt install qemu-system-riscv qemu-system-s390x (before Debian 13: qemu-system-misc)"
    )


def test_every_machine_is_made_by_a_program_of_the_package_that_is_named() -> None:
    assert {
        machine.program: tools.packages(machine.program)
        for machine in (each.machine for each in ARCHITECTURES.values())
    } == {
        "qemu-system-x86_64": "apt install qemu-system-x86",
        "qemu-system-aarch64": "apt install qemu-system-arm",
        "qemu-system-ppc64": "apt install qemu-system-ppc",
        "qemu-system-riscv64": "apt install qemu-system-riscv (before Debian 13: qemu-system-misc)",
        "qemu-system-s390x": "apt install qemu-system-s390x (before Debian 13: qemu-system-misc)",
    }


def test_a_file_that_is_not_executable_says_so(tmp_path: Path) -> None:
    (tmp_path / "probe").touch()
    with pytest.raises(UsageError, match=r"target: .*/probe is not executable; check the path and its x bit"):
        tools.executable(str(tmp_path / "probe"), "target")
    with pytest.raises(UsageError, match="target: nowhere is not found; install it"):
        tools.executable("nowhere", "target", "install it")
