# SPDX-License-Identifier: Apache-2.0
"""`lockproof export programs`: a folder to be carried to a machine on which nothing but a shell is."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from lockproof.conformance.commands.printed import Printed
from lockproof.conformance.commands.watching import watching
from lockproof.conformance.counted import counted
from lockproof.conformance.errors import StoreError
from lockproof.conformance.files import read_input
from lockproof.conformance.language.loading import load
from lockproof.conformance.language.selection import select
from lockproof.conformance.offline import Exported, Probe, contents
from lockproof.conformance.programs.elf import build_id
from lockproof.runners.probe import host_probe, probe_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

__all__ = ["ProgramsRequest", "programs"]

_EXECUTABLE = (b"\x7fELF", b"#!")
"""How files begin that are to be executed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramsRequest:
    """What the user asked for."""

    output: Path
    """The folder, which is made."""
    selection: tuple[str, ...] = ()
    cases: Path | None = None
    arch: str | None = None
    """Of the machine; None: that of this one."""


def programs(request: ProgramsRequest, progress: Console) -> Printed:
    """Write the folder. Raises UsageError where the probe cannot be compiled, or no case is called so; StoreError."""
    cases = select(load(request.cases).cases, request.selection)
    path = Path(host_probe())
    if request.arch is not None:
        with watching(progress) as watcher:
            path = probe_for(request.arch, watcher.say)
    executable = read_input(path)
    arch = request.arch or platform.machine()
    probe = Probe.of(arch, executable, build_id(executable))
    exported = Exported.of(version("lockproof"), probe, request.selection, cases)
    _write(request.output, contents(exported, cases, executable))
    there = f"{counted(len(cases), 'program')} for {arch}"
    return Printed(f"{request.output}/ has {there}; carry it there, run.sh runs them; then: lockproof judge FOLDER")


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    try:
        folder.mkdir(parents=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
            if content.startswith(_EXECUTABLE):
                (folder / name).chmod(0o755)
    except FileExistsError as error:
        msg = f"{folder}: there already; name a new folder with -o"
        raise StoreError(msg) from error
    except OSError as error:
        msg = f"{folder}: cannot be written: {error.strerror}; name another folder with -o"
        raise StoreError(msg) from error
