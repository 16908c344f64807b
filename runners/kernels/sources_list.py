# SPDX-License-Identifier: Apache-2.0
"""The machine's own mirrors of Debian and of its security updates, and the keys that they are trusted by.

sources.list(5) is the specification.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lockproof.conformance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Mirror", "mirror", "security_mirror"]

_APT = Path("/etc/apt")
_SUITES = re.compile(
    r"(?:(?:old)*stable|testing|unstable|sid|buster|bullseye|bookworm|trixie|forky|duke)(?:-updates|-backports)?"
)
_SECURITY = re.compile(r"(?:(?:old)*stable|testing|bullseye|bookworm|trixie|forky|duke)-security")


@dataclass(frozen=True, slots=True)
class Mirror:
    """Where Debian's main component is to be had."""

    address: str
    signed_by: str
    """A path, a fingerprint or a key, as in sources.list(5); empty: what apt trusts anyway."""

    def stanza(self, suite: str, architecture: str) -> str:
        """Write the entry for another suite and architecture of the same mirror."""
        signed_by = f"Signed-By: {self.signed_by}\n" if self.signed_by else ""
        lines = f"Types: deb\nURIs: {self.address}\nSuites: {suite}\nComponents: main\nArchitectures: {architecture}\n"
        return lines + signed_by


def mirror(apt: Path = _APT) -> Mirror:
    """Find the mirror in the machine's sources. Raises UsageError where no entry is for Debian's main component.

    Others name suites and components as Debian does. So the first entry counts that is signed by Debian's keyring;
    where none is, the first of sources.list, debian.sources and then the other files by name.
    """
    found, unread = _entries(apt, _SUITES)
    if found:
        return next((each for each in found if "/debian-archive-" in each.signed_by), found[0])
    where = f"{apt}/sources.list and sources.list.d{''.join(unread)}"
    msg = f"no mirror of Debian (main) in {where}; add one, or give an image by its path"
    raise UsageError(msg)


def security_mirror(apt: Path = _APT) -> Mirror | None:
    """Find the mirror of Debian's security updates in the machine's sources; None: no entry is for it."""
    found, _ = _entries(apt, _SECURITY)
    return found[0] if found else None


def _entries(apt: Path, suites: re.Pattern[str]) -> tuple[list[Mirror], list[str]]:
    """Return the mirrors of entries for such suites, and what is to be said of files that cannot be read."""
    parts = apt / "sources.list.d"
    found: list[Mirror] = []
    unread: list[str] = []
    for file in dict.fromkeys([apt / "sources.list", parts / "debian.sources", *sorted(parts.glob("*"))]):
        if file.suffix in {".list", ".sources"}:
            try:
                text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
            except OSError as error:
                unread.append(f"; {file} cannot be read: {error.strerror}")
            else:
                found += (_stanzas if file.suffix == ".sources" else _lines)(text, suites)
    return found, unread


def _serves(types: str, named: str, components: str, suites: re.Pattern[str]) -> bool:
    here = any(suites.fullmatch(suite) for suite in named.split())
    return "deb" in types.split() and "main" in components.split() and here


def _stanzas(text: str, wanted: re.Pattern[str]) -> Iterator[Mirror]:
    """Read the style deb822."""
    text = re.sub(r"^#.*\n?", "", text, flags=re.MULTILINE)
    for stanza in re.split(r"\n\s*\n", text):
        # A value goes on in the lines that begin with a space: a key, for example.
        fields = {
            name.lower(): value.strip()
            for name, value in re.findall(r"^([\w-]+):[ \t]*(.*(?:\n[ \t].*)*)", stanza, re.MULTILINE)
        }
        enabled = fields.get("enabled", "yes").lower() not in {"no", "false", "0", "off", "without", "disable"}
        types, uris, suites, components = (fields.get(name, "") for name in ("types", "uris", "suites", "components"))
        if enabled and uris and _serves(types, suites, components, wanted):
            signed_by = fields.get("signed-by", "")
            separate = "\n " if "\n" in signed_by else ""
            yield Mirror(" ".join(uris.split()), f"{separate}{signed_by}")


def _lines(text: str, wanted: re.Pattern[str]) -> Iterator[Mirror]:
    """Read the style of one line for each entry."""
    entry = re.compile(r"\s*(deb)\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]*)")
    for line in text.splitlines():
        if (match := entry.match(line)) and _serves(match[1], match[4], match[5], wanted):
            options = dict(option.partition("=")[::2] for option in (match[2] or "").split())
            yield Mirror(match[3], options.get("signed-by", "").replace(",", " "))
