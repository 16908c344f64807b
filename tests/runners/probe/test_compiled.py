# SPDX-License-Identifier: Apache-2.0
"""The probe for another architecture: compiled once, by the compiler that is there. Scripts stand in for compilers."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from lockproof.conformance.errors import TargetError, UsageError
from lockproof.runners.architectures import ARCHITECTURES
from lockproof.runners.probe.compiled import host_probe, probe_for
from tests.places import NATIVE

GCC = shutil.which("gcc")
OTHER = next(each for each in ARCHITECTURES.values() if platform.machine() not in each.host)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the cache empty, and put nothing but a folder and what every compiler needs on PATH."""
    monkeypatch.setenv("LOCKPROOF_CACHE", str(tmp_path / "cache"))
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return tmp_path


def compiler(folder: Path, compiles: str, *, release: str = "12.2.0", libc: str = "/usr/lib/libc.a") -> None:
    """Install a compiler that answers lockproof's questions, and compiles as a shell script does."""
    script = folder / "bin" / f"{OTHER.triple}-gcc"
    script.write_text(
        "#!/bin/sh\n"
        f"case $1 in -print-file-name=libc.a) echo {libc}; exit;; -dumpfullversion) echo {release}; exit;; esac\n"
        f'echo "$@" >>{folder}/calls\n'
        'while [ "$1" != -o ]; do shift; done; output=$2\n'
        f"{compiles}\n"
    )
    script.chmod(0o755)


def calls(folder: Path) -> list[str]:
    return (folder / "calls").read_text().splitlines() if (folder / "calls").exists() else []


def left(folder: Path) -> list[str]:
    """Return what lies in the cache, but for locks."""
    return [path.name for path in (folder / "cache" / "probes").iterdir() if path.suffix != ".lock"]


@pytest.mark.parametrize("arch", [each.name for each in ARCHITECTURES.values() if platform.machine() in each.host])
def test_for_this_machine_the_probe_is_the_installed_one(folder: Path, arch: str) -> None:
    assert probe_for(arch) == Path(host_probe())
    assert not (folder / "cache").exists()


def test_an_architecture_that_is_unknown_is_a_usage_error_with_a_suggestion() -> None:
    with pytest.raises(UsageError) as caught:
        probe_for("arm63")
    assert str(caught.value) == "architecture 'arm63': not supported; did you mean arm64?"


