# SPDX-License-Identifier: Apache-2.0
"""What can be read of a program before it runs: whether it can be traced as it is, and what it imports."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lockproof.conformance.errors import UsageError
from lockproof.conformance.files import open_input
from lockproof.conformance.programs import elf

__all__ = ["Executable", "Import", "examine"]

_LISTED = re.compile(r"^\s*(?P<name>\S+)(?: => (?P<path>.+?))?(?: \(0x[0-9a-f]+\))?$")
_LOADER_LIMIT = 30.0  # seconds
_EFFECTIVE = re.compile(r"^CapEff:\s*([0-9a-f]+)$", re.MULTILINE)
_CAP_SYS_PTRACE, _CAP_SYS_ADMIN = 19, 21
_SHEBANG = 256  # bytes of the first line, as many as Linux reads


@dataclass(frozen=True, slots=True)
class Import:
    """A function that a program or library takes from another."""

    object: str
    """Path of who imports."""
    function: str
    version: str
    """Symbol version, such as GLIBC_2.2.5; empty where there is none."""


@dataclass(frozen=True, slots=True)
class Executable:
    """A program that can be traced."""

    path: str
    script_of: str
    """Where the program is a script: the interpreter that is examined in its place; else empty."""
    loader: str
    """The dynamic loader that it asks for; empty: it is statically linked."""
    libraries: tuple[str, ...]
    imports: tuple[Import, ...]


def examine(command: str) -> Executable:
    """Look at a program. Raises UsageError where there is none, or it would run as another user than by itself."""
    path = _found(command)
    interpreter = _interpreter(path)
    subject = interpreter or path
    _not_secure(subject, command)
    program = elf.read(subject, f"{command}: is neither an ELF program nor a script", "name a program")
    libraries = _libraries(program, subject, command) if program.interpreter else ()
    others = {file: elf.read(file, f"{file}: its symbols cannot be read", "is the file damaged?") for file in libraries}
    imports = (
        Import(file, symbol.function, symbol.version)
        for file, read in {subject: program, **others}.items()
        for symbol in read.symbols
        if not symbol.is_exported
    )
    return Executable(path, interpreter, program.interpreter, libraries, tuple(imports))


def _found(command: str) -> str:
    path = shutil.which(command)
    if path is not None:
        return path
    if "/" not in command:
        msg = f"{command}: not found on PATH; check the name, or write its path"
    elif not os.path.lexists(command):
        msg = f"{command}: there is no such file; check the path"
    elif Path(command).is_dir():
        msg = f"{command}: is a directory; name a program"
    else:
        msg = f"{command}: is not executable; check its x bit"
    raise UsageError(msg)


def _interpreter(path: str) -> str:
    """Return the path of the program that runs a script; empty where the file is none. Raises UsageError."""
    try:
        with open_input(Path(path)) as stream:
            line = stream.read(_SHEBANG).split(b"\n")[0]
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}; what it imports is not known then"
        raise UsageError(msg) from error
    if not line.startswith(b"#!"):
        return ""
    words = line[2:].decode(errors="replace").split()
    if len(words) > 1 and Path(words[0]).name == "env":
        words = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
    found = shutil.which(words[0]) if words else None
    if found is None:
        named = words[0] if words else "none"
        msg = f"{path}: is a script whose interpreter, {named}, is not found; check its first line"
        raise UsageError(msg)
    return found


def _not_secure(path: str, command: str) -> None:
    """Refuse what would not get the rights of its file while it is traced (execve(2), ptrace(2))."""
    status = Path(path).stat()
    what = ""
    if status.st_mode & stat.S_ISUID and status.st_uid != os.getuid():
        what = f"is setuid to user {status.st_uid}"
    elif status.st_mode & stat.S_ISGID and status.st_mode & stat.S_IXGRP and status.st_gid != os.getgid():
        what = f"is setgid to group {status.st_gid}"
    elif os.getuid() and _has_capabilities(path):
        what = "has file capabilities"
    if what and not _may_trace_everything():
        why = "which has no effect while it is traced without CAP_SYS_PTRACE and CAP_SYS_ADMIN"
        msg = f"{command}: {what}, {why}; run it with them, or as that user"
        raise UsageError(msg)


def _may_trace_everything() -> bool:
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    match = _EFFECTIVE.search(status)
    return match is not None and all(int(match[1], 16) & 1 << number for number in (_CAP_SYS_PTRACE, _CAP_SYS_ADMIN))


def _has_capabilities(path: str) -> bool:
    try:
        return bool(os.getxattr(path, "security.capability"))
    except OSError:
        return False  # none, or a file system without them


def _libraries(program: elf.Elf, path: str, command: str) -> tuple[str, ...]:
    """Ask the loader itself which libraries it would load: only it knows its cache and rules. Raises UsageError."""
    loader = program.interpreter
    if not Path(loader).exists():
        msg = f"{command}: its loader, {loader}, is not installed; install the libc that it was built for"
        raise UsageError(msg)
    environment = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}
    try:
        done = subprocess.run(
            [loader, "--list", os.path.realpath(path)],  # $ORIGIN is where /proc/self/exe leads to
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_LOADER_LIMIT,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        msg = f"{command}: its loader, {loader}, does not list its libraries: {error}"
        raise UsageError(msg) from error
    found = []
    for line in done.stdout.splitlines():
        match = _LISTED.match(line)
        if match is None:
            continue
        if match["path"] == "not found":
            msg = f"{command}: its library {match['name']} is not found; install it, or set LD_LIBRARY_PATH"
            raise UsageError(msg)
        file = match["path"] or match["name"]
        if file.startswith("/") and Path(file).is_file():
            found.append(file)
    if done.returncode and program.needs_libraries:
        said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        msg = f"{command}: the loader cannot load it: {said}"
        raise UsageError(msg)
    return tuple(dict.fromkeys(found))
