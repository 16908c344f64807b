# SPDX-License-Identifier: Apache-2.0
"""What is expensive to get, kept in the user's cache: written whole or not at all, by one lockproof at a time.

Disks and people damage files later. What is kept has its digest beside it, in the form of sha256sum, and is compared
with it before it is used.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lockproof.conformance.errors import StoreError
from lockproof.conformance.files import replacing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "Say",
    "digest",
    "digest_of",
    "directory",
    "is_whole",
    "keep",
    "locked",
    "once",
    "remove",
    "replace",
    "reporting",
]

if TYPE_CHECKING:
    Say = Callable[[str], None]
    """Tells the user, in one line, what takes its time or was left out."""


def directory() -> Path:
    """Return the folder of the cache; what is in it can be deleted at any time that no lockproof runs."""
    if own := os.environ.get("LOCKPROOF_CACHE"):
        return Path(own).absolute()
    # The XDG base directory specification: a relative path is to be ignored.
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path("~/.cache").expanduser()) / "lockproof"


@contextmanager
def reporting(path: Path) -> Iterator[None]:
    """Turn trouble with a file of the cache into a StoreError that says what to do."""
    try:
        yield
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        instead = (
            "make room, or set LOCKPROOF_CACHE to a folder with more" if full else "check it, or set LOCKPROOF_CACHE"
        )
        msg = f"{error.filename or path}: {error.strerror}; {instead}"
        raise StoreError(msg) from error


@contextmanager
def locked(path: Path, say: Say | None = None) -> Iterator[int]:
    """Keep other lockproofs away from a path, which need not exist; `say` tells that one is there.

    Yields the descriptor of the lock: a program that inherits it keeps them away, too. Raises StoreError.
    """
    lock = path.with_name(f".{path.name}.lock")
    with reporting(lock):
        lock.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        with reporting(lock):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if say:
                    say(f"waiting for another lockproof, which is making {path.name}")
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def once(path: Path, make: Callable[[Path], None], say: Say | None = None) -> Path:
    """Return a file of the cache; where it is not there or damaged, `make` writes it to the path that it gets.

    Raises StoreError.
    """
    if not is_whole(path):
        with locked(path, say):
            if not is_whole(path):  # another lockproof may have made it meanwhile
                if path.exists() and say:
                    say(f"{path}: damaged; making it anew")
                keep(path, make)
    return path


def keep(path: Path, make: Callable[[Path], None]) -> None:
    """Write a file anew as `replace` does, and its digest beside it."""

    def make_and_digest(new: Path) -> None:
        make(new)
        line = f"{digest_of(new)}  {path.name}\n"
        replace(_digest_file(path), lambda beside: _write(beside, line))

    replace(path, make_and_digest)


def remove(path: Path) -> None:
    """Remove a file and its digest; the lock is the caller's. Raises StoreError."""
    with reporting(path):
        for each in (_digest_file(path), path):
            each.unlink(missing_ok=True)


def is_whole(path: Path) -> bool:
    """Tell whether a file that `keep` wrote is there, and as it was. Raises StoreError."""
    with reporting(path):
        return path.is_file() and digest(path) == digest_of(path)


def digest(path: Path) -> str | None:
    """Return the digest that a file had when it was kept; None: it is not known. Raises StoreError."""
    with reporting(path):
        try:
            return _digest_file(path).read_text(encoding="ascii", errors="replace").partition(" ")[0]
        except FileNotFoundError:
            return None


def _digest_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file as it is. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="ascii")


def replace(path: Path, make: Callable[[Path], None]) -> None:
    """Write a file anew, by way of a temporary one that never outlives an error; the lock is the caller's."""
    with reporting(path), replacing(path) as new:
        make(new)
