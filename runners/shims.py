# SPDX-License-Identifier: Apache-2.0
"""The libraries that stand between a program and its libc: where they are, and the language of libfault.so."""

from __future__ import annotations

import errno
import os
import re
from importlib.resources import files

from lockproof.conformance.errors import UsageError, suggest

__all__ = ["CALLS", "FAULT_VARIABLE", "NAMES", "check_fault", "path"]

NAMES = ("posixmlock", "fault")

CALLS = ("mlock", "mlock2", "munlock", "mlockall", "munlockall", "msync", "mmap")
"""What libfault.so stands in front of; mmap with MAP_LOCKED only."""

FAULT_VARIABLE = "LOCKPROOF_FAULT"
"""The variable of the environment that libfault.so reads its rules from."""

_RULE = re.compile(
    rf"(?:{'|'.join(CALLS)}|any)(?:@[1-9][0-9]{{0,8}}(?:\.\.)?)?=(?:lie|(?:fail|late|part)(?::(?P<errno>E[A-Z0-9]+))?)"
)
_MOST_RULES = 16


def path(name: str) -> str:
    """Give the path of a shim, fit for LD_PRELOAD. Raises UsageError where there is none, or it is not there."""
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


def check_fault(spec: str, where: str) -> str:
    """Give the rules for libfault.so back, as they are. Raises UsageError where they are none."""
    rules = spec.split(",")
    for rule in rules:
        match = _RULE.fullmatch(rule)
        if match is None:
            msg = (
                f"{where}: {rule!r} is no rule; write CALL[@WHEN]=MANNER[:ERRNO] with CALL one of {', '.join(CALLS)} "
                "or any, WHEN 3 or 3.., MANNER fail, late, part or lie (without ERRNO), such as mlock@2=fail:EAGAIN"
            )
            raise UsageError(msg)
        if match["errno"] is not None and match["errno"] not in errno.errorcode.values():
            msg = f"{where}: {match['errno']!r} is no errno; {suggest(match['errno'], errno.errorcode.values())}"
            raise UsageError(msg)
    if len(rules) > _MOST_RULES:
        msg = f"{where}: {len(rules)} rules; {_MOST_RULES} are the most"
        raise UsageError(msg)
    return spec
