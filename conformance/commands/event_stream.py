# SPDX-License-Identifier: Apache-2.0
"""`--events`: what happens in a run, a line of JSON for each event."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lockproof.conformance.errors import StoreError
from lockproof.conformance.running.events import as_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lockproof.conformance.running.events import Event, Listener

__all__ = ["event_stream"]


@contextmanager
def event_stream(path: str | None) -> Iterator[tuple[Listener, ...]]:
    """Yield a listener that writes each event as a line of JSON, or none. Raises StoreError."""
    if path is None:
        yield ()
        return
    try:
        # No buffer: a line is there when the event is, and an error belongs to its event.
        file = open(sys.stdout.fileno() if path == "-" else path, "wb", buffering=0, closefd=path != "-")  # noqa: SIM115
    except OSError as error:
        msg = f"{path}: cannot be written: {error.strerror}; name another file with --events"
        raise StoreError(msg) from error

    def listener(event: Event) -> None:
        line = memoryview(f"{as_json(event)}\n".encode())
        try:
            while line:
                line = line[file.write(line) :]
        except OSError as error:
            msg = f"{path}: cannot be written: {error.strerror}; what was recorded is kept, go on with --resume"
            raise StoreError(msg) from error

    with file:
        yield (listener,)
