# SPDX-License-Identifier: Apache-2.0
"""Options of a TARGET text that say what a guest runs on and with: `qemu:debian/6.12+memory=1024+append=lsm=`.

They are a part of the text, so that all that goes by it, results, resumed runs, baselines, comparisons and
certificates, takes no machine for another. This is the one place that reads and writes them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lockproof.conformance.errors import UsageError, suggest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["MACHINE", "TAKES", "apart", "join", "kind_of", "on_machine", "refuse_unknown", "split", "with_options"]

MACHINE = ("memory", "smp", "cpu", "accel", "append")
"""In the order in which they are written: what may hold anything comes last."""
TAKES = {"qemu": MACHINE}
"""What kinds of targets take; others take none."""

_BEGINS = re.compile(rf"\+(?=(?:{'|'.join(MACHINE)})=)")
_ANY = re.compile(r"\+(?P<key>[a-z][a-z_-]*)=")


def kind_of(text: str) -> str:
    """Return the kind of target that a TARGET text means, if there is such a kind."""
    return re.split("[:+]", text, maxsplit=1)[0]


def split(text: str) -> tuple[str, dict[str, str]]:
    """Take the options off a TARGET text, or off its argument. Raises UsageError where one stands there twice."""
    rest, *written = _BEGINS.split(text)
    options: dict[str, str] = {}
    for option in written:
        key, _, value = option.partition("=")
        if key in options:
            msg = f"target {text!r}: {key} is given twice, as {options[key]!r} and as {value!r}; leave out one"
            raise UsageError(msg)
        options[key] = value
    return rest, options


def apart(name: str) -> tuple[str, str]:
    """Return the name of a target without its options, and these as they are written."""
    begin = match.start() if (match := _BEGINS.search(name)) is not None else len(name)
    return name[:begin], name[begin:]


def join(rest: str, options: Mapping[str, str]) -> str:
    """Return the text with the options behind it, always in the same order."""
    return rest + "".join(f"+{key}={options[key]}" for key in MACHINE if key in options)


def refuse_unknown(text: str, rest: str) -> None:
    """Raise UsageError where what the options were taken off has something that looks like one more."""
    if (match := _ANY.search(rest)) is not None:
        msg = f"target {text!r}: no option is called {match['key']!r}; {suggest(match['key'], MACHINE)}"
        raise UsageError(msg)


def with_options(text: str, options: Mapping[str, str]) -> str:
    """Return a TARGET text with more options. Raises UsageError where it has one already, or its kind takes none."""
    if options and (wrong := [key for key in options if key not in TAKES.get(kind_of(text), ())]):
        msg = f"target {text!r}: takes no {wrong[0]}; {' and '.join(f'{each}:' for each in TAKES)} targets do"
        raise UsageError(msg)
    rest, own = split(text) if options else (text, {})
    if twice := [key for key in options if key in own]:
        msg = f"target {text!r}: {twice[0]} is given twice, here and as {options[twice[0]]!r}; leave out one"
        raise UsageError(msg)
    return join(rest, {**own, **options})


def on_machine(targets: Iterable[str], asked: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return TARGET texts with what was asked for all of them; None: it was not.

    Raises UsageError as `with_options` does, and where there is no target for what was asked.
    """
    options = {key: value for key, value in asked.items() if value is not None}
    named = tuple(with_options(text, options) for text in targets)
    if options and not named:
        msg = f"--{next(iter(options))} is for a guest; name one, such as -t qemu:debian/6.12"
        raise UsageError(msg)
    return named
