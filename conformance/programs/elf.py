# SPDX-License-Identifier: Apache-2.0
"""What an ELF file says of itself, and of memory locking: the one place that reads such files."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerDefSection, GNUVerNeedSection, GNUVerSymSection
from elftools.elf.sections import SymbolTableSection
from elftools.elf.segments import InterpSegment, NoteSegment

from lockproof.conformance.errors import UsageError
from lockproof.conformance.files import open_input

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from elftools.elf.sections import Section

__all__ = ["FUNCTIONS", "Elf", "Symbol", "build_id", "read"]

FUNCTIONS = ("mlock", "mlock2", "munlock", "mlockall", "munlockall")
"""What locks memory by its name. mmap does with MAP_LOCKED only, which no symbol tells."""

_HIDDEN = 0x8000  # VERSYM_HIDDEN of the gABI's GNU extensions; the other bits are the index of the version


@dataclass(frozen=True, slots=True)
class Symbol:
    """One of FUNCTIONS among the dynamic symbols of a file."""

    function: str
    version: str
    """Such as GLIBC_2.2.5; empty where there is none."""
    is_exported: bool
    """Else it is taken from another file."""
    is_hidden: bool
    """Whether programs that are linked today do not get this version of it."""


@dataclass(frozen=True, slots=True)
class Elf:
    """A program or library."""

    machine: str
    """As pyelftools calls it: x64, AArch64."""
    interpreter: str
    """Path of the dynamic loader that it asks for; empty: of none."""
    needs_libraries: bool
    defines_versions: bool
    """Whether what it exports has symbol versions, as with glibc, and not with musl."""
    symbols: tuple[Symbol, ...]


def read(path: str | Path, what: str, hint: str) -> Elf:
    """Read a file. Raises UsageError where it cannot be: `what` is wrong, pyelftools' or the kernel's words, `hint`."""
    try:
        with open_input(Path(path)) as stream:
            return _read(ELFFile(stream), Path(path).stat().st_size)
    except OSError as error:
        msg = f"{what}: {error.strerror}; {hint}"
        raise UsageError(msg) from error
    except (ELFError, ValueError) as error:
        msg = f"{what}: {error}; {hint}"
        raise UsageError(msg) from error


def build_id(program: bytes) -> str:
    """Return the build id of a program of ours, as hexadecimal digits; empty: it has none. Raises ELFError."""
    segments = (each for each in ELFFile(BytesIO(program)).iter_segments() if isinstance(each, NoteSegment))
    notes = (note for segment in segments for note in segment.iter_notes())
    return next((str(note["n_desc"]) for note in notes if note["n_type"] == "NT_GNU_BUILD_ID"), "")


def _read(elf: ELFFile, size: int) -> Elf:
    sections = [_whole(section, size) for section in elf.iter_sections()]
    loaders = [segment.get_interp_name() for segment in elf.iter_segments() if isinstance(segment, InterpSegment)]
    tags = [tag for section in sections if isinstance(section, DynamicSection) for tag in section.iter_tags()]
    return Elf(
        machine=str(elf.get_machine_arch()),
        interpreter=str(loaders[0]) if loaders else "",
        needs_libraries=any(tag.entry.d_tag == "DT_NEEDED" for tag in tags),
        defines_versions=any(isinstance(section, GNUVerDefSection) for section in sections),
        symbols=tuple(_symbols(sections)),
    )


def _whole(section: Section, size: int) -> Section:
    """Return a section. Raises ELFError where it ends behind the file: pyelftools would count its entries for hours."""
    versions = isinstance(section, GNUVerDefSection | GNUVerNeedSection)
    ends = section["sh_offset"] + section["sh_size"]
    if section["sh_type"] != "SHT_NOBITS" and (ends > size or (versions and section["sh_info"] > section["sh_size"])):
        msg = f"its section {section.name!r:.40} is larger than the file"
        raise ELFError(msg)
    return section


def _symbols(sections: Sequence[Section]) -> Iterator[Symbol]:
    versions = _versions(sections)
    numbers = next((section for section in sections if isinstance(section, GNUVerSymSection)), None)
    for section in sections:
        if not isinstance(section, SymbolTableSection) or section["sh_type"] != "SHT_DYNSYM":
            continue
        for number, symbol in enumerate(section.iter_symbols()):
            if symbol.name not in FUNCTIONS:
                continue
            index = numbers.get_symbol(number)["ndx"] if numbers is not None else 0
            index = index if isinstance(index, int) else 0  # pyelftools has words for `local` and `global`
            yield Symbol(
                symbol.name,
                versions.get(index & ~_HIDDEN, ""),
                is_exported=symbol["st_shndx"] != "SHN_UNDEF",
                is_hidden=bool(index & _HIDDEN),
            )


def _versions(sections: Sequence[Section]) -> dict[int, str]:
    """Return the names of the versions that a file defines, and of those that it needs, by their index."""
    found: dict[int, str] = {}
    for section in sections:
        if isinstance(section, GNUVerDefSection):
            found |= {version["vd_ndx"]: next(names).name for version, names in section.iter_versions()}
        elif isinstance(section, GNUVerNeedSection):
            found |= {name["vna_other"]: name.name for _, names in section.iter_versions() for name in names}
    return found