def test_a_probe_that_the_wheel_brought_is_taken_before_any_compiler(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought = folder / "native" / f"lockproof-probe-{OTHER.triple}"
    brought.parent.mkdir()
    monkeypatch.setattr("lockproof.runners.probe.compiled.files", lambda _: folder)
    compiler(folder, 'echo compiled >"$output"')
    brought.write_text("brought\n")
    assert probe_for(OTHER.name) == brought
    assert calls(folder) == []


def test_the_probe_is_compiled_once_and_kept(folder: Path) -> None:
    compiler(folder, 'echo probe >"$output"')
    told: list[str] = []
    first = probe_for(OTHER.name, told.append)
    assert first.read_text() == "probe\n"
    assert first.parent == folder / "cache" / "probes"
    assert first.name.startswith(f"{OTHER.triple}-")
    assert probe_for(OTHER.name, told.append) == first
    assert told == [f"compiling the probe for {OTHER.name}"]
    assert len(calls(folder)) == 1
    assert sorted(left(folder)) == [first.name, f"{first.name}.sha256"]


def test_every_source_of_the_probe_is_compiled_and_linked_statically(folder: Path) -> None:
    compiler(folder, 'echo probe >"$output"')
    probe_for(OTHER.name)
    (call,) = (line.split() for line in calls(folder))
    sources = {Path(word) for word in call if word.endswith(".c")}
    probe = NATIVE / "probe"
    (folder_of_sources,) = (word.removeprefix("-I") for word in call if word.startswith("-I"))
    assert {path.relative_to(folder_of_sources) for path in sources} == {
        path.relative_to(probe) for path in probe.rglob("*.c")
    }
    assert all(path.is_file() for path in sources)
    assert "-static" in call


def test_another_release_of_the_compiler_compiles_again(folder: Path) -> None:
    compiler(folder, 'echo probe >"$output"')
    first = probe_for(OTHER.name)
    compiler(folder, 'echo newer >"$output"', release="13.1.0")
    second = probe_for(OTHER.name)
    assert first != second
    assert (first.read_text(), second.read_text()) == ("probe\n", "newer\n")


ERRORS = r"""echo half >"$output"
echo "channel.c: In function 'f':
channel.c:1:2: error: expected ';'
channel.c:3:4: warning: unused
guest.c:5:6: error: unknown type
hello.c:7:8: error: third
input.c:9:10: error: fourth" >&2; exit 1"""


@pytest.mark.parametrize(
    ("compiles", "what"),
    [
        (ERRORS, "channel.c:1:2: error: expected ';'; guest.c:5:6: error: unknown type; hello.c:7:8: error: third"),
        ("echo one >&2; echo two >&2; echo three; echo four; exit 1", "one; two; three; four"),
        ("exit 1", ""),
    ],
)
def test_a_compiler_that_fails_is_a_target_error_of_one_line_and_leaves_nothing(
    folder: Path, compiles: str, what: str
) -> None:
    compiler(folder, compiles)
    for count in (1, 2):
        with pytest.raises(TargetError) as caught:
            probe_for(OTHER.name)
        start = f"the probe for {OTHER.name} cannot be compiled by {folder}/bin/{OTHER.triple}-gcc: "
        assert str(caught.value) == start + "; ".join(what.split("; ")[:3])
        assert len(calls(folder)) == count
        assert left(folder) == []


@pytest.mark.parametrize("said", ["ld: final link failed: No space left on device", "error: NoSpaceLeft"])
def test_a_disk_without_room_for_the_probe_says_what_to_do(folder: Path, said: str) -> None:
    compiler(folder, f"echo '{said}' >&2; exit 1")
    with pytest.raises(TargetError) as caught:
        probe_for(OTHER.name)
    assert str(caught.value) == (
        f"{folder}/cache/probes: no space left for the probe; make room, or set LOCKPROOF_CACHE"
    )


@pytest.fixture
def without_zig(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the packages that are installed beside lockproof."""
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(PackageNotFoundError):
        version("ziglang")


@pytest.mark.usefixtures("without_zig")
@pytest.mark.parametrize("arch", [each.name for each in ARCHITECTURES.values() if platform.machine() not in each.host])
def test_without_a_compiler_both_ways_to_get_one_are_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, arch: str
) -> None:
    monkeypatch.setenv("PATH", str(folder / "bin"))
    with pytest.raises(UsageError) as caught:
        probe_for(arch)
    architecture = ARCHITECTURES[arch]
    assert str(caught.value) == (
        f"the probe for {arch} cannot be compiled here: no compiler; pip install 'lockproof[cross]', "
        f"or apt install gcc-{architecture.triple.replace('_', '-')} {architecture.libc}"
    )


@pytest.mark.usefixtures("without_zig")
def test_a_compiler_without_its_c_library_is_none(folder: Path) -> None:
    compiler(folder, 'echo probe >"$output"', libc="libc.a")
    with pytest.raises(UsageError, match="no compiler"):
        probe_for(OTHER.name)
    assert calls(folder) == []


@pytest.mark.skipif(GCC is None, reason="needs gcc on PATH")
def test_what_a_real_compiler_makes_of_the_sources_is_a_probe(folder: Path) -> None:
    compiler(folder, "")
    (folder / "bin" / f"{OTHER.triple}-gcc").write_text(f'#!/bin/sh\nexec {GCC} "$@"\n')  # of this machine
    done = subprocess.run([probe_for(OTHER.name)], input=b"", capture_output=True, check=True)
    assert done.stdout.startswith(b'{"hello":{"protocol":')


def test_what_the_environment_says_reaches_the_compiler_but_for_its_language(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("TMPDIR", str(folder))
    compiler(folder, 'echo "$LC_ALL $TMPDIR $ZIG_GLOBAL_CACHE_DIR" >"$output"')
    assert probe_for(OTHER.name).read_text() == f"C {folder} {folder}/cache/zig\n"
    assert os.environ["LC_ALL"] == "de_DE.UTF-8"
