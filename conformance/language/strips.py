# SPDX-License-Identifier: Apache-2.0
"""Page strips: one character a page, read and drawn.

`X*N` stands for N times X, so that `a*1000` is a strip of a thousand pages.
"""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MAX_PAGES", "PageRun", "characters", "compact", "expand", "marked", "runs", "unlocked"]

MAX_PAGES = 1 << 21
"""Pages of the largest arena; the probe has room for no more (native/probe/program/snapshot.h)."""

_ITEM = re.compile(r"([^*])(?:\*([0-9]+))?")
_MOST_DIGITS = 9
_QUOTED = 40
"""Characters of a strip in a message."""
_STRIP = re.compile(rf"(?:{_ITEM.pattern})+")
_RUN = re.compile("|".join(f"{re.escape(c)}+" for c in "._^LFR?|-" + string.ascii_letters) + r"|(.)\1*", re.DOTALL)
_LONG_RUN = 4


class PageRun(NamedTuple):
    """Neighbouring pages with the same character."""

    character: str
    start: int
    """First page."""
    pages: int
    """How many."""


def expand(text: str, allowed: str | None = None) -> str:
    """Write out the run lengths of a strip.

    Raises ValueError where the text is no strip, has a character that is not `allowed`, or more than MAX_PAGES pages.
    """
    if not text:
        msg = "a strip has at least one page; write one character a page"
        raise ValueError(msg)
    strip = _unrolled(text) if "*" in text else text
    if len(strip) > MAX_PAGES:
        msg = f"{len(strip)} pages are too many; write a strip of at most {MAX_PAGES}"
        raise ValueError(msg)
    if allowed is not None and (wrong := characters(strip).difference(allowed)):
        msg = f"{min(wrong)!r} has no meaning in this strip; write one of {' '.join(allowed)} for each page"
        raise ValueError(msg)
    return strip


def _unrolled(text: str) -> str:
    if not _STRIP.fullmatch(text):
        msg = f"{text!r}: each * stands between a character and a number; write a*1000 for a thousand times a"
        raise ValueError(msg)
    written = [(character, count.lstrip("0") or count[:1] or "1") for character, count in _ITEM.findall(text)]
    if any(len(count) > _MOST_DIGITS for _, count in written):  # of which Python would not even make a number
        msg = f"{text[:_QUOTED]!r} has too many pages; write a strip of at most {MAX_PAGES}"
        raise ValueError(msg)
    items = [(character, int(count)) for character, count in written]
    if not all(count for _, count in items):
        msg = f"{text!r} has a run of no page; write a count of at least 1"
        raise ValueError(msg)
    if (pages := sum(count for _, count in items)) > MAX_PAGES:  # before anything of that size is made
        msg = f"{pages} pages are too many; write a strip of at most {MAX_PAGES}"
        raise ValueError(msg)
    return "".join(character * count for character, count in items)


def characters(strip: str) -> set[str]:
    """Return the characters that a strip has."""
    return {run.character for run in runs(strip)}


def runs(strip: str) -> Iterator[PageRun]:
    """Return the runs of equal characters, in order."""
    for run in _RUN.finditer(strip):
        start, end = run.span()
        yield PageRun(strip[start], start, end - start)


def marked(first: int, count: int, pages: int) -> str:
    """Draw a range of neighbouring pages of so many: `.^^...`."""
    return "." * first + "^" * count + "." * (pages - first - count)


def unlocked(layout: str) -> str:
    """Draw the locks of a layout that has none: `.` for each page, `_` for a hole."""
    return "".join(("_" if letter == "_" else ".") * count for letter, _, count in runs(layout))


def compact(strip: str) -> str:
    """Write runs of more than four pages as `X*N`; the inverse of `expand`."""
    return "".join(f"{c}*{n}" if n > _LONG_RUN else c * n for c, _, n in runs(strip))
