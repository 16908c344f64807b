# SPDX-License-Identifier: Apache-2.0
"""Programs of this machine; what is missing is named with the command that installs it."""

from __future__ import annotations

import os
import shutil

from lockproof.conformance.errors import UsageError
from lockproof.runners.architectures import ARCHITECTURES

__all__ = ["executable", "need", "need_all", "packages"]

_PACKAGES = {
    "apt-get": "apt",
    "dpkg-deb": "dpkg",
    "ld": "binutils",
    "xz": "xz-utils",
    "setpriv": "util-linux",
}
"""Where the package is not named as the program is, and the program is no QEMU."""


def need(program: str, why: str = "") -> str:
    """Return the path of a program; `why` begins the message. Raises UsageError where it is not installed."""
    return need_all([program], why)[program]


def need_all(programs: list[str], why: str = "") -> dict[str, str]:
    """Return the paths of programs by their names. Raises UsageError that names all of those that are not installed."""
    found = {program: shutil.which(program) for program in programs}
    if missing := [program for program, path in found.items() if path is None]:
        are = "is" if len(missing) == 1 else "are"
        msg = f"{why + ': ' if why else ''}{', '.join(missing)} {are} not installed; {packages(*missing)}"
        raise UsageError(msg)
    return {program: path for program, path in found.items() if path is not None}


def executable(command: str, what: str, hint: str = "check the path and its x bit") -> str:
    """Return the path of a command, a name to look up or a path. Raises UsageError where it cannot be executed."""
    path = shutil.which(command)
    if path is None:
        there = os.path.exists(command)  # noqa: PTH110  it may be a name to look up, not a path
        msg = f"{what}: {command} {'is not executable' if there else 'is not found'}; {hint}"
        raise UsageError(msg)
    return path


def packages(*programs: str) -> str:
    """Return the command that installs programs on Debian."""
    machines = {each.machine.program: each.machine.packages for each in ARCHITECTURES.values()}
    choices = [machines.get(program) or (_PACKAGES.get(program, program),) for program in programs]
    command = f"apt install {' '.join(sorted({choice[0] for choice in choices}))}"
    older = sorted({choice[1] for choice in choices if len(choice) > 1})
    return f"{command} (before Debian 13: {' '.join(older)})" if older else command
