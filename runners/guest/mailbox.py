# SPDX-License-Identifier: Apache-2.0
"""Bytes to and from a guest through memory that is shared with it (native/probe/stream/mailbox.c is the other side).

An emulated serial port takes 10 us for a byte. So the bytes lie in two rings of shared memory, and the port carries
one byte, the doorbell, where the other side has said that it waits for it. A guest without the device uses the port
for everything.
"""

from __future__ import annotations

import itertools
import mmap
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from lockproof.conformance.errors import TargetError

if TYPE_CHECKING:
    from lockproof.runners.probe.connection import Pipes

__all__ = ["END_OF_INPUT", "SIZE", "Mailbox", "Terminal"]

SIZE = 1 << 20  # bytes
END_OF_INPUT = b"\x04"
"""A terminal has no end."""

_MAGIC = 0x424D504C
_PROGRAMS, _TRACES, _STEP = 64, 256, 64  # where the counters are
_PROGRAM_BYTES, _TRACE_BYTES = 256 * 1024, 512 * 1024  # where the rings are
_DOORBELL = b"\a"
_LOOK = 0.001  # seconds between two looks for traces
_LOOKS = 50  # before the doorbell is waited for
_LOOK_AGAIN = 0.05  # seconds; should a bell ever be missed
_FULL = 0.002  # seconds between two looks at a full ring


class Terminal:
    """The serial port alone."""

    def __init__(self, pipes: Pipes) -> None:
        """Take the pipes behind the port."""
        self._pipes = pipes

    def send(self, data: bytes | bytearray) -> int:
        """See Stream."""
        return self._pipes.send(data)

    def receive(self) -> bytes | None:
        """See Stream."""
        return self._pipes.receive()

    def wait(self, seconds: float, *, to_send: bool) -> bool:
        """See Stream."""
        return self._pipes.wait(seconds, to_send=to_send)

    def end(self) -> None:
        """See Stream."""
        self._pipes.send(END_OF_INPUT)

    def close(self) -> None:
        """See Stream."""
        self._pipes.close()


class _Ring:
    """Bytes in one direction. Each counter is written by one side and read by the other as four bytes at once."""

    def __init__(self, memory: memoryview, counters: int, first: int, end: int) -> None:
        self._bytes = memory[first:end]
        self._size = end - first
        # Native numbers: struct's little-endian ones are put together byte by byte.
        self._counters = memory[counters : counters + 3 * _STEP].cast("I")
        self._fence = threading.Lock()

    def _get(self, index: int) -> int:
        return _little(self._counters[index * _STEP // 4])

    def _set(self, index: int, value: int) -> None:
        self._barrier()  # what was written before is seen before
        self._counters[index * _STEP // 4] = _little(value & 0xFFFFFFFF)
        self._barrier()

    def _barrier(self) -> None:
        """Keep the processor from reordering; taking and giving back a lock does."""
        with self._fence:
            pass

    @property
    def used(self) -> bool:
        """Whether anything was ever written."""
        return self._get(0) != 0

    @property
    def count(self) -> int:
        """Bytes that lie in it. Raises TargetError where there cannot be so many."""
        count = (self._get(0) - self._get(1)) & 0xFFFFFFFF
        if count > self._size:
            msg = "the guest has overwritten the mailbox"
            raise TargetError(msg)
        return count

    @property
    def room(self) -> int:
        """Bytes that can be put. Raises TargetError as `count` does."""
        return self._size - self.count

    @property
    def waiting(self) -> bool:
        """Whether its reader waits for the doorbell."""
        return self._get(2) != 0

    @waiting.setter
    def waiting(self, waits: bool) -> None:
        self._set(2, int(waits))

    def put(self, data: bytes | bytearray) -> int:
        first = self._get(0)
        count = min(len(data), self.room)
        at = first % self._size
        head = min(count, self._size - at)
        self._bytes[at : at + head] = data[:head]
        self._bytes[: count - head] = data[head:count]
        self._set(0, first + count)
        return count

    def take(self) -> bytes:
        count = self.count
        self._barrier()
        first = self._get(1)
        at = first % self._size
        head = min(count, self._size - at)
        data = bytes(self._bytes[at : at + head]) + bytes(self._bytes[: count - head])
        if count:
            self._set(1, first + count)
        return data

    def release(self) -> None:
        self._bytes.release()
        self._counters.release()


def _little(value: int) -> int:
    return value if sys.byteorder == "little" else int.from_bytes(value.to_bytes(4, "big"), "little")


class Mailbox:
    """Memory shared with a guest, and the serial port as its doorbell."""

    def __init__(self, memory: int, pipes: Pipes) -> None:
        """Map the file of SIZE bytes, which is not in use yet, and take the pipes behind the port."""
        self._map = mmap.mmap(memory, SIZE)
        self._view = memoryview(self._map)
        self._pipes = pipes
        self._programs = _Ring(self._view, _PROGRAMS, _PROGRAM_BYTES, _TRACE_BYTES)
        self._traces = _Ring(self._view, _TRACES, _TRACE_BYTES, SIZE)
        self._traces.waiting = True
        self._view[:4] = _MAGIC.to_bytes(4, "little")
        self._is_used: bool | None = None

    def send(self, data: bytes | bytearray) -> int:
        """See Stream. Where the guest has overwritten the mailbox, there is no room: `wait` says why."""
        if not self._is_used:
            return self._pipes.send(data)
        try:
            count = self._programs.put(data[: self._room])
            self._ring()
        except TargetError:
            return 0
        return count

    def receive(self) -> bytes | None:
        """See Stream. Raises TargetError where the guest has overwritten the mailbox."""
        rung = self._pipes.receive()
        if self._is_used is None and rung:
            self._is_used = self._traces.used
        if self._is_used is False:
            return rung
        data = self._traces.take()
        return None if rung is None and not data else data

    def wait(self, seconds: float, *, to_send: bool) -> bool:
        """See Stream. Raises TargetError where the guest has overwritten the mailbox."""
        if not self._is_used:
            return self._pipes.wait(seconds, to_send=to_send)
        deadline = time.monotonic() + seconds
        # A bell costs the guest some 100 us, a look costs less here: the bell is for when nothing comes for a while.
        looks = itertools.count()
        while not self._traces.count:
            self._traces.waiting = next(looks) >= _LOOKS
            if self._traces.count or (to_send and self._room):
                break
            left = deadline - time.monotonic()
            pause = _FULL if to_send else _LOOK_AGAIN if self._traces.waiting else _LOOK
            if self._pipes.wait(min(left, pause), to_send=False):
                break
            if left <= 0:
                return False
            self._ring()
        self._traces.waiting = False
        return True

    def end(self) -> None:
        """See Stream."""
        if self._is_used:
            with suppress(TargetError):  # nothing reaches a guest that has overwritten the mailbox
                self._programs.put(END_OF_INPUT)
            self._pipes.send(_DOORBELL)
        else:
            self._pipes.send(END_OF_INPUT)

    def close(self) -> None:
        """See Stream."""
        self._pipes.close()
        if not self._map.closed:
            self._programs.release()
            self._traces.release()
            self._view.release()
            self._map.close()

    @property
    def _room(self) -> int:
        """Bytes that can be sent; the end of input always finds room."""
        return max(0, self._programs.room - len(END_OF_INPUT))

    def _ring(self) -> None:
        if self._programs.waiting and self._programs.count:
            self._programs.waiting = False
            self._pipes.send(_DOORBELL)
