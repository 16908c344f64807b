# SPDX-License-Identifier: Apache-2.0
"""What a run's exit code says to whom: those that start `lockproof run` each have a meaning for every number.

git bisect (git-bisect-run: 125 skips a commit, 128 and more end the search, everything else but 0 is bad), the runner
of kernel selftests (KSFT_XFAIL is 2, KSFT_SKIP 4), LTP and kirk (TFAIL 1, TBROK 2, TCONF 32), autopkgtest (77 is a skip
with `Restrictions: skippable`).
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

__all__ = ["DEFAULT", "INFRASTRUCTURE", "STYLES", "Style", "asked"]

DEFAULT = "default"
_OPTION = "--exit-code"
_USAGE = 2
"""Exit code of click, and of UsageError."""
INFRASTRUCTURE = 3
"""Exit code of a command that could not find something out."""


class Style(NamedTuple):
    """The exit codes of a run."""

    good: int
    """Nothing deviates, but what a baseline knows."""
    fail: int
    unresolved: int
    """Something could not be found out, or the results not be written."""
    skipped: int
    """Nothing was found out: every case was skipped."""
    usage: int
    doubt_first: bool = False
    """Whether what could not be found out counts for more than what fails."""

    def of_run(self, *, fails: bool, unresolved: bool, skipped: bool) -> int:
        """Return the exit code of a run."""
        if unresolved and (self.doubt_first or not fails):
            return self.unresolved
        if fails:
            return self.fail
        return self.skipped if skipped else self.good

    def of_error(self, code: int) -> int:
        """Return the exit code for an error, by that of the default; it stays where it is no error's."""
        return {_USAGE: self.usage, INFRASTRUCTURE: self.unresolved}.get(code, code)

    def of_trouble(self, code: int) -> int:
        """Return the exit code of a run with this one whose output is not all there."""
        return max(code, self.unresolved) if self.doubt_first else code or self.unresolved


STYLES = {
    DEFAULT: Style(0, 1, INFRASTRUCTURE, INFRASTRUCTURE, _USAGE, doubt_first=True),
    "bisect": Style(0, 1, 125, 125, 129),
    "kselftest": Style(0, 1, 1, 4, 1),
    "ltp": Style(0, 1, 2, 32, 2),
    "autopkgtest": Style(0, 1, 77, 77, 1),
}


def asked(arguments: list[str]) -> Style:
    """Return the style that a command line asks for, also where something else in it is wrong."""
    found = DEFAULT
    if arguments[:1] != ["run"]:
        return STYLES[found]
    for word, following in pairwise((*arguments, "")):
        if word == "--":
            break
        if word == _OPTION:
            found = following
        elif word.startswith(f"{_OPTION}="):
            found = word.removeprefix(f"{_OPTION}=")
    return STYLES.get(found, STYLES[DEFAULT])
