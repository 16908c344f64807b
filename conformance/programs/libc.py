# SPDX-License-Identifier: Apache-2.0
"""What a C library offers of memory locking, what it says of it, and whether the cases agree."""

from __future__ import annotations

import platform
import re
import subprocess
from collections import Counter
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from lockproof.conformance.errors import LockproofError, UsageError
from lockproof.conformance.files import open_input, read_input
from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.language.loading import load
from lockproof.conformance.language.requirements import Profile
from lockproof.conformance.language.selection import select
from lockproof.conformance.programs import elf
from lockproof.conformance.running.engine import run_once
from lockproof.runners.target import make_target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lockproof.conformance.programs.elf import Elf

__all__ = ["Libc", "Option", "describe"]

_OPTIONS = {
    "_POSIX_MEMLOCK": (("mlockall", "munlockall"), ("mlockall", "munlockall")),
    "_POSIX_MEMLOCK_RANGE": (("mlock", "munlock"), ("mlock", "munlock")),
}
"""Each option (POSIX.1-2024, XBD unistd.h): the functions that it stands for, and the cases that ask them."""

_PLACES = (
    "lib/*/libc.so.6", "lib64/libc.so.6", "lib/libc.so.6", "usr/lib/*/libc.so.6", "usr/lib64/libc.so.6",
    "usr/lib/libc.so.6", "lib/ld-musl-*.so.1", "usr/lib/*/libc.so", "usr/lib/libc.so", "lib/libc.so",
)  # fmt: skip
_HEADERS = {
    "glibc": ("usr/include/*/bits/posix_opt.h", "usr/include/bits/posix_opt.h"),
    "musl": ("usr/include/*-musl*/unistd.h", "usr/include/unistd.h", "include/unistd.h"),
}
_DEFINE = re.compile(r"^\s*#\s*define\s+(?P<name>_POSIX_\w+)\s+(?P<value>\S+)", re.MULTILINE)
_NUMBER = re.compile(r"\(?(-?[0-9]+)[Ll]*\)?")
_LIMIT = 30.0  # seconds for asking sysconf
_NOT_STARTED = "not asked, it is not this machine's; --run starts it"


@dataclass(frozen=True, slots=True)
class Option:
    """An option of POSIX (XBD unistd.h): what a library says of it, and what is there."""

    name: str
    macro: int | None
    """What the header has; None: not known."""
    sysconf: int | None
    """What the library answers; None: it cannot be asked."""
    is_exported: bool
    """Whether all its functions are exported."""
    target: str = ""
    """On which its cases were run; empty: they were not."""
    cases: tuple[str, ...] = ()
    """What was run."""
    verdicts: Mapping[Status, int] | None = None
    """Counts of cases."""

    @property
    def promises(self) -> set[bool]:
        """Whether the option is promised, as macro and sysconf have it; empty where neither is known."""
        return {value > 0 for value in (self.macro, self.sysconf) if value is not None}

    @property
    def agrees(self) -> bool:
        """Whether macro, sysconf, the functions and the cases do not contradict each other."""
        if len(self.promises) > 1 or self.promises == {not self.is_exported}:
            return False
        return self.promises != {True} or not (self.verdicts or {}).get(Status.FAIL)


@dataclass(frozen=True, slots=True)
class Libc:
    """A C library."""

    path: Path
    kind: str
    """glibc or musl."""
    machine: str
    exports: Mapping[str, tuple[str, ...]]
    """For each function that it exports its symbol versions, the default one first; none where it has no versions."""
    header: str
    """Path of the header that has its macros; empty: none is found."""
    not_asked: str
    """Why sysconf was not asked; empty: it was."""
    options: tuple[Option, ...]


def describe(where: str | None, *, run: bool = False) -> list[Libc]:
    """Look at a C library, or at those below a root.

    `where`: a file or a folder; None: the library of this machine. `run`: whether a library that is not this machine's
    may be started, to ask it; all others are only read. Raises UsageError where there is none.
    """
    if where == "":
        msg = "the path is empty; name a libc.so.6, or the root of a system"
        raise UsageError(msg)
    own = _of_this_machine()
    root = Path(where) if where is not None else Path("/")
    paths = _found(root) if where is not None else [own]
    return [_libc(path, root, _running(path, own), run=run) for path in paths]


def _libc(path: Path, root: Path, running: str, *, run: bool) -> Libc:
    hint = "name a libc.so.6, or the root of a system"
    read = elf.read(path, f"{path}: is no library that can be read", hint)
    exports = _exports(read)
    if not exports:
        msg = f"{path}: exports none of {', '.join(elf.FUNCTIONS)}; is it a C library?"
        raise UsageError(msg)
    kind = "glibc" if read.defines_versions else "musl"
    macros, header = _macros(kind, path, root)
    answers, why_not = _sysconf(kind, read.machine, path) if running or run else ({}, _NOT_STARTED)
    options = []
    for name, (functions, cases) in _OPTIONS.items():
        option = Option(name, macros.get(name), answers.get(name), set(functions) <= set(exports))
        if running and option.agrees:
            target = f"local+libc={running}"
            option = replace(option, target=target, cases=cases, verdicts=_run(target, cases))
        options.append(option)
    return Libc(path, kind, read.machine, exports, header, why_not, tuple(options))


