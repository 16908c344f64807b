# SPDX-License-Identifier: Apache-2.0
"""What becomes of sources, patches and fragments, with a tree of Linux that is as small as a tree can be.

Real sources are built in .ci/run, which takes minutes.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import struct
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lockproof.conformance.errors import TargetError, UsageError
from lockproof.runners.kernels import kernel
from lockproof.runners.kernels.build import BuildRequest, build
from tests.command import is_running, lockproof, start, until

pytestmark = pytest.mark.kernel_build

MAKEFILE = """\
mrproper:
	@:
tinyconfig:
	@echo '# CONFIG_SMP is not set' >.config
olddefconfig:
	@grep -v '^CONFIG_LOST=' .config >.config.new; mv .config.new .config
	@sed -i '/^#/!s/$$//' .config
bzImage: mm/mlock.o mm/mmap.o
	@echo '  LD      vmlinux'
	@mkdir -p arch/x86/boot && cp image arch/x86/boot/bzImage
mm/%.o: mm/%.c
	@set -e; echo '  CC      $@'; gcc -c -o /dev/null $<
"""


def image(version: str) -> bytes:
    """Make the least bzImage of x86_64: a header, and a version."""
    content = bytearray(8192)
    content[0x1F1] = 4
    struct.pack_into("<I", content, 0x1F4, (8192 - 5 * 512) // 16)
    content[0x202:0x206] = b"HdrS"
    struct.pack_into("<HHH", content, 0x206, 0x20C, 0, 0)
    struct.pack_into("<H", content, 0x20E, 0x300)
    struct.pack_into("<H", content, 0x236, 1)
    content[0x500 : 0x500 + len(version)] = version.encode()
    return bytes(content)


@dataclass
class Told:
    """Keeps what a build tells."""

    lines: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def say(self, line: str) -> None:
        self.lines.append(line)

    def progress(self, text: str) -> None:
        self.told.append(text)

    @property
    def compiled_files(self) -> list[str]:
        return [text.rpartition(" ")[2] for text in self.told if text.endswith(".o")]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a tree, beside a cache of its own."""
    monkeypatch.setenv("LOCKPROOF_CACHE", str(tmp_path / "cache"))
    top = tmp_path / "linux"
    (top / "mm").mkdir(parents=True)
    (top / "Kconfig").write_text("mainmenu\n")
    (top / "Makefile").write_text(MAKEFILE)
    (top / "mm" / "mlock.c").write_text("int mlock(void) { return 0; }\n")
    (top / "mm" / "mmap.c").write_text("int mmap(void) { return 0; }\n")
    (top / "image").write_bytes(image("6.1.999 (lockproof@lockproof)"))
    return top


