# SPDX-License-Identifier: Apache-2.0
"""The kernel in a package, a tarball or a build tree, and those of its modules that a guest cannot do without.

Which modules depend on which is read from the modules themselves, as depmod does: packages have no modules.dep, that
is made where they are installed.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from lockproof.conformance.errors import UsageError
from lockproof.runners.architectures import ARCHITECTURES
from lockproof.runners.kernels import image
from lockproof.runners.kernels.archives import complaining
from lockproof.runners.kernels.compression import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from lockproof.runners.kernels.archives import Archive

__all__ = ["Module", "Unpacked", "look", "unpack"]

_LARGEST_IMAGE, _LARGEST_MODULE, _LARGEST_CONFIG = 1 << 30, 64 << 20, 4 << 20
"""Bytes."""
_SUFFIX = r"(?:\.(?:gz|xz|zst|lz4|efi))?"
_RELEASE = r"(?P<release>\d[^/]*?)"
_FOLDER = rf"(?:usr/)?lib/modules/{_RELEASE}"
_IMAGES = (
    rf"{_FOLDER}/(?:vmlinuz|bzImage|Image|image){_SUFFIX}",
    rf"boot/(?:vmlinuz|bzImage|Image|image|kernel)-{_RELEASE}{_SUFFIX}",
    rf"boot/(?P<release>)(?:vmlinuz|bzImage|Image){_SUFFIX}",
    rf"(?P<release>)arch/[^/]+/boot/(?:bzImage|vmlinuz|Image){_SUFFIX}",
    rf"boot/vmlinux-{_RELEASE}{_SUFFIX}",
    rf"{_FOLDER}/vmlinux{_SUFFIX}",
    r"(?P<release>)(?:boot/)?vmlinux",
)
"""Where distributions, images and build trees have kernels; the best first. Of one kernel there may be several."""
_NO_IMAGE = r".*\.(?:hmac|sig|sha\d+|old|map|debug)"
_CONFIGS = (rf"boot/config-{_RELEASE}", rf"{_FOLDER}/config", r"(?P<release>)\.config")
_MODULES = (rf"{_FOLDER}/(?:.*/)?(?P<name>[^/]+)\.ko{_SUFFIX}", rf"(?P<release>)(?:.*/)?(?P<name>[^/]+)\.ko{_SUFFIX}")
_NEEDED = ("CONFIG_BLK_DEV_INITRD", "CONFIG_BINFMT_ELF", "CONFIG_DEVTMPFS", "CONFIG_PROC_FS")
"""Of every kernel, beside the drivers that ARCHITECTURES names: without these no probe starts, or none can answer."""


class Module(NamedTuple):
    """A module, not compressed."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """A kernel that was taken out."""

    release: str
    """As `uname -r` will say; empty: not known."""
    arch: str
    """One of ARCHITECTURES."""
    modules: tuple[Module, ...]
    """Which have to be loaded, in this order."""


@dataclass(slots=True)
class Seen:
    """What an archive has, after it was read once."""

    archive: Archive
    images: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Rank and release, by name."""
    links: dict[str, str] = field(default_factory=dict)
    """Links in the place of an image, and what they lead to."""
    configs: dict[str, str] = field(default_factory=dict)
    """By release; that of a build tree has none."""
    modules: dict[str, dict[str, str]] = field(default_factory=dict)
    """By release, then by the name of the module: the name of the member."""
    best: str = ""
    """The image that was written; empty: none."""

    @property
    def release(self) -> str:
        """Of the kernel; empty: not known."""
        said = self.images[self.best][1]
        return said or (next(iter(self.modules)) if len(self.modules) == 1 else "")


def look(archive: Archive, new: Path) -> Seen:
    """Read an archive to its end, and write the image that it has, if any. Raises UsageError."""
    seen = Seen(archive)
    for name, content, link in archive.members():
        if (ranked := _rank(name)) is not None:
            if content is None:
                seen.links[name] = link
                continue
            seen.images[name] = ranked
            if not seen.best or ranked[0] < seen.images[seen.best][0]:
                seen.best = name
                _write(archive.path, content, new)
        elif content is not None and (match := _match(_CONFIGS, name)):
            text = _bounded(archive.path, content, _LARGEST_CONFIG, name)
            seen.configs[match["release"]] = text.decode(errors="replace")
        elif content is not None and (match := _match(_MODULES, name)):
            seen.modules.setdefault(match["release"], {})[_plain_name(match["name"])] = name
    if not seen.best and seen.links:
        _follow(seen, new)
    releases = sorted({release for _, release in seen.images.values() if release})
    if len(releases) > 1:
        msg = f"{archive.path}: has several kernels, {', '.join(releases)}; give one of them"
        raise UsageError(msg)
    return seen


def _match(patterns: Iterable[str], name: str) -> re.Match[str] | None:
    return next(filter(None, (re.fullmatch(pattern, name) for pattern in patterns)), None)


