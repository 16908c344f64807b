# SPDX-License-Identifier: Apache-2.0
"""Programs that try to make libposixmlock.so break its promise: of glibc, of musl, and of 32 bits."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from lockproof.runners import shims
from lockproof.runners.host import cache
from tests.places import NATIVE

if TYPE_CHECKING:
    from pathlib import Path

ATTACKS = sorted(path.stem for path in (NATIVE / "tests/shims/attacks").glob("*.c"))
LIBRARY = (
    *sorted((NATIVE / "shims/posixmlock").glob("*.c")),
    NATIVE / "shims/inner_calls.c",
    NATIVE / "probe/kernel/smaps.c",
    NATIVE / "probe/program/text.c",
    NATIVE / "probe/program/words.c",
)
CANNOT_BE_TRIED = 77
SECONDS = 120


@dataclass(frozen=True, slots=True)
class Libc:
    """What compiles programs for it, and the library that is loaded into them."""

    compiler: tuple[str, ...]
    library: str


def compile_with(compiler: tuple[str, ...], *arguments: object) -> str:
    """Return what the compiler complains about; empty: nothing."""
    zig_cache = str(cache.directory() / "zig")
    environment = os.environ | {"ZIG_GLOBAL_CACHE_DIR": zig_cache, "ZIG_LOCAL_CACHE_DIR": zig_cache}
    command = [*compiler, "-O1", *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


def glibc(_folder: Path) -> Libc:
    """Return what is for the programs of this machine."""
    return Libc(("cc",), shims.path("posixmlock"))


def musl(_folder: Path) -> Libc:
    """Return the same library, which is bound to no libc."""
    compiler = shutil.which("musl-gcc")
    if compiler is None:
        pytest.skip("needs musl-gcc (Debian, Ubuntu: apt install musl-tools)")
    headers = ("-idirafter", "/usr/include", "-idirafter", f"/usr/include/{os.uname().machine}-linux-gnu")
    return Libc((compiler, *headers), shims.path("posixmlock"))


def narrow(folder: Path) -> Libc:
    """Return a library that is built for programs of 32 bits, by whatever can compile them here."""
    if os.uname().machine != "x86_64":
        pytest.skip("needs x86_64, whose programs of 32 bits run on it")
    program, library = folder / "narrow", folder / "libposixmlock.so"
    source = folder / "narrow.c"
    source.write_text("int main(void) { return sizeof(void *) != 4; }\n")
    for compiler in (("cc", "-m32"), (sys.executable, "-m", "ziglang", "cc", "-target", "x86-linux-gnu.2.28")):
        if compile_with(compiler, source, "-o", program):
            continue
        try:
            subprocess.run([program], check=True)
        except OSError:
            continue
        folders = ("-I", NATIVE / "shims", "-I", NATIVE / "probe")
        options = ("-std=gnu11", "-shared", "-fPIC", "-fvisibility=hidden", *folders)
        assert compile_with(compiler, *options, *LIBRARY, "-o", library) == ""
        return Libc(compiler, str(library))
    pytest.skip("needs what compiles and runs programs of 32 bits (Debian, Ubuntu: apt install gcc-multilib)")


LIBCS = {"glibc": glibc, "musl": musl, "32-bit": narrow}


@pytest.fixture(scope="module", params=LIBCS)
def libc(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Libc:
    return LIBCS[request.param](tmp_path_factory.mktemp("libc"))


def run(program: Path, library: str) -> tuple[int, str]:
    """Return the exit status and what was said; what is left of the program ends with it."""
    process = subprocess.Popen(
        [program],
        env=os.environ | {"LD_PRELOAD": library},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        said, _ = process.communicate()
        said += f"it did not end within {SECONDS} seconds\n"
    return process.returncode, said


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_promise_is_kept(attack: str, libc: Libc, tmp_path: Path) -> None:
    program = tmp_path / attack
    source = NATIVE / "tests/shims/attacks" / f"{attack}.c"
    assert compile_with(libc.compiler, "-Wall", "-Wextra", "-Werror", "-pthread", source, "-o", program) == ""
    status, said = run(program, libc.library)
    if status == CANNOT_BE_TRIED:
        pytest.skip(said.splitlines()[-1])
    assert "BROKEN" not in said, said
    assert status == 0, said
    assert "kept " in said
