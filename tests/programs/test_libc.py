# SPDX-License-Identifier: Apache-2.0
"""`lockproof libc` as its users start it, on the libraries of this machine and on copies of them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.command import lockproof

HEADER = "#define _POSIX_MEMLOCK {}\n#define _POSIX_MEMLOCK_RANGE 200809L\n"


def sysroot(folder: Path, macro: str) -> Path:
    """Make the root of a system with the C library of this machine, and a header that promises."""
    own = next(
        Path(line.split()[-1]) for line in Path("/proc/self/maps").read_text().splitlines() if "/libc.so" in line
    )
    (folder / "lib/some-linux-gnu").mkdir(parents=True)
    shutil.copy(own, folder / "lib/some-linux-gnu/libc.so.6")
    (folder / "usr/include/some-linux-gnu/bits").mkdir(parents=True)
    (folder / "usr/include/some-linux-gnu/bits/posix_opt.h").write_text(HEADER.format(macro))
    return folder


def test_the_library_of_this_machine_is_described_and_compared_with_the_cases(tmp_path: Path) -> None:
    done = lockproof("libc", cwd=tmp_path)
    assert done.returncode == 1, done.stderr  # Linux does not keep what is promised
    assert re.search(r"^    mlockall   GLIBC_\d", done.stdout, re.MULTILINE)
    assert re.search(r"_POSIX_MEMLOCK: macro 200809, sysconf 200809$", done.stdout, re.MULTILINE)
    found = re.search(
        r"cases of mlock and munlock on local\+libc=glibc: (\d+) pass, (\d+) fail, \d+ without answer: "
        r"what is promised is not all kept\n",
        done.stdout,
    )
    assert found is not None
    assert int(found[1]) > 50
    assert int(found[2]) > 10


@pytest.mark.skipif(not list(Path("/lib").glob("ld-musl-*")), reason="needs musl")
def test_musl_has_no_symbol_versions(tmp_path: Path) -> None:
    (musl,) = Path("/lib").glob("ld-musl-*")
    done = lockproof("libc", str(musl), cwd=tmp_path)
    assert f"{musl}: musl, " in done.stdout
    assert "    mlock2     yes\n" in done.stdout


@pytest.mark.parametrize("arguments", [(), ("--run",)])
def test_nothing_below_another_root_is_started_unasked(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    root = sysroot(tmp_path, "200809L")
    (root / "lib64").mkdir()
    (root / "lib64/ld-linux-x86-64.so.2").write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    (root / "lib64/ld-linux-x86-64.so.2").chmod(0o755)
    done = lockproof("libc", *arguments, str(root), cwd=tmp_path)
    assert (tmp_path / "started").exists() == bool(arguments)
    said = "not asked, it is not this machine's; --run starts it" in done.stdout
    assert said != bool(arguments)


def test_an_empty_path_is_no_root(tmp_path: Path) -> None:
    done = lockproof("libc", "", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "the path is empty; name a libc.so.6, or the root of a system\n")


def test_a_library_below_another_root_is_read_and_asked_but_runs_no_cases(tmp_path: Path) -> None:
    done = lockproof("libc", "--run", str(sysroot(tmp_path, "200809L")), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "    _POSIX_MEMLOCK: macro 200809, sysconf 200809\n" in done.stdout
    assert "its functions are there; cases run with the libcs of this machine only\n" in done.stdout


def test_a_macro_that_says_something_else_than_sysconf_is_found(tmp_path: Path) -> None:
    done = lockproof("libc", "--run", str(sysroot(tmp_path, "-1")), cwd=tmp_path)
    assert done.returncode == 1
    assert "    _POSIX_MEMLOCK: macro -1, sysconf 200809\n      the macro and sysconf disagree\n" in done.stdout


def test_a_macro_that_is_no_number_is_not_known(tmp_path: Path) -> None:
    done = lockproof("libc", "--run", str(sysroot(tmp_path, "_POSIX_VERSION + 1")), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "    _POSIX_MEMLOCK: macro ?, sysconf 200809\n" in done.stdout


def test_functions_that_are_there_without_a_promise_are_found(tmp_path: Path) -> None:
    root = sysroot(tmp_path, "-1")
    library = root / "lib/some-linux-gnu/libc.so.6"
    image = bytearray(library.read_bytes())
    image[0x12] = 0xB7  # EM_AARCH64: it is read, but not asked
    library.write_bytes(image)
    done = lockproof("libc", "--run", str(root), cwd=tmp_path)
    assert done.returncode == 1
    assert (
        "    _POSIX_MEMLOCK: macro -1, sysconf ?\n      not promised, though its functions are there\n" in done.stdout
    )


def test_what_is_no_c_library_is_told_with_what_to_name(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no library\n")
    for path, complaint in (
        ("missing", "missing: there is no such file or folder; name a libc.so.6, or the root of a system"),
        ("text", "text: is no library that can be read: Magic number does not match"),
        (".", ".: no C library is found below it"),
        ("/bin/true", "/bin/true: exports none of mlock, mlock2, munlock, mlockall, munlockall"),
    ):
        done = lockproof("libc", path, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(complaint)
        assert done.stderr.count("\n") == 1
