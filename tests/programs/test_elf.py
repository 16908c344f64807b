# SPDX-License-Identifier: Apache-2.0
"""What is read of ELF files, and that a damaged one is a line and no endless search."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from lockproof.conformance.errors import UsageError
from lockproof.conformance.programs.elf import Symbol, read

LIBRARY = r"""
int old(void) { return 1; }
int new(void) { return 2; }
int munlock(void) { return 3; }
__asm__(".symver old, mlock@OLD");
__asm__(".symver new, mlock@@NEW");
"""
VERSIONS = "OLD { global: mlock; local: *; };\nNEW { global: mlock; } OLD;\n"
PROGRAM = "int mlock(void), munlock(void);\nint main(void) { return mlock() + munlock(); }\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile a library with two versions of one function, a plain one, and a program that uses the plain one."""
    made = tmp_path_factory.mktemp("elf")
    for name, text in {"library.c": LIBRARY, "versions": VERSIONS, "program.c": PROGRAM}.items():
        (made / name).write_text(text)
    shared = ["gcc", "-shared", "-fPIC", "-nostdlib", "library.c"]
    subprocess.run([*shared, "-Wl,--version-script=versions", "-o", "versions.so"], cwd=made, check=True)
    (made / "library.c").write_text("int mlock(void) { return 1; }\nint munlock(void) { return 1; }\n")
    subprocess.run([*shared, "-o", "libplain.so"], cwd=made, check=True)
    subprocess.run(["gcc", "program.c", "-L.", "-lplain", "-o", "program"], cwd=made, check=True)
    return made


def test_versions_of_a_library_are_told_with_those_that_are_hidden(folder: Path) -> None:
    found = read(folder / "versions.so", "what", "hint")
    assert found.defines_versions
    assert sorted(found.symbols, key=str) == [
        Symbol("mlock", "NEW", is_exported=True, is_hidden=False),
        Symbol("mlock", "OLD", is_exported=True, is_hidden=True),
    ]


def test_what_has_no_versions_has_none(folder: Path) -> None:
    found = read(folder / "libplain.so", "what", "hint")
    assert (found.defines_versions, found.interpreter, found.needs_libraries) == (False, "", False)
    assert {(symbol.function, symbol.version) for symbol in found.symbols} == {("mlock", ""), ("munlock", "")}


def test_a_program_imports_asks_for_a_loader_and_needs_libraries(folder: Path) -> None:
    found = read(folder / "program", "what", "hint")
    assert {(symbol.function, symbol.is_exported) for symbol in found.symbols} == {("mlock", False), ("munlock", False)}
    assert Path(found.interpreter).exists()
    assert found.needs_libraries


def test_a_program_takes_a_version_from_its_library() -> None:
    with Path("/proc/self/exe").open("rb") as stream:
        assert ELFFile(stream).get_section_by_name(".gnu.version_r") is not None
    own = next(line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "/libc." in line)
    assert all(symbol.version for symbol in read(own, "what", "hint").symbols)


@pytest.mark.parametrize("section", [".dynsym", ".gnu.version_d"])
def test_a_section_that_says_it_is_endless_is_a_line(folder: Path, tmp_path: Path, section: str) -> None:
    content = bytearray((folder / "versions.so").read_bytes())
    with (folder / "versions.so").open("rb") as stream:
        library = ELFFile(stream)
        header = library["e_shoff"] + library.get_section_index(section) * library["e_shentsize"]
    field, size = (0x20, 8) if section == ".dynsym" else (0x2C, 4)  # sh_size; sh_info, the number of versions
    content[header + field : header + field + size] = (24 << 26).to_bytes(size, "little")  # 24: bytes of a symbol
    (tmp_path / "damaged.so").write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read(tmp_path / "damaged.so", "damaged.so: cannot be read", "build it again")
    problem = f"its section '{section}' is larger than the file"
    assert str(caught.value) == f"damaged.so: cannot be read: {problem}; build it again"


def test_a_file_that_is_cut_anywhere_is_read_or_a_line(folder: Path, tmp_path: Path) -> None:
    content = (folder / "versions.so").read_bytes()
    cut = tmp_path / "cut.so"
    said = []
    for size in range(0, len(content), 97):
        cut.write_bytes(content[:size])
        try:
            read(cut, "cut", "hint")
        except UsageError as error:
            said.append(str(error))
    assert len(said) > 100
    assert {(line.partition(": ")[0], line.rpartition("; ")[2], line.count("\n")) for line in said} == {
        ("cut", "hint", 0)
    }
