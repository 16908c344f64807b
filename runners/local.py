# SPDX-License-Identifier: Apache-2.0
"""`local`: the running kernel. With options, by the functions of a libc and with shims in front of them.

local+libc                          a program's way: the functions of this system's libc; +libc=musl, glibc: of that one
local+posixmlock                    with libposixmlock.so in front of them
local+fault=RULES                   with libfault.so, which lets them misbehave (docs/inject.md)
local+posixmlock+fault              libfault.so behind the other: it fails the calls of the wrapper, one after another,
                                    as the provider `shim` of the faults of a case
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from lockproof.conformance.errors import UsageError, suggest
from lockproof.runners import shims
from lockproof.runners.host.tools import executable
from lockproof.runners.probe.compiled import host_probe
from lockproof.runners.probe.session import ProbeTarget

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["make", "names"]

_LIBCS = {
    "glibc": "install lockproof on a system with glibc",
    "musl": "install musl's compiler (Debian, Ubuntu: apt install musl-tools) and lockproof again",
}
"""What lockproof has a probe for; and what to do where it was installed without."""


def make(argument: str) -> ProbeTarget:
    """Make the target `local`, or one with options, each with a + before it. Raises UsageError."""
    if not argument:
        return ProbeTarget("local", (host_probe(),), files={"probe": host_probe()})
    name = f"local{argument}"
    first, *options = argument.split("+")
    if first:
        msg = (
            f"target 'local:{argument}': local takes no argument; write local, or local+OPTION ({', '.join(_OPTIONS)})"
        )
        raise UsageError(msg)
    made = _Made()
    for option in options:
        key, _, value = option.partition("=")
        if key not in _OPTIONS:
            msg = f"target {name!r}: no option is called {key!r}; {suggest(key, _OPTIONS)}"
            raise UsageError(msg)
        _OPTIONS[key](made, value, f"target {name!r}")
    libc = made.libc or _own_libc()
    program = str(files("lockproof") / "native" / f"lockproof-probe-{libc}")
    probe = executable(program, f"target {name!r}: the probe for {libc}", _LIBCS[libc])
    environment = {"LD_PRELOAD": ":".join(made.preload), shims.FAULT_VARIABLE: made.fault}
    return ProbeTarget(name, (probe,), environment, {"probe": probe})


def names() -> tuple[str, ...]:
    """Return the arguments that name a target on every machine."""
    return ("", "+libc", "+posixmlock")


@dataclass
class _Made:
    """What the options say, one after another."""

    libc: str = ""
    """Empty: this system's."""
    preload: tuple[str, ...] = ()
    fault: str = ""


def _own_libc() -> str:
    return "glibc" if platform.libc_ver()[0] == "glibc" else "musl"


def _libc(made: _Made, value: str, where: str) -> None:
    if value and value not in _LIBCS:
        msg = f"{where}: no libc is called {value!r}; {suggest(value, _LIBCS)}"
        raise UsageError(msg)
    made.libc = value or made.libc


def _posixmlock(made: _Made, value: str, where: str) -> None:
    if value:
        msg = f"{where}: posixmlock takes no value; write +posixmlock"
        raise UsageError(msg)
    made.preload += (shims.path("posixmlock"),)


def _fault(made: _Made, value: str, where: str) -> None:
    made.preload += (shims.path("fault"),)
    made.fault = ",".join(map(str, shims.read_rules(value, where))) if value else ""


_OPTIONS: dict[str, Callable[[_Made, str, str], None]] = {"libc": _libc, "posixmlock": _posixmlock, "fault": _fault}