def _exports(read: Elf) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {symbol.function: [] for symbol in read.symbols if symbol.is_exported}
    for symbol in read.symbols:
        if symbol.is_exported and symbol.version:
            found[symbol.function].append(f"{symbol.version}{' (hidden)' if symbol.is_hidden else ''}")
    return {function: tuple(versions) for function, versions in found.items()}


def _found(root: Path) -> list[Path]:
    if root.is_file():
        return [root]
    if not root.is_dir():
        msg = f"{root}: there is no such file or folder; name a libc.so.6, or the root of a system"
        raise UsageError(msg)
    found = {path.resolve(): path for place in _PLACES for path in sorted(root.glob(place)) if _is_elf(path)}
    if not found:
        msg = f"{root}: no C library is found below it (looked for {', '.join(_PLACES[:3])}, …); name its file"
        raise UsageError(msg)
    return list(found.values())


def _is_elf(path: Path) -> bool:
    """Whether it is no linker script, which libc.so of glibc is."""
    try:
        with open_input(path) as stream:
            return stream.read(4) == b"\x7fELF"
    except OSError:
        return False


def _of_this_machine() -> Path:
    """Return the library that this Python itself has mapped. Raises UsageError."""
    for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines():
        path = Path(line.split(maxsplit=5)[-1])
        if re.fullmatch(r"libc[.-].*|ld-musl-.*", path.name):
            return path
    msg = "the C library of this machine is not found in /proc/self/maps; name its file"
    raise UsageError(msg)


def _running(path: Path, own: Path) -> str:
    """Return the libc of a target local+libc=… that uses this very file; empty where none does."""
    if path.exists() and own.exists() and path.resolve() == own.resolve():
        return "musl" if "musl" in path.name else "glibc"
    musl = Path(f"/lib/ld-musl-{platform.machine()}.so.1")
    return "musl" if musl.exists() and path.resolve() == musl.resolve() else ""


def _macros(kind: str, path: Path, root: Path) -> tuple[dict[str, int], str]:
    """Read the macros of unistd.h as text, one that stands for another resolved."""
    above = [root] if root.is_dir() else [up for up in path.resolve().parents if (up / "usr/include").is_dir()]
    for folder in above:
        for place in _HEADERS[kind]:
            for header in sorted(folder.glob(place)):
                text: dict[str, str] = dict(_DEFINE.findall(_text(header)))
                if "_POSIX_MEMLOCK" in text:
                    values = {name: text.get(text[name], text[name]) for name in _OPTIONS if name in text}
                    numbers = {name: _NUMBER.fullmatch(value) for name, value in values.items()}
                    return {name: int(number[1]) for name, number in numbers.items() if number}, str(header)
    return {}, ""


def _text(path: Path) -> str:
    """Return the text of a header; empty where it cannot be read."""
    try:
        return read_input(path).decode(errors="replace")
    except OSError:
        return ""


def _sysconf(kind: str, machine: str, path: Path) -> tuple[dict[str, int], str]:
    """Ask the library itself, by a program that its own loader starts; without an answer why there is none."""
    if machine != elf.read("/proc/self/exe", "this Python cannot be read", "install it again").machine:
        return {}, f"not asked, it is of {machine}"
    program = files("lockproof") / "native" / f"lockproof-options-{kind}"
    if not program.is_file():
        return {}, f"not asked, lockproof was installed without a compiler for {kind}"
    loader = path if kind == "musl" else _loader(path)
    if loader is None:
        return {}, "not asked, no loader is found beside the library"
    library_path = ["--library-path", str(path.parent)] if kind == "glibc" else []
    try:
        done = subprocess.run(
            [str(loader), *library_path, str(program)], capture_output=True, text=True, check=False, timeout=_LIMIT
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return {}, f"not known, its loader cannot be started: {error}"
    if done.returncode:
        return {}, f"not known, asking it ended with {done.returncode}"
    return {name: int(value) for name, value in (line.split() for line in done.stdout.splitlines())}, ""


def _loader(path: Path) -> Path | None:
    """Find the loader that belongs to a glibc: beside it, or where the ABI wants it."""
    folders = (
        path.parent,
        *(parent / "lib64" for parent in path.parents),
        *(parent / "lib" for parent in path.parents),
    )
    return next((loader for folder in folders for loader in sorted(folder.glob("ld-linux*.so.*"))), None)


def _run(target: str, patterns: tuple[str, ...]) -> Counter[Status]:
    """Run the cases of POSIX; a target that breaks gives no answer to the rest."""
    corpus = load(None)
    cases = [case for case in select(corpus.cases, patterns) if case.profile is Profile.POSIX and not case.closing]
    counts: Counter[Status] = Counter()
    try:
        with make_target(target).session() as session:
            for case in cases:
                counts[run_once(case, target, session, corpus.requirements).verdict.status] += 1
    except LockproofError:
        counts[Status.UNRESOLVED] += len(cases) - sum(counts.values())
    return counts