def content(folder: Path) -> dict[str, bytes]:
    """Read all files below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_kernel_is_compiled_and_entered_into_the_catalogue(tree: Path) -> None:
    told = Told()
    made = build(BuildRequest(source=str(tree)), told)
    assert (made.name, made.arch, made.version) == ("linux+tiny", "x86_64", "6.1.999")
    assert made.origin.startswith(f"built from {tree}, ")
    assert [text.rpartition(" ")[0] for text in told.told[:2]] == [
        "1 of about 2 files compiled, now",
        "2 of about 2 files compiled, now",
    ]
    assert sorted(told.compiled_files) == ["mm/mlock.o", "mm/mmap.o"]  # make compiles both at the same time
    assert told.told[2:] == ["2 of about 2 files compiled, now LD vmlinux"]
    assert kernel.find("linux+tiny").image.read_bytes() == (tree / "image").read_bytes()


def test_the_tree_is_not_touched_and_no_workspace_is_left(tree: Path, tmp_path: Path) -> None:
    before = content(tree)
    build(BuildRequest(source=str(tree)), Told())
    assert content(tree) == before
    assert [path for path in (tmp_path / "cache" / "build").iterdir() if not path.name.endswith(".lock")] == []


def test_the_same_is_built_once(tree: Path) -> None:
    first, again = Told(), Told()
    assert build(BuildRequest(source=str(tree)), first) == build(BuildRequest(source=str(tree)), again)
    assert first.compiled_files
    assert not again.compiled_files


@pytest.mark.parametrize("changed", ["source", "option", "patch", "fragment"])
def test_what_differs_is_built_anew(tree: Path, tmp_path: Path, changed: str) -> None:
    build(BuildRequest(source=str(tree)), Told())
    patch, fragment = tmp_path / "one.patch", tmp_path / "more.config"
    patch.write_text(
        "--- a/mm/mlock.c\n+++ b/mm/mlock.c\n@@ -1 +1 @@\n-int mlock(void) { return 0; }\n+int mlock(void) { return 1; }\n"
    )
    fragment.write_text("CONFIG_MORE=y\n")
    if changed == "source":
        (tree / "mm" / "mlock.c").write_text("int mlock(void) { return 2; }\n")
    request = BuildRequest(
        source=str(tree),
        fault_injection=changed == "option",
        patches=(patch,) if changed == "patch" else (),
        fragments=(fragment,) if changed == "fragment" else (),
    )
    told = Told()
    names = {"source": "linux+tiny", "option": "linux+fault-injection", "patch": "linux+one", "fragment": "linux+more"}
    assert build(request, told).name == names[changed]
    assert told.compiled_files


def hunk(file: str, old: str, new: str = "int mlock2(void);", line: int = 1) -> str:
    """Write a part of a patch."""
    return f"--- a/{file}\n+++ b/{file}\n@@ -{line} +{line} @@\n-{old}\n+{new}\n"


MLOCK, MMAP = (f"int {name}(void) {{ return 0; }}" for name in ("mlock", "mmap"))
GONE = "int munlock(void);"


@pytest.mark.parametrize(("text", "why"), [
    (hunk("mm/mlock.c", GONE), "mm/mlock.c, Hunk #1 FAILED at 1."),
    (hunk("mm/mlock.c", GONE) + hunk("mm/mmap.c", MMAP), "mm/mlock.c, Hunk #1 FAILED at 1."),
    (hunk("mm/mlock.c", MLOCK) + hunk("mm/mmap.c", GONE), "mm/mmap.c, Hunk #1 FAILED at 1."),
    (
        hunk("mm/mmap.c", GONE) + hunk("mm/mlock.c", GONE),
        "mm/mmap.c, Hunk #1 FAILED at 1.; mm/mlock.c, Hunk #1 FAILED at 1.",
    ),
    (
        hunk("mm/mmap.c", MMAP) + hunk("mm/vma.c", GONE) + hunk("mm/mlock.c", MLOCK),
        "mm/vma.c, there is no such file",
    ),
    (
        "".join(hunk(f"mm/{n}.c", GONE) for n in range(9)),
        "mm/0.c, there is no such file; mm/1.c, there is no such file; mm/2.c, there is no such file; and 6 more files",
    ),
    (
        hunk("mm/mlock.c", "int old;", MLOCK),
        "mm/mlock.c, Reversed (or previously applied) patch detected!  Skipping patch.",
    ),
    (
        "diff --git a/mm/x b/mm/x\nindex 0..1\nGIT binary patch\nliteral 3\nKc${NkU|;|M00aO5\n\n",
        "File mm/x: git binary diffs are not supported.",
    ),
    ("hello\n", "Only garbage was found in the patch input."),
    (
        hunk("mm/mmap.c", MMAP) + "--- a/mm/mlock.c\n+++ b/mm/mlock.c\n@@ -1 +1 @@\nint\n",
        "mm/mlock.c, malformed patch at line 9: int",
    ),
])  # fmt: skip
def test_a_patch_that_does_not_apply_says_where(tree: Path, tmp_path: Path, text: str, why: str) -> None:
    patch = tmp_path / "old.patch"
    patch.write_text(text)
    with pytest.raises(UsageError) as caught:
        build(BuildRequest(source=str(tree), patches=(patch,)), Told())
    assert str(caught.value) == f"{patch}: does not apply to {tree}: {why}"


def test_where_make_does_not_tell_how_much_there_is_the_count_is_told_alone(tree: Path) -> None:
    (tree / "Makefile").write_text(MAKEFILE.replace("set -e; echo", "printf '%s\\n'"))
    told = Told()
    build(BuildRequest(source=str(tree)), told)
    assert re.fullmatch(r"1 files compiled, now mm/m(lock|map)\.o", told.told[0])


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_an_empty_patch_is_refused(tree: Path, tmp_path: Path, text: str) -> None:
    patch = tmp_path / "no.patch"
    patch.write_text(text)
    with pytest.raises(UsageError) as caught:
        build(BuildRequest(source=str(tree), patches=(patch,)), Told())
    assert str(caught.value) == f"{patch}: the patch is empty; give one, as git diff or diff -u writes it"


def test_a_compiler_that_fails_is_quoted_and_the_whole_log_is_kept(tree: Path) -> None:
    (tree / "mm" / "mmap.c").write_text("int mmap(void) { return }\n")
    with pytest.raises(TargetError) as caught:
        build(BuildRequest(source=str(tree)), Told())
    lines = str(caught.value).splitlines()
    assert lines[0] == "make bzImage failed:"
    assert any("mm/mmap.c:1:25: error: expected expression" in line for line in lines)
    assert lines[-1].startswith("The whole log: ")
    assert "mm/mmap.c" in Path(lines[-1].removeprefix("The whole log: ")).read_text()


def test_a_needed_option_that_is_lost_ends_the_build_and_an_own_one_is_told(tree: Path, tmp_path: Path) -> None:
    fragment = tmp_path / "own.config"
    fragment.write_text("CONFIG_LOST=y\n")
    told = Told()
    build(BuildRequest(source=str(tree), fragments=(fragment,)), told)
    assert "this kernel cannot have CONFIG_LOST=y" in told.lines
    (tree / "Makefile").write_text(MAKEFILE.replace("CONFIG_LOST=", "CONFIG_PROC_FS="))
    with pytest.raises(UsageError, match="this kernel cannot have CONFIG_PROC_FS=y, which the probe needs"):
        build(BuildRequest(source=str(tree)), Told())


def test_what_a_killed_build_left_is_removed_by_the_next_one(tree: Path, tmp_path: Path) -> None:
    left = tmp_path / "cache" / "build" / "0123456789abcdef"
    left.mkdir(parents=True)
    (left / "big").write_bytes(bytes(100))
    (left.parent / ".0123456789abcdef.lock").touch()
    build(BuildRequest(source=str(tree)), Told())
    assert not left.exists()


def test_a_missing_tool_is_named_with_the_command_that_installs_it(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bc", "gcc", "gzip", "ld", "make", "perl", "tar"):
        (tools / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(tools))
    with pytest.raises(UsageError, match="building a kernel: bison, flex are not installed; apt install bison flex"):
        build(BuildRequest(source=str(tree)), Told())


@pytest.mark.parametrize("name", ["linux.tar", "linux.tar.gz"])
def test_a_tarball_is_built_as_the_tree_in_it(tree: Path, tmp_path: Path, name: str) -> None:
    shutil.make_archive(str(tmp_path / "linux"), "gztar" if name.endswith("gz") else "tar", tree.parent, tree.name)
    made = build(BuildRequest(source=str(tmp_path / name)), Told())
    assert made.name == "linux+tiny"
    assert stat.S_ISREG(kernel.find("linux+tiny").image.stat().st_mode)


SLOW = """\
slow: ; @echo $$PPID >"$(LOCKPROOF_TEST)/pids.new"; sleep 1000 & echo $$! >>"$(LOCKPROOF_TEST)/pids.new"; \\
\tmv "$(LOCKPROOF_TEST)/pids.new" "$(LOCKPROOF_TEST)/pids"; wait
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_build_that_is_ended_leaves_nothing_running_and_the_next_one_works(
    tree: Path, tmp_path: Path, number: signal.Signals
) -> None:
    makefile = MAKEFILE.replace("bzImage: ", "bzImage: $(if $(LOCKPROOF_TEST),slow) ") + SLOW
    (tree / "Makefile").write_text(makefile)
    environment = os.environ | {"LOCKPROOF_TEST": str(tmp_path)}
    process = start("kernel", "build", str(tree), cwd=tmp_path, env=environment)
    until((tmp_path / "pids").exists)
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == (-9 if number is signal.SIGKILL else 128 + number)
    if number is signal.SIGKILL:  # make ends with lockproof; of what it has started nobody knows
        until(lambda: not is_running(pids[0]))
        os.kill(pids[1], signal.SIGKILL)
    until(lambda: not any(map(is_running, pids)))
    done = lockproof("kernel", "build", str(tree), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (tmp_path / "cache" / "build").iterdir() if not path.name.startswith(".")] == []
