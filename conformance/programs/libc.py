# SPDX-License-Identifier: Apache-2.0
"""`lockproof libc`: what a C library offers of memory locking, what it says of it, and whether the cases agree."""

from __future__ import annotations

import platform
import re
import subprocess
from collections import Counter
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerDefSection, GNUVerSymSection
from elftools.elf.sections import SymbolTableSection

from lockproof.conformance.errors import LockproofError, UsageError
from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.language.loading import load
from lockproof.conformance.language.requirements import Profile
from lockproof.conformance.language.selection import select
from lockproof.conformance.running.engine import run_once
from lockproof.runners.target import make_target

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["report"]

_OPTIONS = {
    "_POSIX_MEMLOCK": (("mlockall", "munlockall"), ("mlockall", "munlockall")),
    "_POSIX_MEMLOCK_RANGE": (("mlock", "munlock"), ("mlock", "munlock")),
}
"""Each option (POSIX.1-2024, XBD unistd.h): the functions that it stands for, and the cases that ask them."""

_FUNCTIONS = ("mlock", "mlock2", "munlock", "mlockall", "munlockall")
_PLACES = (
    "lib/*/libc.so.6", "lib64/libc.so.6", "lib/libc.so.6", "usr/lib/*/libc.so.6", "usr/lib64/libc.so.6",
    "usr/lib/libc.so.6", "lib/ld-musl-*.so.1", "usr/lib/*/libc.so", "usr/lib/libc.so", "lib/libc.so",
)  # fmt: skip
_HEADERS = {
    "glibc": ("usr/include/*/bits/posix_opt.h", "usr/include/bits/posix_opt.h"),
    "musl": ("usr/include/*-musl*/unistd.h", "usr/include/unistd.h", "include/unistd.h"),
}
_DEFINE = re.compile(r"^\s*#\s*define\s+(?P<name>_POSIX_\w+)\s+(?P<value>\S+)", re.MULTILINE)
_LIMIT = 30.0  # seconds for asking sysconf


@dataclass(frozen=True, slots=True)
class _Libc:
    """A C library, as its file says."""

    path: Path
    kind: str
    """glibc or musl."""
    machine: str
    exports: Mapping[str, tuple[str, ...]]
    """For each function that it exports its symbol versions, the default one first; none where it has no versions."""


def report(where: str | None) -> tuple[str, bool]:
    """Describe a C library, or those below a root; also whether nothing disagrees.

    `where`: a file or a folder; None: the library of this machine. Raises UsageError where there is none.
    """
    own = _of_this_machine()
    root = Path(where) if where is not None else Path("/")
    paths = _found(root) if where is not None else [own]
    blocks, agree = [], True
    for path in paths:
        lines, agrees = _describe(_read(path), root, running=_runs_here(path, own))
        blocks.append("\n".join(lines))
        agree = agree and agrees
    return "\n\n".join(blocks), agree


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
        with path.open("rb") as stream:
            return stream.read(4) == b"\x7fELF"
    except OSError:
        return False


def _of_this_machine() -> Path:
    """Give the library that this Python itself has mapped."""
    for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines():
        path = Path(line.split(maxsplit=5)[-1])
        if re.fullmatch(r"libc[.-].*|ld-musl-.*", path.name):
            return path
    msg = "the C library of this machine is not found in /proc/self/maps; name its file"
    raise UsageError(msg)


def _runs_here(path: Path, own: Path) -> str:
    """Give the libc of a target local+libc=… that uses this very file; empty where none does."""
    if path.exists() and own.exists() and path.resolve() == own.resolve():
        return "musl" if "musl" in path.name else "glibc"
    musl = Path(f"/lib/ld-musl-{platform.machine()}.so.1")
    return "musl" if musl.exists() and path.resolve() == musl.resolve() else ""


def _read(path: Path) -> _Libc:
    try:
        with path.open("rb") as stream:
            elf = ELFFile(stream)
            exports = {name: tuple(versions) for name, versions in _exports(elf).items()}
            machine = elf.get_machine_arch()
            kind = "glibc" if any(isinstance(section, GNUVerDefSection) for section in elf.iter_sections()) else "musl"
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}"
        raise UsageError(msg) from error
    except (ELFError, ValueError, UnicodeError) as error:
        msg = f"{path}: is no library that can be read: {error}; name a libc.so.6, or the root of a system"
        raise UsageError(msg) from error
    if not exports:
        msg = f"{path}: exports none of {', '.join(_FUNCTIONS)}; is it a C library?"
        raise UsageError(msg)
    return _Libc(path, kind, machine, exports)


