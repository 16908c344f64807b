# SPDX-License-Identifier: Apache-2.0
"""`lockproof kernel build`: a small kernel, from sources, patches and configuration; the same is built only once.

The sources are copied, patched, configured and compiled in a folder of the cache that is gone afterwards, whatever
comes.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from lockproof.conformance.errors import TargetError, UsageError
from lockproof.conformance.files import read_input
from lockproof.runners.host import cache, processes, tools
from lockproof.runners.kernels import catalogue, config, image, series, source
from lockproof.runners.kernels.catalogue import CachedKernel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from lockproof.runners.kernels.source import Source

__all__ = ["ARCH", "BuildRequest", "Watcher", "Work", "build", "compiler", "cross_prefix", "need_tools"]

ARCH = "x86_64"
_TOOLS = ["bc", "bison", "flex", "gcc", "gzip", "ld", "make", "perl", "tar"]
_DOING = re.compile(r"  ([A-Z][A-Z0-9_]*)\s+(?:\[M\]\s+)?(\S+)")
"""What kbuild says that it does, and to which file."""
_COMPILING = ("CC", "AS")
_TO_COMPILE = re.compile(r"echo '  (?:CC|AS)\s")
_TAIL = 12
"""Lines of the log that a message shows."""
_SHOWN = 3
"""Files to which a patch does not apply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRequest:
    """What the user asked for."""

    source: str
    posixmlock: bool = False
    """Whether to apply the series that makes memory locks all or nothing."""
    fault_injection: bool = False
    patches: tuple[Path, ...] = ()
    fragments: tuple[Path, ...] = ()


class Watcher(Protocol):
    """Is told how it goes."""

    def say(self, line: str) -> None:
        """Tell what begins, or what was left out."""

    def progress(self, text: str) -> None:
        """Tell how far it is, in place of what was told so before."""


def build(request: BuildRequest, watcher: Watcher) -> CachedKernel:
    """Build a kernel, or take it from the cache, and enter it into the catalogue.

    Raises UsageError where something is missing or does not fit, TargetError where the compiler fails, StoreError.
    """
    cross = cross_prefix()
    need_tools(cross, ["patch"] if request.patches or request.posixmlock else [])
    own_patches = [(str(path), _read(path)) for path in request.patches]
    own = [config.own(path) for path in request.fragments]
    patches = [*(series.patches(request.source) if request.posixmlock else []), *own_patches]
    sources = source.resolve(request.source, watcher.say)
    needed, optional = config.fragments(fault_injection=request.fault_injection)
    parts = (sources.digest, [text for _, text in patches], needed, optional, own, compiler(cross))
    digest = hashlib.sha256(repr(parts).encode()).hexdigest()[:16]

    def make(new: Path) -> None:
        with _workspace(digest, watcher) as (folder, lock):
            work = Work(folder, lock, folder.with_suffix(".log"), cross, watcher)
            watcher.say(f"unpacking {request.source}")
            sources.unpack(work.tree, lock)
            for name, text in patches:
                work.patch(name, text, request.source)
            for line in config.check(work.configure([needed, optional, *own]), needed, own):
                watcher.say(line)
            work.compile()
            shutil.copyfile(work.image, new)

    built = cache.once(cache.directory() / "kernels" / "built" / digest, make, watcher.say)
    wanted = CachedKernel(
        name=_name(request, sources),
        arch=ARCH,
        version=image.linux_version(built),
        origin=f"built from {request.source}, {digest}",
    )
    return catalogue.store(wanted, lambda new: _copy(built, new), watcher.say)


def _name(request: BuildRequest, sources: Source) -> str:
    added = [*request.patches, *request.fragments]
    flags = {"posixmlock": request.posixmlock, "fault-injection": request.fault_injection}
    options = [name for name, given in flags.items() if given] or ([] if added else ["tiny"])
    return "+".join([sources.name, *options, *(re.sub(r"[^\w.~-]", "-", path.stem) for path in added)])


def cross_prefix() -> str:
    """Return what the names of the compiler's programs begin with."""
    return "" if platform.machine() == ARCH else "x86_64-linux-gnu-"


