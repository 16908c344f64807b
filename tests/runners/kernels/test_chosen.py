# SPDX-License-Identifier: Apache-2.0
"""`debian/all` and ranges: which kernels they mean, by the lists of packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.commands import kernel as command
from lockproof.conformance.errors import TargetError, UsageError
from lockproof.conformance.reports.console import console
from lockproof.runners.kernels.debian import chosen
from tests.runners.kernels.test_debian import FAILS, apt, bzimage, deb, folder, image, lists, said

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["folder"]


@pytest.fixture
def offered(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make lists of some versions for two architectures; the mirror has no other, and one package for all of them."""
    lists(*(image(f"{each}.7-1", "sid") for each in ("6.12", "5.10", "6.1", "7.3")))
    lists(*(image(f"{each}.7-1", "sid", "arm64") for each in ("7.2", "6.12")), architecture="arm64")
    package = deb(folder, {"boot/vmlinuz-6": bzimage()})
    return apt(folder, monkeypatch, f'[ "$1" = download ] && exec cp {package} .\n{FAILS}')


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("debian/all", ["debian/5.10", "debian/6.1", "debian/6.12", "debian/7.3"]),
        ("debian/all@arm64", ["debian/6.12@arm64", "debian/7.2@arm64"]),
        ("debian/5.10..6.12", ["debian/5.10", "debian/6.1", "debian/6.12"]),
        ("debian/5.10..6.12@x86_64", ["debian/5.10", "debian/6.1", "debian/6.12"]),
        ("debian/6.2..7.3", ["debian/6.12", "debian/7.3"]),
        ("debian/6.12", ["debian/6.12"]),
        ("debian/9.9", ["debian/9.9"]),
    ],
)
@pytest.mark.usefixtures("offered")
def test_a_text_means_the_versions_of_one_architecture_by_their_numbers(text: str, names: list[str]) -> None:
    assert chosen(text, said) == names


@pytest.mark.usefixtures("offered")
def test_a_range_in_which_there_is_none_is_refused() -> None:
    for text in ("debian/8.0..9.0", "debian/7.3..5.10", "debian/6.2..6.11@arm64"):
        with pytest.raises(UsageError, match=f"kernel '{text}': Debian has none of these"):
            chosen(text, said)


def test_the_mirror_is_asked_for_the_lists_of_the_architecture_and_what_it_has_not_is_told(offered: Path) -> None:
    told: list[str] = []
    with pytest.raises(UsageError, match="Debian has none of these"):
        chosen("debian/all@s390x", told.append)
    assert told == [
        "asking Debian's mirror which kernels it has",
        (
            "left out: bullseye, bookworm, trixie, bookworm-backports, trixie-backports, sid for s390x: "
            "Could not resolve 'mirror.invalid'"
        ),
    ]
    assert "update" in offered.read_text()


@pytest.mark.usefixtures("offered")
def test_what_a_range_means_is_fetched_once_and_told_as_it_comes(capsys: pytest.CaptureFixture[str]) -> None:
    request = command.FetchRequest(("debian/6.1..6.12", "debian/6.12"))
    printed = command.fetch(request, console(stderr=True))
    assert [line.split()[0] for line in printed.text.splitlines()] == ["qemu:debian/6.1", "qemu:debian/6.12"]
    assert printed.code == 0
    told = capsys.readouterr().err.splitlines()
    assert [line for line in told if " of " in line] == ["1 of 2: debian/6.1", "2 of 2: debian/6.12"]


def test_a_kernel_of_a_range_that_cannot_be_had_is_a_remark_beside_the_others(
    offered: Path,
    folder: Path,
) -> None:
    script = folder / "bin" / "apt-get"
    script.write_text(script.read_text().replace("exec cp", '[ "${2#*=}" != 6.1.7-1 ] && exec cp'))
    printed = command.fetch(command.FetchRequest(("debian/6.1..6.12",)), console(stderr=True))
    assert printed.text.startswith("qemu:debian/6.12  ")
    assert printed.code == TargetError.exit_code
    assert printed.remark.startswith("linux-image-6.1.7-cloud-amd64 6.1.7-1 cannot be fetched from sid: ")
    assert "6.1.7-1" in offered.read_text()
