# SPDX-License-Identifier: Apache-2.0
"""KERNEL: `debian/6.12`, `debian/6.1+fault-injection` or the path of an image, each with `@ARCH` where needed.

The catalogue is a folder of the cache with two files for each kernel that was fetched or built: NAME.json says what it
is, and the image that is named there.
"""

from __future__ import annotations

import json
import re
import stat
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ConfigDict, TypeAdapter, ValidationError

from lockproof.conformance.errors import StoreError, UsageError, suggest
from lockproof.runners.kernels import cache, image
from lockproof.runners.kernels.architectures import ARCHITECTURES, DEFAULT

if TYPE_CHECKING:
    from collections.abc import Callable

    from lockproof.runners.kernels.cache import Say

__all__ = ["Entry", "Kernel", "catalogue", "enter", "entry", "find", "full_name", "is_debian", "known", "mode", "split"]

_DEBIAN = re.compile(r"debian/\d[\w.~]*")


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel that is there."""

    name: str
    """The text KERNEL without what goes without saying; the same on every machine, unless it is a path."""
    image: Path
    arch: str
    """Of the probe that it runs; one of ARCHITECTURES."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A kernel of the catalogue."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)

    name: str
    """With @ARCH, unless that is the default."""
    arch: str
    image: str = ""
    """File name of the image, in the catalogue."""
    size: int = 0
    """Bytes of the image."""
    version: str
    """Of the kernel, as its package or its sources say."""
    origin: str
    """Package and suite, or source and digest."""

    @property
    def path(self) -> Path:
        """The image."""
        return catalogue() / self.image


_ENTRY = TypeAdapter(Entry)


def catalogue() -> Path:
    """Give the folder of the catalogue."""
    return cache.directory() / "kernels"


def split(text: str) -> tuple[str, str | None]:
    """Take @ARCH off. Raises UsageError where what follows the @ is no architecture, nor part of a path."""
    name, at, arch = text.rpartition("@")
    if not at or mode(text):
        return text, None
    if arch not in ARCHITECTURES:
        msg = f"kernel {text!r}: no architecture {arch!r}; {suggest(arch, ARCHITECTURES)}"
        raise UsageError(msg)
    return name, arch


def mode(text: str) -> int:
    """Give type and permissions of the file of that name; 0: there is none. Raises UsageError where nobody may look."""
    try:
        return Path(text).stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return 0
    except (OSError, ValueError) as error:  # ValueError: a NUL
        msg = f"{text!r}: {error.strerror if isinstance(error, OSError) else error}; check the path"
        raise UsageError(msg) from error


def is_debian(name: str) -> bool:
    """Say whether a name without its @ARCH is that of a kernel of Debian."""
    return _DEBIAN.fullmatch(name) is not None


def full_name(name: str, arch: str) -> str:
    """Give the name with its @ARCH, unless that is the default."""
    return name if arch == DEFAULT else f"{name}@{arch}"


def find(text: str) -> Kernel:
    """Find the kernel that a text means. Raises UsageError where there is none that can be booted, StoreError."""
    name, arch = split(text)
    if stat.S_ISREG(mode(name)):
        return _of_file(name, arch)
    wanted = ARCHITECTURES[arch or DEFAULT]
    found = entry(full_name(name, wanted.kernel))
    if found is None:
        raise _unknown(text, name, wanted.kernel)
    if not found.path.exists():
        msg = f"{found.path}: the image is gone; fetch or build {found.name} again"
        raise UsageError(msg)
    seen = image.read(found.path)
    if seen.arch != wanted.kernel or found.path.stat().st_size != found.size:
        msg = f"{found.path}: not the image that was stored; delete it, and fetch or build {found.name} again"
        raise UsageError(msg)
    return Kernel(full_name(name, wanted.name), seen.path, wanted.name)


def entry(name: str) -> Entry | None:
    """Give the entry of a name with its @ARCH, or None. Raises StoreError where it cannot be read."""
    return _read(catalogue() / f"{_file_name(name)}.json")


def known() -> list[Entry]:
    """Give all entries, by name. Raises StoreError."""
    folder = catalogue()
    with cache.reporting(folder):
        paths = [path for path in folder.iterdir() if path.suffix == ".json"] if folder.exists() else []
    found = map(_read, paths)
    return sorted((entry for entry in found if entry is not None), key=lambda entry: entry.name)


def enter(wanted: Entry, write: Callable[[Path], None], say: Say | None = None) -> Entry:
    """Put a kernel into the catalogue, unless it is there from the same origin; `write` writes its image.

    Name, architecture, version and origin are the caller's. Raises StoreError, and UsageError for a bad image.
    """
    path = catalogue() / f"{_file_name(wanted.name)}.image"
    with cache.locked(path, say):
        present = entry(wanted.name)
        if present is not None and present.origin == wanted.origin and path.exists():
            return present
        cache.replace(path, lambda new: _write_image(new, write, wanted.arch))
        made = replace(wanted, image=path.name, size=path.stat().st_size)
        text = json.dumps(asdict(made), indent=2) + "\n"
        cache.replace(path.with_suffix(".json"), lambda new: _write_text(new, text))
    return made


def _of_file(name: str, arch: str | None) -> Kernel:
    seen = image.read(Path(name))
    if arch is None:
        return Kernel(name, seen.path.absolute(), seen.arch)
    if ARCHITECTURES[arch].kernel != seen.arch:
        msg = f"{name}: a kernel of {seen.arch}, not of {arch}; leave out @{arch}"
        raise UsageError(msg)
    return Kernel(name if arch == seen.arch else f"{name}@{arch}", seen.path.absolute(), arch)


def _unknown(text: str, name: str, arch: str) -> UsageError:
    if name.startswith(("/", ".")) or mode(name):
        return UsageError(f"kernel {text!r}: no such file")
    if is_debian(name):
        return UsageError(f"kernel {text!r}: not fetched yet; run: lockproof kernel fetch {full_name(name, arch)}")
    source, plus, options = name.partition("+")
    if plus and options == "fault-injection":
        if arch != DEFAULT:
            return UsageError(f"kernel {text!r}: kernels are built for {DEFAULT} only; leave out @{arch}")
        how = f"lockproof kernel build {source} --fault-injection"
        return UsageError(f"kernel {text!r}: not built yet; run: {how}")
    names = [entry.name for entry in known()]
    # Without any there is nothing to suggest.
    hint = suggest(text, names) if names else "none is here yet, lockproof kernel fetch debian/6.12 fetches one"
    return UsageError(f"kernel {text!r}: no such file, fetched or built kernel; {hint}")


def _file_name(name: str) -> str:
    """Make a name that holds no folder; the names that users give have no %."""
    return name.replace("%", "%25").replace("/", "%2f")


def _read(path: Path) -> Entry | None:
    with cache.reporting(path):
        try:
            return _ENTRY.validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError as error:
            first = error.errors()[0]
            why = ": ".join([*map(str, first["loc"]), first["msg"]])
            msg = f"{path}: cannot be read ({why}); delete it, and fetch or build the kernel again"
            raise StoreError(msg) from error


def _write_image(new: Path, write: Callable[[Path], None], arch: str) -> None:
    write(new)
    if (seen := image.read(new)).arch != arch:
        msg = f"a kernel of {seen.arch} came instead of one of {arch}"
        raise UsageError(msg)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
