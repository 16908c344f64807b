# SPDX-License-Identifier: Apache-2.0
"""The libraries that stand between a program and its libc: where they are, and the rules of libfault.so.

The rules have one grammar, CALL[@WHEN]=MANNER[:ERRNO] (docs/inject.md); native/shims reads the same text.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from errno import errorcode
from importlib.resources import files

from lockproof.conformance.errors import UsageError, suggest

__all__ = ["CALLS", "FAULT_VARIABLE", "NAMES", "Rule", "path", "read_rules"]

NAMES = ("posixmlock", "fault")

CALLS = ("mlock", "mlock2", "munlock", "mlockall", "munlockall", "msync", "mmap")
"""What libfault.so stands in front of; mmap where it locks only: with MAP_LOCKED, or MCL_FUTURE in force."""

FAULT_VARIABLE = "LOCKPROOF_FAULT"
"""The variable of the environment that libfault.so reads its rules from."""

_ANY = "any"
_LIE = "lie"
_RULE = re.compile(
    rf"(?P<call>{'|'.join(CALLS)}|{_ANY})(?:@(?P<nth>[1-9][0-9]{{0,8}})(?P<on>\.\.)?)?"
    rf"=(?P<manner>{_LIE}|fail|late|part)(?::(?P<errno>E[A-Z0-9]+))?"
)
_MOST_RULES = 16
# Python prefers an alias for two of the kernel's names.
_ERRNOS = frozenset(errorcode.values()) - {"EDEADLOCK", "ENOTSUP"} | {"EDEADLK", "EOPNOTSUPP"}


@dataclass(frozen=True, slots=True)
class Rule:
    """Which calls misbehave, and how. Its text is what libfault.so reads."""

    call: str
    """One of CALLS, or `any`."""
    first: int
    """Number of a call among those of its name; for `any` among all. Counts from 1."""
    last: int | None
    """None: all later ones."""
    manner: str
    """fail, late, part or lie."""
    errno: str | None = None
    """Its name; None: the default of libfault.so, or none for a lie."""

    def __str__(self) -> str:
        """Return the rule as it is written."""
        when = f"@{self.first}" if self.last is not None else f"@{self.first}.." if self.first > 1 else ""
        return f"{self.call}{when}={self.manner}{f':{self.errno}' if self.errno else ''}"

    def is_about(self, call: str, nth: int, of_all: int) -> bool:
        """Tell whether a call is meant that is the nth of its name, and the `of_all`th of all."""
        number = of_all if self.call == _ANY else nth
        return self.call in {_ANY, call} and self.first <= number and (self.last is None or number <= self.last)


def path(name: str) -> str:
    """Return the path of a shim, fit for LD_PRELOAD. Raises UsageError where there is none, or it is not there."""
    if name not in NAMES:
        msg = f"shim {name!r}: there is none of that name; {suggest(name, NAMES)}"
        raise UsageError(msg)
    found = str(files("lockproof") / "native" / f"lib{name}.so")
    if not os.path.exists(found):  # noqa: PTH110  it is a text for the loader
        msg = f"shim {name!r}: {found} is not there; install lockproof again"
        raise UsageError(msg)
    if " " in found or ":" in found:
        msg = f"shim {name!r}: {found} has a blank or colon in it, at which LD_PRELOAD would cut it; install elsewhere"
        raise UsageError(msg)
    return found


def read_rules(text: str, where: str) -> tuple[Rule, ...]:
    """Read rules, with a comma between two. Raises UsageError; `where` they stand is the beginning of its message."""
    rules = tuple(_read(rule, where) for rule in text.split(","))
    if len(rules) > _MOST_RULES:
        msg = f"{where}: {len(rules)} rules; {_MOST_RULES} are the most"
        raise UsageError(msg)
    return rules


def _read(text: str, where: str) -> Rule:
    match = _RULE.fullmatch(text)
    if match is None or (match["manner"] == _LIE and match["errno"]):
        msg = (
            f"{where}: {text!r} is no rule; write CALL[@WHEN]=MANNER[:ERRNO] with CALL one of {', '.join(CALLS)} "
            "or any, WHEN 3 or 3.., MANNER fail, late, part or lie (without ERRNO), such as mlock@2=fail:EAGAIN"
        )
        raise UsageError(msg)
    if match["errno"] is not None and match["errno"] not in _ERRNOS:
        msg = f"{where}: {match['errno']!r} is no errno; {suggest(match['errno'], _ERRNOS)}"
        raise UsageError(msg)
    first = int(match["nth"] or 1)
    last = first if match["nth"] and not match["on"] else None
    return Rule(match["call"], first, last, match["manner"], match["errno"])