def _exports(elf: ELFFile) -> dict[str, list[str]]:
    sections = list(elf.iter_sections())
    names = {
        definition["vd_ndx"]: next(auxiliaries).name
        for section in sections
        if isinstance(section, GNUVerDefSection)
        for definition, auxiliaries in section.iter_versions()
    }
    numbers = next((section for section in sections if isinstance(section, GNUVerSymSection)), None)
    found: dict[str, list[str]] = {}
    for section in sections:
        if not isinstance(section, SymbolTableSection) or section["sh_type"] != "SHT_DYNSYM":
            continue
        for number, symbol in enumerate(section.iter_symbols()):
            if symbol.name not in _FUNCTIONS or symbol["st_shndx"] == "SHN_UNDEF":
                continue
            versions = found.setdefault(symbol.name, [])
            index = numbers.get_symbol(number)["ndx"] if numbers is not None else 0
            if isinstance(index, int) and (name := names.get(index & 0x7FFF)):
                versions.append(f"{name}{' (hidden)' if index & 0x8000 else ''}")
    return found


def _describe(libc: _Libc, root: Path, *, running: str) -> tuple[list[str], bool]:
    macros, header = _macros(libc, root)
    sysconf, why = _sysconf(libc)
    lines = [f"{libc.path}: {libc.kind}, {libc.machine}", "  exports"]
    for name in _FUNCTIONS:
        versions = libc.exports.get(name)
        lines.append(f"    {name:<11}{'no' if versions is None else ', '.join(versions) or 'yes'}")
    lines.append(f"  options   ({header or 'no header is found'}; sysconf{': ' + why if why else ''})")
    agree = True
    for option, (functions, cases) in _OPTIONS.items():
        says = {"macro": macros.get(option), "sysconf": sysconf.get(option)}
        text = ", ".join(f"{who} {value if value is not None else '?'}" for who, value in says.items())
        found, verdict = _verdict(says, cases, running, exported=set(functions) <= set(libc.exports))
        lines += [f"    {option}: {text}", f"      {verdict}"]
        agree = agree and found
    return lines, agree


def _macros(libc: _Libc, root: Path) -> tuple[dict[str, int], str]:
    """Read the macros of unistd.h as text, one that stands for another resolved."""
    above = (
        [root] if root.is_dir() else [parent for parent in root.resolve().parents if (parent / "usr/include").is_dir()]
    )
    for folder in above:
        for place in _HEADERS[libc.kind]:
            for header in sorted(folder.glob(place)):
                text: dict[str, str] = dict(_DEFINE.findall(header.read_text(encoding="utf-8", errors="replace")))
                if "_POSIX_MEMLOCK" in text:
                    values = {name: text.get(text[name], text[name]) for name in _OPTIONS if name in text}
                    return {name: int(value.rstrip("Ll")) for name, value in values.items()}, str(header)
    return {}, ""


def _sysconf(libc: _Libc) -> tuple[dict[str, int], str]:
    """Ask the library itself, by a program that its own loader starts; without an answer why there is none."""
    if libc.machine != _own_machine():
        return {}, f"not asked, it is of {libc.machine}"
    program = files("lockproof") / "native" / f"lockproof-options-{'musl' if libc.kind == 'musl' else 'libc'}"
    if not program.is_file():
        return {}, "not asked, lockproof was installed without musl-gcc"
    loader = libc.path if libc.kind == "musl" else _loader(libc.path)
    if loader is None:
        return {}, "not asked, no loader is found beside the library"
    library_path = ["--library-path", str(libc.path.parent)] if libc.kind == "glibc" else []
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


def _own_machine() -> str:
    with Path("/proc/self/exe").open("rb") as stream:
        return str(ELFFile(stream).get_machine_arch())


def _verdict(
    says: Mapping[str, int | None], cases: tuple[str, ...], running: str, *, exported: bool
) -> tuple[bool, str]:
    """Compare what is promised with what is there; whether nothing disagrees, and a sentence."""
    promises = {value > 0 for value in says.values() if value is not None}
    if len(promises) > 1:
        return False, "the macro and sysconf disagree"
    if promises and exported not in promises:
        return (
            False,
            "not promised, though its functions are there" if exported else "promised, but functions are missing",
        )
    if not running:
        return (
            True,
            f"its functions are {'there' if exported else 'missing'}; cases run with the libcs of this machine only",
        )
    counts = _run(f"local+libc={running}", cases)
    failed, passed = counts[Status.FAIL], counts[Status.PASS]
    others = sum(counts.values()) - failed - passed
    text = (
        f"cases of {' and '.join(cases)} on local+libc={running}: {passed} pass, {failed} fail, {others} without answer"
    )
    if promises == {True}:
        return not failed, f"{text}: {'they agree' if not failed else 'what is promised is not all kept'}"
    return True, text


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
