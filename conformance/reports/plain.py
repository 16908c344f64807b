# SPDX-License-Identifier: Apache-2.0
"""What a target said, as text that every format can carry; whatever else there is in it, readers lose whole files."""

from __future__ import annotations

import re

__all__ = ["cut", "one_line", "plain"]

# What XML 1.0 forbids or advises against (section 2.2): control characters but tabulator and line feed, halves of
# surrogates, no characters. Databases that take JSON refuse NUL; YAML refuses the rest of them too.
_FORBIDDEN = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CUT = "\n… cut; the whole is in what the run has left on disk"


def plain(text: str) -> str:
    """Return a text with U+FFFD for each character that some format cannot carry."""
    return _FORBIDDEN.sub("\ufffd", text)


def one_line(text: str, most: int) -> str:
    """Return a text as one plain line of at most so many characters, without blanks at its end."""
    line = " ".join(plain(text).split("\n")).rstrip()
    return line if len(line) <= most else f"{line[: most - 1]}…"


def cut(text: str, most: int) -> str:
    """Return the beginning of a plain text, of at most so many bytes in UTF-8, and say where the rest is."""
    encoded = text.encode()
    if len(encoded) <= most:
        return text
    return encoded[: most - len(_CUT.encode())].decode(errors="ignore") + _CUT
