# SPDX-License-Identifier: Apache-2.0
"""Files: read where they are files, written whole or not at all, by one lockproof at a time.

Whoever reads one while it is written reads what was there before.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lockproof.conformance.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader
    from pathlib import Path

__all__ = [
    "alone",
    "check_regular",
    "make_folder",
    "open_input",
    "read_input",
    "read_plain",
    "replacing",
    "write_whole",
]

_MOST = 256 << 20
"""Bytes of a file that is read as a whole."""


def open_input(path: Path, flags: int = 0) -> BufferedReader:
    """Open a file that somebody else wrote. Raises OSError, also where it is none: a pipe or a device has no end.

    `flags`: more of them for open(2).
    """
    # A pipe that nobody writes to would not be opened without this flag; of files it changes nothing.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | flags)
    try:
        check_regular(descriptor, path)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def check_regular(descriptor: int, path: Path) -> None:
    """Raise OSError where an open file is no regular one."""
    if stat.S_ISDIR(mode := os.fstat(descriptor).st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "Not a regular file", str(path))


def read_input(path: Path) -> bytes:
    """Read a file that somebody else wrote. Raises OSError as `open_input`, also where it is larger than 256 MiB."""
    with open_input(path) as file:
        content = file.read(_MOST + 1)
    if len(content) > _MOST:
        raise OSError(errno.EFBIG, f"Larger than {_MOST >> 20} MiB", str(path))
    return content


def read_plain(path: Path, largest: int) -> bytes:
    """Read a file of somebody who may mean harm. Raises OSError, also where it is a link, or larger than so many bytes.

    A link would let who made it choose what of this machine is read.
    """
    if path.is_symlink():  # who makes it one now gets the words of the kernel
        raise OSError(errno.ELOOP, "A link, which is not followed", str(path))
    with open_input(path, os.O_NOFOLLOW) as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise OSError(errno.EFBIG, f"Larger than {largest >> 20} MiB", str(path))
    return content


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Keep other lockproofs away from a path, in a folder that is there. Raises StoreError where one has it already."""
    lock = path.with_name(f".{path.name}.lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        msg = f"{lock}: cannot be written: {error.strerror}; name another folder with --results"
        raise StoreError(msg) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            msg = f"{path}: another lockproof is writing it; wait for that one, or name another folder with --results"
            raise StoreError(msg) from error
        yield
    finally:
        os.close(descriptor)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield the path of a new file, which takes the place of `path` at the end, and goes where there is an error.

    Its folder is there. Only one process at a time may write a path; where there may be more, the lock is the caller's.
    Raises OSError.
    """
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)  # of a lockproof that was killed
    try:
        yield new
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def make_folder(path: Path, hint: str) -> None:
    """Make a folder, with those that it is in, unless it is there. Raises StoreError, as `write_whole` does."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"{path}: cannot be made: {error.strerror}; {hint}"
        raise StoreError(msg) from error


def write_whole(path: Path, text: str, hint: str) -> None:
    """Write a text as UTF-8, in place of what was there. Raises StoreError: what went wrong, and `hint`, what to do."""
    try:
        if path.is_symlink() or (path.exists() and not path.is_file()):  # such as /dev/stdout, which has to stay
            path.write_text(text, encoding="utf-8")
        else:
            with replacing(path) as new:
                new.write_text(text, encoding="utf-8")
    except OSError as error:
        msg = f"{path}: cannot be written: {error.strerror}; {hint}"
        raise StoreError(msg) from error