def need_tools(cross: str, more: Sequence[str] = ()) -> None:
    """Raise UsageError where something that builds a kernel, or one of the other tools, is missing."""
    why = "building a kernel"
    tools.need_all([*_TOOLS, *more, *([f"{cross}gcc"] if cross else [])], why)
    # objtool, a part of the kernel's build, reads ELF files.
    for header, package in (("stdio.h", "libc6-dev"), ("gelf.h", "libelf-dev")):
        command = ["gcc", "-E", "-include", header, "-x", "c", "/dev/null"]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            msg = f"{why}: the header {header} is not installed; apt install {package}"
            raise UsageError(msg)


def _read(path: Path) -> bytes:
    try:
        text = read_input(path)
    except OSError as error:
        msg = f"{path}: the patch cannot be read: {error.strerror}"
        raise UsageError(msg) from error
    if not text.strip():
        msg = f"{path}: the patch is empty; give one, as git diff or diff -u writes it"
        raise UsageError(msg)
    return text


def compiler(cross: str) -> list[str]:
    """Return what compiler and linker say of themselves: another one makes another kernel."""
    commands = [f"{cross}gcc", "--version"], [f"{cross}ld", "--version"]
    return [subprocess.run(each, capture_output=True, text=True, check=False).stdout for each in commands]


def _copy(built: Path, new: Path) -> None:
    shutil.copyfile(built, new)


