# SPDX-License-Identifier: Apache-2.0
"""The kernels that were fetched, built or unpacked: a folder of the cache, with some files for each.

NAME.json says what it is, and which file beside it is the image, and which its modules where it needs some; these have
their digests beside them (host/cache.py). What is unpacked for one target has a folder of its own, and is not listed.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from lockproof.conformance.errors import StoreError, UsageError
from lockproof.conformance.files import read_input
from lockproof.runners.host import cache
from lockproof.runners.kernels import image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lockproof.runners.host.cache import Say

__all__ = ["CachedKernel", "cached", "folder", "known", "remove", "store", "unpacked_name"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedKernel:
    """A kernel of the catalogue."""

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
    vendor: str = ""
    """Whose package it came in, of which `version` is the version; empty: none, or not known."""
    modules: str = ""
    """File name of the modules that it needs, in the catalogue: a cpio archive; empty: none."""

    @property
    def path(self) -> Path:
        """The image."""
        return folder() / self.image

    @property
    def modules_path(self) -> Path | None:
        """The modules; None: it needs none."""
        return folder() / self.modules if self.modules else None

    @property
    def is_whole(self) -> bool:
        """Whether the image and the modules are as they were when they were stored. Raises StoreError."""
        return all(cache.is_whole(path) for path in (self.path, self.modules_path) if path is not None)


_FIELDS = {"name": str, "arch": str, "image": str, "size": int, "version": str, "origin": str}
_LATER_FIELDS = {"vendor": str, "modules": str}
"""What older entries do not have."""
_UNPACKED = "unpacked:"
"""How names begin that stand for the digest of a package: no user can give them."""


def folder() -> Path:
    """Return the folder of the catalogue."""
    return cache.directory() / "kernels"


def unpacked_name(digest: str) -> str:
    """Return the name of what was unpacked for one target, which is not listed."""
    return f"{_UNPACKED}{digest}"


def cached(name: str) -> CachedKernel | None:
    """Return the kernel of a name with its @ARCH; None: it is not here. Raises StoreError where it cannot be read."""
    return _read(folder() / f"{_file_name(name)}.json")


def known() -> list[CachedKernel]:
    """Return all kernels of the catalogue, sorted by name. Raises StoreError."""
    where = folder()
    with cache.reporting(where):
        paths = [path for path in where.iterdir() if path.suffix == ".json"] if where.exists() else []
    found = map(_read, paths)
    return sorted((each for each in found if each is not None), key=lambda each: each.name)


def store(
    wanted: CachedKernel,
    write: Callable[[Path], None],
    say: Say | None = None,
    *,
    again: bool = False,
    modules: bytes = b"",
) -> CachedKernel:
    """Put a kernel into the catalogue, unless it is there from the same origin, and return it as it is there.

    Name, architecture, version, vendor and origin are the caller's, `write` writes the image. One that is damaged is
    written again, and with `again` any. Raises StoreError, and UsageError for a bad image.
    """
    path = folder() / f"{_file_name(wanted.name)}.image"
    with cache.locked(path, say):
        present = cached(wanted.name)
        if present is not None and present.origin == wanted.origin and path.exists() and not again:
            if present.is_whole:
                return present
            if say:
                say(f"{path}: damaged; getting {wanted.name} again")
        cache.keep(path, lambda new: _write_image(new, write, wanted.arch))
        beside = path.with_suffix(".modules")
        if modules:
            cache.keep(beside, lambda new: _write_bytes(new, modules))
        else:
            cache.remove(beside)
        inner = path.relative_to(folder())
        made = replace(
            wanted,
            image=str(inner),
            size=path.stat().st_size,
            modules=str(inner.with_suffix(".modules")) if modules else "",
        )
        text = json.dumps(asdict(made), indent=2) + "\n"
        cache.replace(path.with_suffix(".json"), lambda new: _write_text(new, text))
    return made


def remove(name: str) -> CachedKernel | None:
    """Remove the kernel of a name, with what it was built as; None: it was not here. Raises StoreError."""
    path = folder() / f"{_file_name(name)}.image"
    if not path.with_suffix(".json").exists() and not path.exists():
        return None
    with cache.locked(path), cache.reporting(path):
        removed = cached(name)
        digest = cache.digest(path)
        for built in (folder() / "built").glob("*"):
            if digest is not None and cache.digest(built) == digest:
                cache.remove(built)
        path.with_suffix(".json").unlink(missing_ok=True)
        cache.remove(path.with_suffix(".modules"))
        cache.remove(path)
    return removed


def _file_name(name: str) -> str:
    """Make a name that holds no folder; the names that users give have no %."""
    if name.startswith(_UNPACKED):
        return f"unpacked/{name.removeprefix(_UNPACKED)}"
    return name.replace("%", "%25").replace("/", "%2f")


def _read(path: Path) -> CachedKernel | None:
    with cache.reporting(path):
        try:
            text = read_input(path)
        except FileNotFoundError:
            return None
    try:
        return CachedKernel(**_checked(json.loads(text)))
    except (ValueError, RecursionError) as error:  # the latter: brackets within brackets
        msg = f"{path}: cannot be read ({error}); delete it, and fetch or build the kernel again"
        raise StoreError(msg) from error


def _checked(fields: Any) -> dict[str, Any]:  # noqa: ANN401  it is anything until it was looked at
    """Return the fields of a kernel as they are. Raises ValueError where one is missing, unknown or of another type."""
    if not isinstance(fields, dict):
        msg = "no fields"
        raise ValueError(msg)  # noqa: TRY004  as for all that may be wrong with a file
    every = _FIELDS | _LATER_FIELDS
    wrong = [name for name, kind in every.items() if not isinstance(fields.get(name, _default(name)), kind)]
    if wrong or not fields.keys() <= every.keys():
        msg = f"missing, unknown or of another type: {', '.join(wrong or sorted(fields.keys() - every.keys()))}"
        raise ValueError(msg)
    return fields


def _default(name: str) -> str | None:
    return "" if name in _LATER_FIELDS else None


def _write_image(new: Path, write: Callable[[Path], None], arch: str) -> None:
    write(new)
    if (seen := image.read(new)).arch != arch:
        msg = f"a kernel of {seen.arch} came instead of one of {arch}"
        raise UsageError(msg)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _write_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)
