# SPDX-License-Identifier: Apache-2.0
"""Fragments of a kernel's configuration (native/kernel), and what of them survived `make olddefconfig`."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING

from lockproof.conformance.errors import UsageError
from lockproof.conformance.files import read_input

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["check", "fragments", "own", "parse"]

_SET = re.compile(r"(CONFIG_\w+)=(.+)")
_UNSET = re.compile(r"# (CONFIG_\w+) is not set")

Options = dict[str, str]
"""Value by name; n: not set."""


def fragments(*, fault_injection: bool) -> tuple[str, str]:
    """Return lockproof's own fragments: what a kernel must have, and what it should."""
    folder = files("lockproof") / "native" / "kernel"
    needed = ["base.config", *(["fault-injection.config"] if fault_injection else [])]
    return "".join((folder / name).read_text() for name in needed), (folder / "optional.config").read_text()


def own(path: Path) -> str:
    """Read a user's fragment. Raises UsageError where it is none."""
    try:
        text = read_input(path).decode()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        msg = f"{path}: cannot be read as a fragment of configuration: {why}; give a file of lines CONFIG_NAME=value"
        raise UsageError(msg) from error
    for number, line in enumerate(text.splitlines(), 1):
        if not (_SET.fullmatch(line) or line.startswith("#") or not line.strip()):
            msg = f"{path}:{number}: no option: {line.strip()!r}; write CONFIG_NAME=value or # CONFIG_NAME is not set"
            raise UsageError(msg)
    if not parse(text):
        msg = f"{path}: has no option; write CONFIG_NAME=value or # CONFIG_NAME is not set"
        raise UsageError(msg)
    return f"{text}\n"


def parse(text: str) -> Options:
    """Read options; the last of a name counts."""
    found: Options = {}
    for line in text.splitlines():
        if match := _SET.fullmatch(line):
            found[match[1]] = match[2]
        elif match := _UNSET.fullmatch(line):
            found[match[1]] = "n"
    return found


def check(result: str, needed: str, others: Iterable[str]) -> list[str]:
    """Compare a configuration with what was asked for.

    Raises UsageError where what is needed was lost, unless `others`, the user's fragments, ask for it to be
    different. Returns a line for each of those that lost something.
    """
    options, required = parse(result), parse(needed)
    wishes = [parse(text) for text in others]
    last: Options = {}
    for wish in wishes:
        last |= wish
    if lost := _lost(options, {name: value for name, value in required.items() if last.get(name, value) == value}):
        msg = f"this kernel cannot have {', '.join(lost)}, which the probe needs; give another version of the sources"
        raise UsageError(msg)
    return [f"this kernel cannot have {', '.join(lost)}" for wish in wishes if (lost := _lost(options, wish))]


def _lost(options: Options, wish: Options) -> list[str]:
    return [f"{name}={value}" for name, value in wish.items() if options.get(name, "n") != value]
