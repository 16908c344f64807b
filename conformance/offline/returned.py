# SPDX-License-Identifier: Apache-2.0
"""A folder that came back from a machine: whether it is whole, and what the traces in it are.

It is read as if whoever had it meant harm: regular files only, up to a size, no link is followed, nothing executed.
What cannot be found out is that its traces were made by that machine: as everywhere, that rests on who hands them in.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from itertools import zip_longest
from typing import TYPE_CHECKING

from lockproof.conformance.counted import counted
from lockproof.conformance.errors import LockproofError, UsageError
from lockproof.conformance.files import read_plain
from lockproof.conformance.language.selection import select
from lockproof.conformance.offline.exported import PROBE, PROGRAMS, TRACES, Exported, named, read_head
from lockproof.conformance.offline.parts import follow, parts
from lockproof.conformance.protocol.kernel_log import new_taint

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lockproof.conformance.language.case import Case
    from lockproof.conformance.language.loading import Corpus
    from lockproof.conformance.offline.parts import Followed
    from lockproof.conformance.protocol.program import Program
    from lockproof.conformance.protocol.trace import Trace
    from lockproof.runners.target import TargetInfo

__all__ = ["Returned", "ReturnedError", "read_returned"]

_MIB = 1 << 20
_LARGEST = {PROGRAMS: 64 * _MIB, PROBE: 64 * _MIB, TRACES: 256 * _MIB}
"""Bytes; a corpus of a thousand cases has some two of traces."""


class ReturnedError(LockproofError):
    """What came back is not whole, or not what was carried there."""


@dataclass(frozen=True, slots=True)
class Returned:
    """What a folder has that is whole."""

    exported: Exported
    info: TargetInfo
    """What the machine said of itself."""
    traces: Sequence[tuple[Program, Trace]]
    """One for each case that was exported, in their order."""
    about: str
    """How it went there, in one line."""


def read_returned(folder: Path, corpus: Corpus) -> Returned:
    """Read a folder that came back, of cases of this corpus.

    Raises ReturnedError, whose text says what is wrong with it, and UsageError where another lockproof has to judge it.
    """
    try:
        contents = {name: read_plain(folder / name, largest) for name, largest in _LARGEST.items()}
    except OSError as error:
        msg = f"{error.filename}: {error.strerror}; copy the whole folder back from the machine, as it is there"
        raise ReturnedError(msg) from error
    try:
        exported, cases = _asked(contents[PROGRAMS], corpus)
        if sha256(contents[PROBE]).hexdigest() != exported.probe.digest:
            msg = f"{PROBE}: another one than that which was exported, for {exported.probe.arch}"
            raise ValueError(msg)  # noqa: TRY301  the folder is named in one place
        programs = named(cases)
        found = follow(parts(contents[TRACES]), programs)
        _same_probe(exported, found)
    except ValueError as error:
        msg = f"{folder}: not judged: {error}"
        raise ReturnedError(msg) from error
    return Returned(exported, found.info, list(zip(programs.values(), found.traces, strict=True)), _about(found))


def _asked(text: bytes, corpus: Corpus) -> tuple[Exported, Sequence[Case]]:
    """Return what was exported, and its cases. Raises UsageError where another version did that; ValueError."""
    try:
        exported = read_head(text)
    except ValueError as error:
        msg = f"{PROGRAMS}:1: not written by lockproof: {error}"
        raise ValueError(msg) from error
    here = version("lockproof")
    if exported.lockproof != here:
        msg = (
            f"{PROGRAMS}: exported by lockproof {exported.lockproof!r}, this is {here}; judge it with that one, "
            "or export the programs anew"
        )
        raise UsageError(msg)
    try:
        cases = select(corpus.cases, exported.selection)
    except UsageError as error:
        msg = f"{PROGRAMS}: of another corpus: {error}"
        raise ValueError(msg) from error
    wanted = Exported.of(here, exported.probe, exported.selection, cases)
    if exported.corpus != wanted.corpus:
        digests = f"its digest is {exported.corpus[:16]}…, that of these cases {wanted.corpus[:16]}…"
        msg = f"{PROGRAMS}: of another corpus: {digests}"
        raise ValueError(msg)
    for number, (line, right) in enumerate(zip_longest(text.split(b"\n"), wanted.text(cases).split(b"\n")), 1):
        if line != right:
            msg = f"{PROGRAMS}:{number}: not the line that was exported, so what ran is not known"
            raise ValueError(msg)
    return exported, cases


def _same_probe(exported: Exported, found: Followed) -> None:
    if found.info.probe != exported.probe.build_id:
        msg = (
            f"{TRACES}: by another probe than the one that was exported for {exported.probe.arch}: "
            f"it is {found.info.probe or 'one without a build id'!r} and ran on {found.info.machine!r}"
        )
        raise ValueError(msg)


def _about(found: Followed) -> str:
    went = f", with {counted(found.went_down, 'reboot')}" if found.went_down else ""
    before, after = found.info.taint, found.taint
    taint = new_taint((before, after)) if before is not None and after is not None else ""
    return f"ran elsewhere{went}{f'; the kernel became tainted meanwhile: {taint}' if taint else ''}"