@contextmanager
def _workspace(digest: str, watcher: Watcher) -> Iterator[tuple[Path, int]]:
    """Yield a folder for a build, which goes with it, and its lock; those of lockproofs that were killed go too."""
    top = cache.directory() / "build"
    with cache.reporting(top):
        top.mkdir(parents=True, exist_ok=True)
        for other in top.glob(".*.lock"):
            _remove_abandoned(other)
    folder = top / digest
    with cache.locked(folder, watcher.say) as lock:
        try:
            with cache.reporting(folder):
                shutil.rmtree(folder, ignore_errors=True)  # of a lockproof that was killed meanwhile
                yield folder, lock
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned(lock: Path) -> None:
    with lock.open() as file, suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(lock.with_name(lock.name[1 : -len(".lock")]), ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Work:
    """A build under way."""

    folder: Path
    lock: int
    """A descriptor; what a lockproof that is killed leaves running keeps the folder locked by it."""
    log: Path
    cross: str
    watcher: Watcher
    sources: Path | None = None
    """A tree that is not touched; None: the one that is in the folder."""

    @property
    def tree(self) -> Path:
        """The sources."""
        return self.sources or self.folder / "linux"

    @property
    def output(self) -> Path:
        """Where what is built goes."""
        return self.folder / "out" if self.sources else self.tree

    @property
    def image(self) -> Path:
        """The kernel, once it is compiled."""
        return self.output / "arch/x86/boot/bzImage"

    def patch(self, name: str, text: bytes, where: str) -> None:
        """Change the sources. Raises UsageError where the patch does not apply."""
        rejects = self.folder / "rejects"
        command = ["patch", "-p1", "--forward", "--batch", f"--reject-file={rejects}"]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        done = processes.run(command, cwd=self.tree, input=text, pass_fds=(self.lock,), **streams)
        said = done.stdout.decode(errors="replace").splitlines()
        if done.returncode:
            msg = f"{name}: does not apply to {where}: {'; '.join(_failures(said)) or ' '.join(said[-1:])}"
            raise UsageError(msg)

    def configure(self, fragments: list[str]) -> str:
        """Write .config, and give what the kernel made of it."""
        self.watcher.say("configuring")
        result = self.output / ".config"
        if self.sources is None:
            self._make("mrproper")
        self._make("tinyconfig")
        with result.open("a", encoding="utf-8") as file:
            file.writelines(fragments)
        self._make("olddefconfig")
        return result.read_text(encoding="utf-8")

    def compile(self) -> None:
        """Make the kernel. Raises TargetError with what the compiler said."""
        self.watcher.say("compiling; log: " + str(self.log))
        # Where a build goes on, make cannot tell: the configuration is newer than what it is made into.
        about = 0 if self.sources else self._to_compile()
        jobs = len(os.sched_getaffinity(0))
        self._make("bzImage", f"-j{jobs}", about=about)
        self.log.unlink()

    def _to_compile(self) -> int:
        """Return about how many files are to be compiled: what make would do before it links; 0: it does not tell."""
        command = [*self._command, "-n", "bzImage"]
        # It ends in an error where it would link what is not there.
        done = subprocess.run(command, cwd=self.tree, env=_environment(), capture_output=True, check=False)
        return len(_TO_COMPILE.findall(done.stdout.decode(errors="replace")))

    @property
    def _command(self) -> list[str]:
        elsewhere = [f"O={self.output}"] if self.sources else []
        return ["make", f"ARCH={ARCH}", f"CROSS_COMPILE={self.cross}", *elsewhere]

    def _make(self, *arguments: str, about: int = 0) -> None:
        command = [*self._command, *arguments]
        with (
            self.log.open("w", encoding="utf-8") as log,
            processes.started(
                command,
                pass_fds=(self.lock,),
                cwd=self.tree,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            ) as making,
        ):
            count = 0
            for line in making.stdout or ():
                log.write(line)
                if match := _DOING.match(line):
                    count += match[1] in _COMPILING
                    self.watcher.progress(_so_far(count, about, match[1], match[2]))
        if making.returncode:
            raise self._failed(arguments[0])

    def _failed(self, what: str) -> TargetError:
        lines = self.log.read_text(encoding="utf-8").splitlines()
        full = next((line for line in lines if "No space left on device" in line), None)
        if full is not None:
            return TargetError(f"{self.folder}: no space left; make room, or set LOCKPROOF_CACHE to a folder with more")
        first = next((number for number, line in enumerate(lines) if re.search(r"\b[Ee]rror\b", line)), len(lines))
        shown = "\n".join(f"  {line}" for line in lines[max(0, first - 2) :][:_TAIL])
        return TargetError(f"make {what} failed:\n{shown}\nThe whole log: {self.log}")


def _environment() -> dict[str, str]:
    """Return the environment without what would change the result.

    That is another architecture or folder, and the time and the name of the machine.
    """
    ignored = ("MAKEFLAGS", "MFLAGS", "CROSS_COMPILE", "KBUILD_OUTPUT", "KCFLAGS", "LOCALVERSION", "O")
    return {key: value for key, value in os.environ.items() if key not in ignored} | {
        "LC_ALL": "C",
        "KBUILD_BUILD_TIMESTAMP": "1970-01-01",
        "KBUILD_BUILD_USER": "lockproof",
        "KBUILD_BUILD_HOST": "lockproof",
    }


def _so_far(count: int, about: int, doing: str, file: str) -> str:
    """Say how far a build is; the files of the boot loader, at the end, are not among those that were counted."""
    of_all = f" of about {about}" if about and count <= about else ""
    return f"{count}{of_all} files compiled, now {'' if doing in _COMPILING else f'{doing} '}{file}"


_PATCHING = "patching "
_FAILURE = re.compile(r"Hunk #\d+ (?:FAILED|ignored)|Reversed|can't find file|malformed|garbage|not supported|is not a")


def _failures(said: list[str]) -> list[str]:
    """Return what failed of a patch: each file with the first line that patch has to say of it."""
    found: dict[str, str] = {}
    file = ""
    missing = False
    for line in said:
        if line.startswith(_PATCHING):
            file, missing = line.split(" ", 2)[2], False
        elif line.startswith("can't find file"):
            missing = True
        elif missing and line.startswith("|+++ "):  # the header of the file that is not there
            found.setdefault(line.split()[1].partition("/")[2], "there is no such file")
            missing = False
        elif _FAILURE.search(line):
            found.setdefault(file, line.strip().removeprefix("patch: **** "))
    shown = [", ".join(filter(None, each)) for each in found.items()]
    more = len(shown) - _SHOWN
    return [*shown[:_SHOWN], f"and {more} more files"] if more > 1 else shown
