# SPDX-License-Identifier: Apache-2.0
"""Debian's kernels: which package of which suite is taken, and what becomes of it. A script stands in for apt-get."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import struct
import subprocess
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.errors import TargetError, UsageError
from lockproof.runners.kernels import catalogue, debian, kernel
from lockproof.runners.kernels.apt import Root
from lockproof.runners.kernels.packages import Package
from lockproof.runners.kernels.sources_list import mirror, security_mirror

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs dpkg-deb on PATH")

SUITES = ("bullseye", "bookworm", "trixie", "bookworm-backports", "trixie-backports", "sid")
"""Those that a machine without an entry for security updates asks for."""


def bzimage() -> bytes:
    """Write the smallest image that is one of x86_64."""
    data = bytearray(2048)
    data[0x1F1] = 1
    struct.pack_into("<I", data, 0x1F4, 64)
    struct.pack_into("<4sH", data, 0x202, b"HdrS", 0x20F)
    data[0x236] = 1
    return bytes(data)


def image(version: str, suite: str, flavour: str = "cloud-amd64", name: str = "linux-image-{}-{}") -> Package:
    """Return a package that is named as Debian does."""
    return Package(name.format(version.rpartition("-")[0], flavour), version, suite, flavour, 14_000_000)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the cache empty, and give the machine a mirror that nobody can reach."""
    monkeypatch.setenv("LOCKPROOF_CACHE", str(tmp_path / "cache"))
    (tmp_path / "apt").mkdir()
    (tmp_path / "apt" / "sources.list").write_text("deb [signed-by=/key.gpg] http://mirror.invalid/debian sid main\n")
    for find in (mirror, security_mirror):
        monkeypatch.setattr(find, "__defaults__", (tmp_path / "apt",))  # instead of /etc/apt
    return tmp_path


def lists(*packages: Package, architecture: str = "amd64", age: float = 0, suites: tuple[str, ...] = SUITES) -> None:
    """Make lists of these packages as if they had been fetched `age` seconds ago."""
    for suite in suites:
        summary = Root(suite, architecture).path / "kernels.json"
        summary.parent.mkdir(parents=True, exist_ok=True)
        summary.write_text(json.dumps([asdict(package) for package in packages if package.suite == suite]))
        os.utime(summary, times=(time.time() - age,) * 2)


def apt(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str = "exit 99") -> Path:
    """Put an apt-get on PATH that runs a shell script; give the file where it writes what it was asked for."""
    program, log = folder / "bin" / "apt-get", folder / "asked"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nshift 3\necho "$@" >>{shlex.quote(str(log))}\n{script}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    log.touch()
    return log


def deb(folder: Path, files: dict[str, bytes]) -> Path:
    """Build a package with these files."""
    root = folder / "root"
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    (root / "DEBIAN").mkdir()
    (root / "DEBIAN" / "control").write_text(
        "Package: k\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b>\nDescription: k\n"
    )
    subprocess.run(["dpkg-deb", "-Zgzip", "--build", root, folder / "k.deb"], check=True, capture_output=True)
    return folder / "k.deb"


def said(_: str) -> None:
    """Take what the user would be told."""


# What is offered


def offered() -> dict[str, str]:
    """Return the name of the package that would be taken for each kernel."""
    return {name: package.name for name, package in debian.offered()}


def test_nothing_is_offered_before_a_list_was_fetched() -> None:
    assert debian.offered() == []


def test_the_newest_of_each_version_is_offered_in_the_order_of_versions() -> None:
    lists(
        image("6.12.95-1~bpo12+1", "bookworm-backports"),
        image("6.12.117-1", "trixie"),
        image("6.12.99-1", "trixie"),
        image("6.1.170-3", "bookworm"),
        image("7.2.13-1", "sid"),
        image("5.10.223-1", "bullseye"),
        age=10 * 365 * 24 * 3600,  # however old
    )
    assert list(offered().items()) == [
        ("debian/7.2", "linux-image-7.2.13-cloud-amd64"),
        ("debian/6.12", "linux-image-6.12.117-cloud-amd64"),
        ("debian/6.1", "linux-image-6.1.170-cloud-amd64"),
        ("debian/5.10", "linux-image-5.10.223-cloud-amd64"),
    ]


UNSIGNED = "linux-image-{}-{}-unsigned"