def _rank(name: str) -> tuple[int, str] | None:
    """Return how good a member is as an image, 0 is best, and the release that its name tells; None: it is none."""
    if re.fullmatch(_NO_IMAGE, name):
        return None
    matches = ((rank, re.fullmatch(pattern, name)) for rank, pattern in enumerate(_IMAGES))
    return next(((rank, match["release"]) for rank, match in matches if match), None)


def _follow(seen: Seen, new: Path) -> None:
    """Write the image that a link leads to. Raises UsageError where it leads out of the archive, or to nothing."""
    link = min(seen.links, key=lambda name: _rank(name) or (len(_IMAGES), ""))
    target, path = seen.links[link], seen.archive.path
    if not target:
        msg = f"{path}: {link} is a link that leads out of it; give a package with the kernel itself"
        raise UsageError(msg)
    for name, content, _ in seen.archive.members():
        if name == target and content is not None:
            seen.best = link
            seen.images[link] = _rank(link) or (len(_IMAGES), "")
            _write(path, content, new)
            return
    msg = f"{path}: {link} leads to {target}, which is not there; give a package with the kernel itself"
    raise UsageError(msg)


def unpack(seen: Seen, written: Path, others: Sequence[Seen] = ()) -> Unpacked:
    """Find out what the image is that `look` wrote, and take the modules that it needs, also out of other archives.

    Raises UsageError where it is none that can be booted, or cannot be talked to as it was built.
    """
    called = f"{seen.archive.path}: {seen.best}"
    arch = image.read(written, called).arch
    config = seen.configs.get(seen.release) or seen.configs.get("")
    options = dict(re.findall(r"^(CONFIG_\w+)=(\S+)", config or "", re.MULTILINE))
    drivers = ARCHITECTURES[arch].machine.drivers
    if config and (missing := [each for each in (*_NEEDED, *drivers) if each not in options]):
        msg = f"{called}: built without {', '.join(missing)}, so that it cannot be talked to; build it with these"
        raise UsageError(msg)
    sources = [(each, _modules_of(each, seen.release)) for each in (seen, *others)]
    there = {name for _, modules in sources for name in modules}
    wanted = []
    for option, driver in drivers.items():
        if options.get(option) == "m" or (not config and driver in there):
            wanted.append(driver)
            if driver not in there:
                msg = (
                    f"{called}: {option}=m, and the module {driver} is not there; give the package with the modules of "
                    f"{seen.release or 'this kernel'} as well: lockproof kernel add {seen.archive.path} PACKAGE"
                )
                raise UsageError(msg)
    return Unpacked(release=seen.release, arch=arch, modules=tuple(_closure(wanted, sources, called)))


def _modules_of(seen: Seen, release: str) -> dict[str, str]:
    return seen.modules.get(release) or seen.modules.get("") or {}


def _closure(wanted: list[str], sources: list[tuple[Seen, dict[str, str]]], called: str) -> list[Module]:
    """Return modules and what they depend on, each behind what it needs."""
    found: dict[str, bytes] = {}
    missing = set(wanted)
    while missing:  # once for each step from a module to what it needs: names come before contents
        for seen, modules in sources:
            names = {modules[name]: name for name in missing if name in modules}
            for member, content, _ in seen.archive.members() if names else ():
                if member in names and content is not None:
                    path = seen.archive.path
                    packed = io.BytesIO(_bounded(path, content, _LARGEST_MODULE, member))
                    unpacked = plain(packed, 2 * _LARGEST_MODULE)
                    found[names[member]] = _bounded(path, unpacked, _LARGEST_MODULE, member)
        if lost := sorted(missing - found.keys()):
            msg = f"{called}: the module {lost[0]}, which others need, is not there; give the package with it as well"
            raise UsageError(msg)
        missing = {name for content in found.values() for name in _needed(content)} - found.keys()
    ordered: dict[str, None] = {}

    def add(name: str) -> None:
        for other in _needed(found[name]):
            if other not in ordered and other != name:
                add(other)
        ordered[name] = None

    for name in wanted:
        add(name)
    return [Module(name, found[name]) for name in ordered]


def _needed(module: bytes) -> list[str]:
    """Return the modules that a module says it depends on: `depends=` of its section .modinfo."""
    match = re.search(rb"\0depends=([\w,-]*)\0", module)
    return [_plain_name(name) for name in match[1].decode().split(",") if name] if match else []


def _plain_name(name: str) -> str:
    return name.replace("-", "_")


def _write(path: Path, content: BinaryIO, new: Path) -> None:
    size = 0
    with complaining(path), new.open("wb") as file:
        while block := content.read(1 << 20):
            size += file.write(block)
            if size > _LARGEST_IMAGE:
                msg = f"{path}: has a kernel of more than {_LARGEST_IMAGE} bytes; get it again"
                raise UsageError(msg)


def _bounded(path: Path, content: BinaryIO, limit: int, name: str) -> bytes:
    with complaining(path):
        text = content.read(limit + 1)
    if len(text) > limit:
        msg = f"{path}: {name} has more than {limit} bytes; get it again"
        raise UsageError(msg)
    return text
