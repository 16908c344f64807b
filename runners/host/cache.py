# SPDX-License-Identifier: Apache-2.0
"""What is expensive to get, kept in the user's cache: written whole or not at all, by one lockproof at a time."""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lockproof.conformance.errors import StoreError
from lockproof.conformance.files import replacing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Say", "directory", "locked", "once", "replace", "reporting"]

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
def locked(path: Path, say: Say | None = None) -> Iterator[None]:
    """Keep other lockproofs away from a path, which need not exist; `say` tells that one is there.

    Raises StoreError.
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
        yield
    finally:
        os.close(descriptor)


def once(path: Path, make: Callable[[Path], None], say: Say | None = None) -> Path:
    """Return a file of the cache; where there is none, `make` writes it to the path that it gets. Raises StoreError."""
    with reporting(path):
        if not path.exists():
            with locked(path, say):
                if not path.exists():  # another lockproof may have made it meanwhile
                    replace(path, make)
    return path


def replace(path: Path, make: Callable[[Path], None]) -> None:
    """Write a file anew, by way of a temporary one that never outlives an error; the lock is the caller's."""
    with reporting(path), replacing(path) as new:
        make(new)