@pytest.mark.parametrize(("version", "base"), [
    ("6.12.117-1", "6.12"), ("7.0-1", "7.0"), ("6.16-1~exp1", "6.16"), ("6.16~rc3-1~exp1", "6.16~rc3"),
])  # fmt: skip
def test_a_kernel_is_named_by_two_numbers_of_its_version(version: str, base: str) -> None:
    assert image(version, "sid").base == base


@pytest.mark.parametrize("content", ["[", '[{"name":"a"}]', "7"])
def test_a_list_that_cannot_be_read_is_offered_to_nobody_and_fetched_anew(
    folder: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    lists(*FOUR)
    for suite in ("bookworm", "sid"):
        Root(suite, "amd64").path.joinpath("kernels.json").write_text(content)
    assert list(offered()) == ["debian/6.12"]
    asked = apt(folder, monkeypatch, FAILS)
    with pytest.raises(
        TargetError, match=r"bookworm, sid for amd64: Could not resolve 'mirror\.invalid'; it has 6\.12$"
    ):
        debian.fetch("debian/6.1", said)
    assert asked.read_text() == "update\n" * 2


@pytest.mark.parametrize(("packages", "taken"), [
    ([image("6.12.1-1", "sid", "amd64"), image("6.12.1-1", "sid")], "linux-image-6.12.1-cloud-amd64"),
    ([image("6.12.1-1", "sid", name=UNSIGNED), image("6.12.1-1", "sid")], "linux-image-6.12.1-cloud-amd64"),
    (
        [image("6.12.1-1", "sid", "amd64"), image("6.12.1-1", "sid", name=UNSIGNED)],
        "linux-image-6.12.1-cloud-amd64-unsigned",
    ),
    ([image("6.12.1-1", "sid"), image("6.12.2-1", "sid", "amd64", UNSIGNED)], "linux-image-6.12.2-amd64-unsigned"),
    ([image("6.12.9-1", "sid"), image("6.12.10-1", "sid")], "linux-image-6.12.10-cloud-amd64"),
    ([image("6.12.1-1~bpo13+1", "trixie-backports"), image("6.12.1-1", "sid", "amd64")], "linux-image-6.12.1-amd64"),
    (
        [image("6.12.1-1", "sid"), image("6.12.1-1", "sid", name="linux-binary-{}-{}")],
        "linux-binary-6.12.1-cloud-amd64",
    ),
    (
        [image("6.12.1-1", "sid"), image("6.12.1-1", "sid", name="linux-binary-unsigned-{}-{}")],
        "linux-binary-unsigned-6.12.1-cloud-amd64",
    ),
])  # fmt: skip
def test_of_one_version_the_best_package_is_offered(packages: list[Package], taken: str) -> None:
    for order in (packages, packages[::-1]):
        lists(*order)
        assert offered() == {"debian/6.12": taken}


def test_kernels_of_other_architectures_are_offered_by_their_full_name() -> None:
    lists(image("6.12.1-1", "sid"))
    lists(image("6.12.1-1", "sid", "arm64"), image("6.12.1-1", "sid", "arm64-16k"), architecture="arm64")
    lists(image("6.12.1-1", "sid", "686"), image("6.12.1-1", "sid", "686-pae"), architecture="i386")
    assert offered() == {
        "debian/6.12": "linux-image-6.12.1-cloud-amd64",
        "debian/6.12@i386": "linux-image-6.12.1-686-pae",
        "debian/6.12@arm64": "linux-image-6.12.1-arm64",
        "debian/6.12@arm64-16k": "linux-image-6.12.1-arm64-16k",
    }


# Fetching


@pytest.mark.parametrize(
    "text", ["6.12", "debian/", "debian/sid", "trixie", "debian/6.12-1", "/boot/vmlinuz", "./linux"]
)
def test_what_is_no_version_of_debian_is_a_usage_error(text: str) -> None:
    message = f"kernel {text!r}: cannot be fetched; write debian/VERSION, such as debian/6.12 or debian/6.12@arm64"
    for fetch in (debian.fetch, debian.fetch_source):
        with pytest.raises(UsageError) as caught:
            fetch(text, said)
        assert str(caught.value) == message


def test_without_apt_the_packages_are_named_that_bring_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(UsageError) as caught:
        debian.fetch("debian/6.12", said)
    assert str(caught.value) == (
        "fetching kernels from Debian: apt-get, dpkg-deb are not installed; apt install apt dpkg"
    )


FOUR = (
    image("6.1.170-3", "bookworm"),
    image("6.12.107-1", "trixie"),
    image("6.12.117-1", "trixie"),
    image("7.2.13-1", "sid", name="linux-binary-{}-{}"),
)


@pytest.mark.parametrize(("text", "name", "taken"), [
    ("debian/6.1", "debian/6.1", FOUR[0]),
    ("debian/6.12", "debian/6.12", FOUR[2]),
    ("debian/6.12@x86_64", "debian/6.12", FOUR[2]),
    ("debian/6.12@x86_64-i386", "debian/6.12", FOUR[2]),
    ("debian/6.12.107", "debian/6.12.107", FOUR[1]),
    ("debian/7.2", "debian/7.2", FOUR[3]),
    ("debian/7", "debian/7", FOUR[3]),
])  # fmt: skip
def test_the_newest_package_of_a_version_is_fetched_and_its_kernel_entered(
    folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, name: str, taken: Package
) -> None:
    lists(*FOUR)
    package = deb(folder, {"boot/config-6": b"", "boot/System.map-6": b"", "boot/vmlinuz-6": bzimage()})
    asked = apt(folder, monkeypatch, f"cp {shlex.quote(str(package))} .")
    told: list[str] = []
    made = debian.fetch(text, told.append)
    origin = f"{taken.name} {taken.version} ({taken.suite})"
    assert (made.name, made.version, made.arch, made.origin) == (name, taken.version, "x86_64", origin)
    assert asked.read_text() == f"download {taken.name}={taken.version}\n"
    assert told == [f"fetching {origin}, 14.0 MB"]
    assert made.path.read_bytes() == bzimage()
    assert kernel.find(text).image == made.path
    assert {path.name for path in catalogue.folder().iterdir() if path.name.startswith(".")} == {
        f".{made.image}.lock"
    }  # fmt: skip

    assert debian.fetch(text, told.append) == made
    assert asked.read_text().count("\n") == len(told) == 1


def test_a_kernel_is_fetched_again_when_debian_has_a_newer_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = deb(folder, {"boot/vmlinuz-6": bzimage()})
    asked = apt(folder, monkeypatch, f"cp {shlex.quote(str(package))} .")
    lists(*FOUR[:2])
    assert debian.fetch("debian/6.12", said).version == "6.12.107-1"
    lists(*FOUR)
    newer = debian.fetch("debian/6.12", said)
    assert newer.version == "6.12.117-1"
    assert catalogue.known() == [newer]
    assert asked.read_text().count("download") == 2


def test_the_newest_of_a_stable_suite_and_its_security_updates_is_fetched_and_else_the_other(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update = image("6.1.192-2", "bookworm-security")
    lists(*FOUR, update)
    lists(update, suites=("bookworm-security",))
    package = deb(folder, {"boot/vmlinuz-6": bzimage()})
    apt(folder, monkeypatch, f"cp {shlex.quote(str(package))} .")
    assert offered()["debian/6.1"] == update.name
    assert debian.fetch("debian/6.1", said).origin == f"{update.name} 6.1.192-2 (bookworm-security)"
    shutil.rmtree(folder / "bin")
    (folder / "asked").unlink()
    catalogue.remove("debian/6.1")
    apt(folder, monkeypatch, lacks(package, "*=6.1.192-2"))
    assert debian.fetch("debian/6.1", said).origin == f"{FOUR[0].name} 6.1.170-3 (bookworm)"


def test_where_the_pool_of_one_suite_lacks_a_package_the_same_of_another_suite_is_taken(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = [image("6.1.176-1", suite) for suite in ("bookworm", "bookworm-security")]
    lists(*both)
    lists(both[1], suites=("bookworm-security",))
    package = deb(folder, {"boot/vmlinuz-6": bzimage()})
    once = folder / "once"
    gone = "echo 'E: Failed to fetch http://mirror/k.deb  404  Not Found [IP: ::1 80]'; exit 100"
    apt(folder, monkeypatch, f"mkdir {once} 2>/dev/null && {{ {gone}; }}; cp {shlex.quote(str(package))} .")
    told: list[str] = []
    made = debian.fetch("debian/6.1", told.append)
    tried = [line for line in told if "; trying " in line]
    assert len(tried) == 1
    assert tried[0].endswith(f"; trying {made.origin}")


def test_a_kernel_that_was_damaged_is_fetched_again_and_so_is_one_where_that_is_asked(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists(*FOUR)
    package = deb(folder, {"boot/vmlinuz-6": bzimage()})
    asked = apt(folder, monkeypatch, f'[ "$1" != download ] || cp {shlex.quote(str(package))} .')
    made = debian.fetch("debian/6.12", said)
    made.path.write_bytes(bzimage()[:-1])
    told: list[str] = []
    assert debian.fetch("debian/6.12", told.append) == made
    origin = f"{FOUR[2].name} 6.12.117-1 (trixie)"
    assert told == [f"{made.path}: damaged; getting debian/6.12 again", f"fetching {origin}, 14.0 MB"]
    assert made.path.read_bytes() == bzimage()
    assert asked.read_text().count("\n") == 2
    # Again: what the mirror has now is asked too, and here it has nothing any more. Lists of this minute are of now.
    assert debian.fetch("debian/6.12", said, again=True) == made
    lists(*FOUR, age=61)
    with pytest.raises(UsageError, match=r"^Debian has no Linux 6\.12 "):
        debian.fetch("debian/6.12", said, again=True)
    assert "update" in asked.read_text()


@pytest.mark.parametrize("name", [
    "boot/vmlinuz-6.12.1-amd64", "boot/vmlinux-6.12.1-powerpc64le", "boot/vmlinuz",
    "usr/lib/modules/6.12.1/vmlinuz", "lib/modules/6.12.1/vmlinuz",
])  # fmt: skip
def test_the_kernel_is_found_wherever_debian_has_it(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    lists(*FOUR)
    others = ["boot/vmlinuz.old/x", "usr/share/vmlinuz-1", "usr/lib/modules/6.12.1/kernel/vmlinuz-2"]
    package = deb(folder, dict.fromkeys(others, b"no kernel") | {name: bzimage()})
    apt(folder, monkeypatch, f"cp {shlex.quote(str(package))} .")
    assert debian.fetch("debian/6.12", said).path.read_bytes() == bzimage()


@pytest.mark.parametrize(("script", "why"), [
    ("echo 'E: Failed to fetch http://mirror/k.deb  404  Not Found [IP: 10.0.0.1 80]'; exit 100", "404 Not Found"),
    ("exit 100", "apt-get failed without a word"),
    ("echo 'W: Ignored'; echo 'E: Failed to fetch http://mirror/k.deb  404  Not Found'; exit 100", "404 Not Found"),
    (":", "apt-get failed without a word"),
])  # fmt: skip
def test_packages_that_cannot_be_had_are_a_target_error_that_names_all_and_leave_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, script: str, why: str
) -> None:
    lists(*FOUR)
    apt(folder, monkeypatch, script)
    with pytest.raises(TargetError) as caught:
        debian.fetch("debian/6.12", said)
    assert str(caught.value) == (
        f"linux-image-6.12.117-cloud-amd64 6.12.117-1 cannot be fetched from trixie: {why}; "
        f"linux-image-6.12.107-cloud-amd64 6.12.107-1 cannot be fetched from trixie: {why}"
    )
    assert [path.name for path in catalogue.folder().iterdir()] == [".debian%2f6.12.image.lock"]


def lacks(package: Path, *missing: str) -> str:
    """Write a script for `apt`: the mirror has `package` under every name but those."""
    gone = "echo 'E: Failed to fetch http://mirror/k.deb  404  Not Found [IP: ::1 80]'; exit 100"
    return f'case "$2" in {"|".join(missing)}) {gone};; esac; cp {shlex.quote(str(package))} .'


def test_where_the_pool_lacks_what_its_list_names_the_next_older_package_is_taken_of_any_suite(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backport = image("6.12.95-1~bpo12+1", "bookworm-backports")
    lists(*FOUR, backport)
    package = deb(folder, {"boot/vmlinuz-6": bzimage()})
    asked = apt(folder, monkeypatch, lacks(package, "*=6.12.117-1", "*=6.12.107-1"))
    told: list[str] = []
    made = debian.fetch("debian/6.12", told.append)
    assert made.origin == "linux-image-6.12.95-cloud-amd64 6.12.95-1~bpo12+1 (bookworm-backports)"
    assert kernel.find("debian/6.12").image == made.path
    assert told == [
        "fetching linux-image-6.12.117-cloud-amd64 6.12.117-1 (trixie), 14.0 MB",
        (
            "linux-image-6.12.117-cloud-amd64 6.12.117-1 cannot be fetched from trixie: 404 Not Found; "
            "trying linux-image-6.12.107-cloud-amd64 6.12.107-1 (trixie)"
        ),
        "fetching linux-image-6.12.107-cloud-amd64 6.12.107-1 (trixie), 14.0 MB",
        (
            "linux-image-6.12.107-cloud-amd64 6.12.107-1 cannot be fetched from trixie: 404 Not Found; "
            f"trying {made.origin}"
        ),
        f"fetching {made.origin}, 14.0 MB",
    ]
    assert debian.fetch("debian/6.12", said) == made
    downloads = [line.partition("=")[2] for line in asked.read_text().splitlines()]
    assert downloads.count("6.12.95-1~bpo12+1") == 1  # it is there already


def test_the_lists_of_other_suites_are_asked_for_only_where_those_that_keep_the_version_have_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = deb(folder, {"boot/vmlinuz-6": bzimage()})
    asked = apt(folder, monkeypatch, f'[ "$1" = update ] && {{ {FAILS}; }}; {lacks(package, "*=6.12.117-1")}')
    lists(*FOUR, suites=("trixie",))
    assert debian.fetch("debian/6.12", said).version == "6.12.107-1"
    assert "update" not in asked.read_text()
    assert debian.fetch("debian/6.12.107", said).version == "6.12.107-1"
    with pytest.raises(TargetError, match=r"^linux-image-6\.12\.117-cloud-amd64 6\.12\.117-1 cannot be fetched"):
        debian.fetch("debian/6.12.117", said)
    assert asked.read_text().count("update") == len(SUITES) - 1


def test_a_name_never_means_a_flavour_with_pages_of_another_size_because_the_better_one_cannot_be_had(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = deb(folder, {"boot/vmlinuz-6": bzimage()})
    asked = apt(folder, monkeypatch, lacks(package, "*"))
    small, large = "powerpc64le", "powerpc64le-64k"
    newest = (image("6.12.117-1", "trixie", flavour) for flavour in (small, large))
    lists(*newest, image("6.12.95-1", "bookworm-backports", large), architecture="ppc64el")
    with pytest.raises(TargetError):
        debian.fetch("debian/6.12@ppc64le", said)
    assert [line.partition("=")[0] for line in asked.read_text().splitlines()] == [
        "download linux-image-6.12.117-powerpc64le-64k",
        "download linux-image-6.12.95-powerpc64le-64k",
    ]


@pytest.mark.parametrize(("files", "message"), [
    ({"boot/config-6.1": b""}, "k.deb: has no kernel where Debian's packages have it"),
    ({"boot/vmlinuz-6.1": b"<html>"}, "no kernel image, or the beginning of one: it has only 6 bytes"),
    ({"boot/vmlinuz-6.1": bzimage()[:-1]}, "get it again"),
])  # fmt: skip
def test_a_package_without_a_good_kernel_leaves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes], message: str
) -> None:
    lists(*FOUR)
    apt(folder, monkeypatch, f"cp {shlex.quote(str(deb(folder, files)))} .")
    with pytest.raises(TargetError) as caught:
        debian.fetch("debian/6.1", said)
    assert str(caught.value).endswith(message)
    assert [path.name for path in catalogue.folder().iterdir()] == [".debian%2f6.1.image.lock"]


def test_what_is_no_package_is_a_target_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lists(*FOUR)
    apt(folder, monkeypatch, "echo '<html>' >k.deb")
    with pytest.raises(TargetError, match=r"^k\.deb: cannot be unpacked: empty file$"):
        debian.fetch("debian/6.1", said)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_package_that_was_cut_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch, share: float) -> None:
    lists(*FOUR)
    package = deb(folder, {"boot/vmlinuz-6": bzimage() + os.urandom(10_000)})
    content = package.read_bytes()
    package.write_bytes(content[: int(len(content) * share)])
    apt(folder, monkeypatch, f"cp {shlex.quote(str(package))} .")
    with pytest.raises(TargetError, match="cannot be unpacked"):
        debian.fetch("debian/6.12", said)
    assert catalogue.known() == []


@pytest.mark.parametrize(("text", "message"), [
    ("debian/6.2", "Debian has no Linux 6.2 for x86_64; it has 6.1, 6.9, 6.12, 7.2"),
    ("debian/6.12.1", "Debian has no Linux 6.12.1 for x86_64; it has 6.1, 6.9, 6.12, 7.2"),
    ("debian/6.120", "Debian has no Linux 6.120 for x86_64; it has 6.1, 6.9, 6.12, 7.2"),
    ("debian/6.1@arm64", "Debian has no Linux 6.1 for arm64; and no other"),
])  # fmt: skip
def test_a_version_that_debian_has_not_is_named_with_those_that_it_has(
    folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    asked = apt(folder, monkeypatch)
    lists(*FOUR, image("6.9.7-1", "sid"))
    lists(architecture="arm64")
    with pytest.raises(UsageError) as caught:
        debian.fetch(text, said)
    assert str(caught.value) == message
    assert asked.read_text() == ""


AWAY = "E: Failed to fetch http://mirror.invalid/InRelease  Could not resolve 'mirror.invalid' [IP: ::1 80]"
FAILS = f"echo 'E: Some index files failed to download.'; echo {shlex.quote(AWAY)}; exit 100"


def test_a_mirror_that_cannot_be_reached_is_a_target_error_that_names_the_suites_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = apt(folder, monkeypatch, FAILS)
    with pytest.raises(TargetError) as caught:
        debian.fetch("debian/6.1", said)
    assert str(caught.value) == (
        "Debian has no Linux 6.1 for x86_64; bookworm, bullseye, trixie, bookworm-backports, trixie-backports, sid "
        "for amd64: Could not resolve 'mirror.invalid'; and no other"
    )
    assert asked.read_text() == "update\n" * len(SUITES)


def test_a_suite_that_cannot_be_had_is_left_out_where_another_has_the_kernel(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = deb(folder, {"boot/vmlinuz-6": bzimage()})
    apt(folder, monkeypatch, f'[ "$1" = download ] && exec cp {shlex.quote(str(package))} .\n{FAILS}')
    lists(*FOUR, suites=tuple(suite for suite in SUITES if suite != "trixie-backports"))
    told: list[str] = []
    assert debian.fetch("debian/7.2", told.append).version == "7.2.13-1"
    assert told[0] == "left out: trixie-backports for amd64: Could not resolve 'mirror.invalid'"


SYNCING = """echo "E: Failed to fetch http://mirror.invalid/Packages.xz  File has unexpected size ($$ != 7). Mirror sync in progress?"
exit 100"""


def test_one_trouble_of_the_mirror_is_one_line_for_all_suites_and_kernels(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = deb(folder, {"boot/vmlinuz-6": bzimage()})
    apt(folder, monkeypatch, f'[ "$1" = download ] && exec cp {shlex.quote(str(package))} .\n{SYNCING}')
    lists(*FOUR, suites=tuple(suite for suite in SUITES if not suite.endswith("-backports")))
    told: list[str] = []
    names = [made.name for made in debian.fetch_all(["debian/7.2", "debian/7"], told.append)]
    assert names == ["debian/7.2", "debian/7"]
    reason = "File has unexpected size. Mirror sync in progress?"
    line = f"left out: bookworm-backports, trixie-backports for amd64: {reason}"
    assert [each for each in told if "left out" in each] == [line]


MEET = """touch {folder}/under-way.$$
for _ in $(seq 600); do
    [ $(ls {folder}/under-way.* | wc -l) -lt 2 ] || break
    sleep 0.05
done
[ $(ls {folder}/under-way.* | wc -l) -ge 2 ] || exit 100
"""


def test_several_kernels_are_fetched_at_the_same_time_and_told_in_their_order(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists(*FOUR)
    package = deb(folder, {"boot/vmlinuz-6": bzimage()})
    apt(folder, monkeypatch, f"{MEET.format(folder=folder)}cp {shlex.quote(str(package))} .")
    names = ["debian/7.2", "debian/6.1", "debian/6.12"]
    assert [made.name for made in debian.fetch_all(names, said)] == names


def test_a_kernel_that_cannot_be_had_keeps_no_other_back(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lists(*FOUR)
    package = deb(folder, {"boot/vmlinuz-6": bzimage()})
    apt(folder, monkeypatch, f"cp {shlex.quote(str(package))} .")
    with pytest.raises(UsageError) as caught:
        list(debian.fetch_all(["debian/6.2", "debian/6.1"], said))
    assert [entry.name for entry in catalogue.known()] == ["debian/6.1"]
    assert str(caught.value) == "Debian has no Linux 6.2 for x86_64; it has 6.1, 6.12, 7.2"
    with pytest.raises(UsageError, match=r"no Linux 6\.2 .*\n.*no Linux 6\.3 "):
        list(debian.fetch_all(["debian/6.2", "debian/6.3"], said))


@pytest.mark.parametrize("text", ["debian/6.12", "debian/6.12.107"])
def test_the_suite_that_keeps_a_version_is_asked_first_and_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    package = deb(folder, {"boot/vmlinuz-6": bzimage()})
    asked = apt(folder, monkeypatch, f'[ "$1" = download ] && exec cp {shlex.quote(str(package))} .\n{FAILS}')
    lists(*FOUR, suites=("trixie",))
    debian.fetch(text, said)
    assert asked.read_text().startswith("download ")


@pytest.mark.parametrize(("age", "calls"), [(23 * 3600, 0), (25 * 3600, len(SUITES))])
def test_lists_are_asked_for_again_after_a_day(
    folder: Path, monkeypatch: pytest.MonkeyPatch, age: float, calls: int
) -> None:
    asked = apt(folder, monkeypatch, FAILS)
    lists(age=age)
    with pytest.raises((UsageError, TargetError)):
        debian.fetch("debian/6.12", said)
    assert asked.read_text() == "update\n" * calls


def test_a_suite_that_the_mirror_does_not_have_is_empty_and_no_trouble(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = "E: The repository 'http://mirror.invalid/debian sid Release' does not have a Release file."
    asked = apt(folder, monkeypatch, f"echo {shlex.quote(absent)}; exit 100")
    for _ in range(2):
        with pytest.raises(UsageError, match=r"^Debian has no Linux 6\.12 for x86_64; and no other$"):
            debian.fetch("debian/6.12", said)
    assert asked.read_text() == "update\n" * len(SUITES)  # once: that there is nothing is known for a day


def test_sources_are_fetched_once_as_a_tarball_of_their_version(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    older, newer = (Package("linux-source-6.1", f"6.1.{n}-1", "bookworm", "", 139_131_140) for n in (170, 176))
    lists(older, newer, *FOUR)
    package = deb(folder, {"usr/src/linux-config-6.1/config": b"", "usr/src/linux-source-6.1.tar.xz": b"sources"})
    asked = apt(folder, monkeypatch, f"cp {shlex.quote(str(package))} .")
    told: list[str] = []
    for _ in range(2):
        found, tarball = debian.fetch_source("debian/6.1", told.append)
        assert found == newer
        assert tarball.read_bytes() == b"sources"
        assert tarball.is_relative_to(folder / "cache" / "sources")
    assert told == ["fetching linux-source-6.1 6.1.176-1 (bookworm), 139.1 MB"]
    assert asked.read_text() == "download linux-source-6.1=6.1.176-1\n"


def test_where_the_pool_lacks_the_newest_sources_older_ones_are_taken(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older, newer = (Package("linux-source-6.1", f"6.1.{n}-1", "bookworm", "", 139_131_140) for n in (170, 176))
    lists(older, newer)
    package = deb(folder, {"usr/src/linux-source-6.1.tar.xz": b"sources"})
    apt(folder, monkeypatch, lacks(package, "*=6.1.176-1"))
    told: list[str] = []
    found, tarball = debian.fetch_source("debian/6.1", told.append)
    assert (found, tarball.name) == (older, "linux-source-6.1_6.1.170-1.tar")
    assert told[1] == (
        "linux-source-6.1 6.1.176-1 cannot be fetched from bookworm: 404 Not Found; "
        "trying linux-source-6.1 6.1.170-1 (bookworm)"
    )


def test_sources_that_debian_has_not_are_named_with_those_that_it_has(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apt(folder, monkeypatch)
    lists(Package("linux-source-6.1", "6.1.176-1", "bookworm", "", 1), *FOUR)
    with pytest.raises(UsageError) as caught:
        debian.fetch_source("debian/6.12", said)
    assert str(caught.value) == "Debian has no sources of Linux 6.12 for x86_64; it has 6.1"
