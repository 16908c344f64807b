# SPDX-License-Identifier: Apache-2.0
"""Files that are there whole or not at all: whoever reads one while it is written reads what was there before."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from lockproof.conformance.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["replacing", "write_whole"]


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield the path of a new file, which takes the place of `path` at the end, and goes where there is an error.

    Only one process at a time may write a path; where there may be more, the lock is the caller's. Raises OSError.
    """
    new = path.with_name(f".{path.name}.new")
    if not path.parent.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
    new.unlink(missing_ok=True)  # of a lockproof that was killed
    try:
        yield new
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


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
