# SPDX-License-Identifier: Apache-2.0
"""KERNEL: `debian/6.12`, `debian/6.1+fault-injection`, or the path of an image or of a package with one.

Each with `@ARCH` where needed.
"""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lockproof.conformance.errors import UsageError, suggest
from lockproof.runners.architectures import ARCHITECTURES, DEFAULT
from lockproof.runners.kernels import catalogue, image

if TYPE_CHECKING:
    from lockproof.runners.architectures import Architecture
    from lockproof.runners.kernels.catalogue import CachedKernel

__all__ = ["Kernel", "MissingKernelError", "catalogued", "find", "full_name", "is_debian", "mode", "split"]

_DEBIAN = re.compile(r"debian/\d[\w.~]*")


class MissingKernelError(UsageError):
    """A kernel of Debian that is not here, or not whole any more; `name` is what can be fetched, `arch` what it is for.

    `arch` is one of ARCHITECTURES, that of the probe.
    """

    def __init__(self, text: str, why: str, name: str, arch: str) -> None:
        """Say why, and how to get it."""
        self.why = f"kernel {text!r}: {why}"
        self.name = name
        self.arch = arch
        super().__init__(f"{self.why}; run: lockproof kernel fetch {name}")


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel that is there."""

    name: str
    """The text KERNEL without what goes without saying; the same on every machine, unless it is a path."""
    image: Path
    arch: str
    """Of the probe that it runs; one of ARCHITECTURES."""
    modules: Path | None = None
    """A cpio archive of what has to be loaded first; None: nothing."""
    packaged: tuple[str, str] = ("", "")
    """Vendor and version of its package; empty: it came in none, or in one of nobody who is known."""


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
    """Return type and permissions of the file of that name; 0: there is none. Raises UsageError where it is hidden."""
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
    """Return the name with its @ARCH, unless that is the default."""
    return name if arch == DEFAULT else f"{name}@{arch}"


def catalogued(text: str) -> str:
    """Return the name in the catalogue of the kernel that a text means. Raises UsageError as `split` does."""
    name, arch = split(text)
    return full_name(name, ARCHITECTURES[arch or DEFAULT].kernel)


def find(text: str) -> Kernel:
    """Find the kernel that a text means. Raises UsageError where there is none that can be booted, StoreError."""
    name, arch = split(text)
    if stat.S_ISREG(mode(name)) or stat.S_ISDIR(mode(name)):
        return _of_file(name, arch)
    wanted = ARCHITECTURES[arch or DEFAULT]
    found = catalogue.cached(full_name(name, wanted.kernel))
    if found is None:
        raise _unknown(text, name, wanted)
    if not found.is_whole:
        why = f"its image is damaged or gone ({found.path})"
        if is_debian(name):
            raise MissingKernelError(text, why, found.name, wanted.name)
        command = "build" if found.origin.startswith("built ") else "add"
        msg = f"kernel {text!r}: {why}; run the same lockproof kernel {command} again, it was {found.origin}"
        raise UsageError(msg)
    return _made(full_name(name, wanted.name), found, wanted.name)


def _made(name: str, found: CachedKernel, arch: str) -> Kernel:
    packaged = (found.vendor, found.version) if found.vendor else ("", "")
    return Kernel(name, image.read(found.path).path, arch, found.modules_path, packaged)


def _of_file(name: str, arch: str | None) -> Kernel:
    from lockproof.runners.kernels.archives import open_archive  # noqa: PLC0415
    from lockproof.runners.kernels.packaged import unpacked  # noqa: PLC0415  most kernels are no packages

    if (archive := open_archive(Path(name))) is not None:
        found = unpacked(archive)
        return _made(_checked_name(name, arch, found.arch), found, arch or found.arch)
    seen = image.read(Path(name))
    return Kernel(_checked_name(name, arch, seen.arch), seen.path.absolute(), arch or seen.arch)


def _checked_name(name: str, arch: str | None, seen: str) -> str:
    if arch is not None and ARCHITECTURES[arch].kernel != seen:
        msg = f"{name}: a kernel of {seen}, not of {arch}; leave out @{arch}"
        raise UsageError(msg)
    return name if arch in {None, seen} else f"{name}@{arch}"


def _unknown(text: str, name: str, wanted: Architecture) -> UsageError:
    arch = wanted.kernel
    if name.startswith(("/", ".")) or mode(name):
        return UsageError(f"kernel {text!r}: no such file")
    if is_debian(name):
        return MissingKernelError(text, "not fetched yet", full_name(name, arch), wanted.name)
    source, plus, options = name.partition("+")
    if plus and is_debian(source):
        if arch != DEFAULT:
            return UsageError(f"kernel {text!r}: kernels are built for {DEFAULT} only; leave out @{arch}")
        return UsageError(f"kernel {text!r}: not built yet; run: {_how_built(source, options.split('+'))}")
    names = [each.name for each in catalogue.known()]
    # Without any there is nothing to suggest.
    hint = suggest(text, names) if names else "none is here yet, lockproof kernel fetch debian/6.12 fetches one"
    return UsageError(f"kernel {text!r}: no such file, fetched or built kernel; {hint}")


def _how_built(source: str, options: list[str]) -> str:
    """Return the command that builds a kernel whose name says with what."""
    flags = [option for option in ("posixmlock", "fault-injection") if option in options]
    files = [option for option in options if option not in {*flags, "tiny"}]
    command = " ".join(["lockproof kernel build", source, *(f"--{flag}" for flag in flags)])
    return f"{command} with --patch or --config for {', '.join(files)}" if files else command
