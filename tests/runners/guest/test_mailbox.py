# SPDX-License-Identifier: Apache-2.0
"""The mailbox: its rings, both sides of it on one memory, and the guest's side as native/probe has it."""

from __future__ import annotations

import mmap
import os
import random
import select
import shutil
import struct
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockproof.conformance.errors import TargetError
from lockproof.runners.guest.mailbox import END_OF_INPUT, SIZE, Mailbox, Terminal, _Ring
from lockproof.runners.probe.connection import Pipes, start_process
from tests.places import NATIVE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lockproof.runners.probe.connection import Stream

LIMIT = 60.0
"""Seconds after which what should come will not."""


def chance(seed: int) -> random.Random:
    """Return numbers and bytes of any kind, the same for the same seed."""
    return random.Random(seed)  # noqa: S311  nothing secret


# Rings

COUNTS = st.sampled_from([0, 1, 15, 2**31 - 3, 2**32 - 40, 2**32 - 16, 2**32 - 1]) | st.integers(0, 2**32 - 1)
STEPS = st.lists(st.binary(min_size=1, max_size=40) | st.none(), max_size=40)
"""Bytes: put them; None: take what is there."""


@given(start=COUNTS, size=st.sampled_from([4, 16, 32]), steps=STEPS)
def test_a_ring_carries_any_writes_and_reads_unchanged_from_any_count(
    start: int, size: int, steps: list[bytes | None]
) -> None:
    memory = memoryview(bytearray(1024))
    struct.pack_into("<I60xI", memory, 256, start, start)
    writer, reader = (_Ring(memory, 256, 512, 512 + size) for _ in range(2))
    inside = b""
    for step in steps:
        if step is None:
            assert reader.take() == inside
            inside = b""
        else:
            taken = writer.put(step)
            assert taken == min(len(step), size - len(inside))
            inside += step[:taken]
        assert writer.count == reader.count == len(inside)
    assert reader.take() == inside
    assert reader.take() == b""
    assert bytes(memory[512 + size :]) == bytes(512 - size)
    assert bytes(memory[:256]) == bytes(256)


def test_counters_lie_in_memory_as_little_endian_numbers_64_bytes_apart() -> None:
    memory = memoryview(bytearray(1024))
    struct.pack_into("<I60xI", memory, 64, 2**32 - 2, 2**32 - 2)
    ring = _Ring(memory, 64, 512, 528)
    assert ring.put(b"abc") == 3
    assert struct.unpack_from("<I60xI60xI", memory, 64) == (1, 2**32 - 2, 0)
    assert ring.take() == b"abc"
    ring.waiting = True
    assert struct.unpack_from("<I60xI60xI", memory, 64) == (1, 1, 1)


# One memory, mapped twice


class GuestRing:
    """The guest's view of a ring, by the numbers of native/probe/stream/mailbox.c."""

    def __init__(self, memory: mmap.mmap, counters: int, first: int, size: int) -> None:
        self.memory, self.counters, self.first, self.size = memory, counters, first, size

    def __getitem__(self, index: int) -> int:
        """Return what was written, what was taken, or whether the reader waits."""
        return int(struct.unpack_from("<I", self.memory, self.counters + 64 * index)[0])

    def __setitem__(self, index: int, value: int) -> None:
        struct.pack_into("<I", self.memory, self.counters + 64 * index, value % 2**32)

    @property
    def count(self) -> int:
        return (self[0] - self[1]) % 2**32

    def put(self, data: bytes) -> bytes:
        """Write what there is room for, and give the rest."""
        room = self.size - self.count
        for number, byte in enumerate(data[:room]):
            self.memory[self.first + (self[0] + number) % self.size] = byte
        self[0] += len(data[:room])
        return data[room:]

    def take(self, most: int) -> bytes:
        count = min(most, self.count)
        data = bytes(self.memory[self.first + (self[1] + number) % self.size] for number in range(count))
        self[1] += count
        return data


class Guest:
    """A guest with a port, whose bytes two processes carry, and with a mapping of its own of the host's memory."""

    def __init__(self, memory: int) -> None:
        os.ftruncate(memory, SIZE)
        self.memory = mmap.mmap(memory, SIZE)
        self.programs = GuestRing(self.memory, 64, 1 << 18, 1 << 18)
        self.traces = GuestRing(self.memory, 256, 1 << 19, 1 << 19)
        self.port_in, into = os.pipe()
        out, self.port_out = os.pipe()
        with os.fdopen(into, "wb") as target, os.fdopen(out, "rb") as source:
            self.carriers = [
                subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=target, bufsize=0),
                subprocess.Popen(["cat"], stdin=source, stdout=subprocess.PIPE, bufsize=0),
            ]
        self.carriers[0].stdout = self.carriers[1].stdout
        self.pipes = Pipes(self.carriers[0])

    def rings(self) -> None:
        os.write(self.port_out, b"\a")

    def hears(self) -> bytes:
        """Return what comes through the port; waits for it."""
        assert select.select([self.port_in], [], [], LIMIT)[0]
        return os.read(self.port_in, 100)

    def hears_nothing(self) -> bool:
        """Say whether nothing more comes through the port, which is at its end then."""
        self.pipes.end()
        return self.hears() == b""

    def ends(self) -> None:
        with suppress(OSError):
            os.close(self.port_out)
        self.port_out = -1


@pytest.fixture
def memory() -> Iterator[int]:
    descriptor = os.memfd_create("mailbox")
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def guest(memory: int) -> Iterator[Guest]:
    made = Guest(memory)
    yield made
    made.ends()
    made.pipes.close()
    os.close(made.port_in)
    made.memory.close()
    for carrier in made.carriers:
        carrier.wait(LIMIT)


@pytest.fixture
def host(memory: int, guest: Guest) -> Iterator[Mailbox]:
    made = Mailbox(memory, guest.pipes)
    yield made
    made.close()


@pytest.fixture
def used(guest: Guest, host: Mailbox) -> Mailbox:
    """Return the mailbox after the guest has said hello in it."""
    guest.traces.put(b"hello\n")
    guest.rings()
    assert came(host) == b"hello\n"
    return host


def came(stream: Stream) -> bytes | None:
    """Wait for what comes next."""
    assert stream.wait(LIMIT, to_send=False)
    return stream.receive()


def test_a_guest_finds_the_magic_number_and_that_its_host_waits(guest: Guest, host: Mailbox) -> None:
    assert host.receive() == b""
    assert guest.memory[:4] == b"LPMB"
    assert [guest.programs[index] for index in range(3)] == [0, 0, 0]
    assert [guest.traces[index] for index in range(3)] == [0, 0, 1]


def test_before_the_guest_uses_the_memory_everything_goes_through_the_port(guest: Guest, host: Mailbox) -> None:
    assert host.send(b"program\n") == 8
    assert guest.hears() == b"program\n"
    assert guest.programs.count == 0


def test_a_guest_that_answers_through_the_port_has_no_mailbox_for_good(guest: Guest, host: Mailbox) -> None:
    os.write(guest.port_out, b"hello\n")
    assert came(host) == b"hello\n"
    guest.traces.put(b"garbage")
    guest.rings()
    assert came(host) == b"\a"
    assert host.send(b"program\n") == 8
    assert guest.hears() == b"program\n"
    host.end()
    assert guest.hears() == END_OF_INPUT
    guest.ends()
    assert came(host) is None


def test_what_lies_in_the_memory_is_received_and_the_doorbell_is_not(guest: Guest, used: Mailbox) -> None:
    guest.traces.put(b"trace\a\n")
    guest.rings()
    guest.rings()
    assert came(used) == b"trace\a\n"
    assert guest.traces.count == 0
    assert used.receive() == b""


def test_a_guest_that_waits_hears_one_doorbell_for_all_that_is_sent(guest: Guest, used: Mailbox) -> None:
    guest.programs[2] = 1
    assert used.send(b"first\n") == 6
    assert guest.programs[2] == 0
    assert used.send(b"second\n") == 7
    assert guest.hears() == b"\a"
    assert guest.programs.take(100) == b"first\nsecond\n"
    assert guest.hears_nothing()


def test_a_guest_that_does_not_wait_hears_no_doorbell(guest: Guest, used: Mailbox) -> None:
    assert used.send(b"program\n") == 8
    assert guest.programs.take(100) == b"program\n"
    assert guest.hears_nothing()


def test_a_guest_that_waits_hears_no_doorbell_for_nothing(guest: Guest, used: Mailbox) -> None:
    guest.programs[2] = 1
    assert used.send(b"") == 0
    assert guest.hears_nothing()


def test_no_more_is_sent_than_there_is_room_for(guest: Guest, used: Mailbox) -> None:
    data = chance(1).randbytes(guest.programs.size + 10)
    assert used.send(data) == guest.programs.size - 1  # the end of input has room
    assert used.send(b"more") == 0
    assert guest.programs.take(7) == data[:7]
    assert used.send(data[-11:]) == 7
    assert guest.programs.take(SIZE) == data[7:-4]


def test_the_end_of_input_reaches_a_guest_that_has_not_read_what_came_before(guest: Guest, used: Mailbox) -> None:
    used.send(bytes(guest.programs.size))
    used.end()
    assert guest.programs.take(SIZE) == bytes(guest.programs.size - 1) + END_OF_INPUT


@pytest.mark.parametrize("counter", [0, 1])
def test_a_guest_that_has_overwritten_the_counters_is_a_target_error(guest: Guest, used: Mailbox, counter: int) -> None:
    guest.traces[counter] = guest.traces[counter] + 2**31
    for look in (lambda: used.wait(LIMIT, to_send=False), used.receive):
        with pytest.raises(TargetError, match=r"^the guest has overwritten the mailbox$"):
            look()
    guest.traces[0] = guest.traces[1] = 0
    guest.programs[counter] = 2**31
    assert used.send(b"program\n") == 0
    with pytest.raises(TargetError, match=r"^the guest has overwritten the mailbox$"):
        used.wait(LIMIT, to_send=True)
    used.end()
    assert guest.hears() == b"\a"


@pytest.mark.parametrize("start", [0, 2**32 - 5, 2**32 - 100_000, 2**31 - 5])
def test_both_directions_carry_everything_at_once_from_any_count(memory: int, guest: Guest, start: int) -> None:
    for ring in (guest.programs, guest.traces):
        ring[0] = ring[1] = start
    host = Mailbox(memory, guest.pipes)
    any_of = chance(start)
    programs, traces = any_of.randbytes(700_000), any_of.randbytes(1_100_000)
    to_send, to_answer = programs, traces
    sent, answered = b"", b""
    guest.rings()
    to_answer = guest.traces.put(to_answer)
    assert guest.traces.count == guest.traces.size  # it is full
    while len(answered) < len(traces) or len(sent) < len(programs):
        if to_send or len(answered) < len(traces):
            assert host.wait(LIMIT, to_send=bool(to_send))
        answered += host.receive() or b""
        to_send = to_send[host.send(to_send[: any_of.randrange(1, 400_000)]) if to_send else 0 :]
        sent += guest.programs.take(any_of.randrange(400_000))
        to_answer = guest.traces.put(to_answer)
        if guest.traces[2]:
            guest.rings()
    assert (sent, answered) == (programs, traces)
    assert guest.programs[0] == guest.programs[1] == (start + len(programs)) % 2**32
    assert guest.traces[0] == guest.traces[1] == (start + len(traces)) % 2**32
    host.close()


def test_a_wait_ends_at_once_where_something_lies_in_the_memory_already(guest: Guest, used: Mailbox) -> None:
    guest.traces.put(b"trace\n")
    assert used.wait(0, to_send=False)
    assert guest.traces[2] == 0  # no doorbell is needed while the host looks
    assert used.receive() == b"trace\n"


def test_a_short_wait_for_nothing_only_looks(guest: Guest, used: Mailbox) -> None:
    assert not used.wait(0.005, to_send=False)
    assert guest.traces[2] == 0
    assert used.receive() == b""


def test_a_long_wait_for_nothing_ends_and_leaves_word_that_the_host_waits(guest: Guest, used: Mailbox) -> None:
    assert not used.wait(5.0, to_send=False)
    assert guest.traces[2] == 1
    assert used.receive() == b""


def test_a_wait_to_send_ends_when_there_is_room_though_nothing_comes(guest: Guest, used: Mailbox) -> None:
    used.send(bytes(guest.programs.size))
    assert not used.wait(0, to_send=True)
    guest.programs.take(1)
    assert used.wait(LIMIT, to_send=True)
    assert used.receive() == b""


def test_a_guest_that_missed_the_doorbell_hears_it_again(guest: Guest, used: Mailbox) -> None:
    used.send(b"program\n")
    guest.programs[2] = 1  # too late for the doorbell of that

    def answer() -> None:
        assert guest.hears() == b"\a"
        guest.traces.put(guest.programs.take(100))
        guest.rings()

    thread = Thread(target=answer)
    thread.start()
    assert came(used) == b"program\n"
    thread.join(LIMIT)
    assert not thread.is_alive()


def test_what_a_guest_wrote_before_its_end_is_received_before_the_end(guest: Guest, used: Mailbox) -> None:
    guest.traces.put(b"last words")
    guest.ends()
    guest.carriers[1].wait(LIMIT)
    assert came(used) == b"last words"
    deadline = time.monotonic() + LIMIT
    while (end := came(used)) == b"":
        assert time.monotonic() < deadline
    assert end is None


def test_the_end_of_input_lies_in_the_memory_and_the_doorbell_is_rung(guest: Guest, used: Mailbox) -> None:
    used.send(b"program\n")
    used.end()
    assert guest.hears() == b"\a"
    assert guest.programs.take(100) == b"program\n" + END_OF_INPUT


def test_a_mailbox_can_be_closed_twice_and_gives_its_memory_back(memory: int, host: Mailbox, guest: Guest) -> None:
    def mappings() -> int:
        return Path("/proc/self/maps").read_text().count("/memfd:mailbox")

    assert mappings() == 2
    host.close()
    host.close()
    assert mappings() == 1
    assert guest.memory[:4] == os.pread(memory, 4, 0)


def test_a_port_alone_carries_bytes_and_a_byte_that_is_the_end(guest: Guest) -> None:
    port = Terminal(guest.pipes)
    assert port.receive() == b""
    assert not port.wait(0, to_send=False)
    assert port.wait(LIMIT, to_send=True)
    assert port.send(b"program\n") == 8
    assert guest.hears() == b"program\n"
    os.write(guest.port_out, b"trace\a\n")
    assert came(port) == b"trace\a\n"
    port.end()
    assert guest.hears() == END_OF_INPUT
    port.close()


# The guest of native/probe

PROBE = NATIVE / "probe"
COMPILER = shutil.which("cc") or shutil.which("gcc")
ECHO = """
#include <stdlib.h>
#include <sys/mman.h>
#include "stream/channel.h"
int main(int count, char **arguments)
{
	static char bytes[5000];
	struct channel channel = { .in = 0, .out = 1, .is_terminal = true };
	void *memory = mmap(NULL, MAILBOX_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, atoi(arguments[count - 1]), 0);
	size_t size;

	channel.has_mailbox = memory != MAP_FAILED && mailbox_in(&channel.mailbox, memory);
	if (!channel.has_mailbox || !channel_write(&channel, "hello\\n", 6))
		return 1;
	while ((size = channel_read(&channel, bytes, sizeof(bytes))) > 0)
		if (!channel_write(&channel, bytes, size))
			return 2;
	return 0;
}
"""
"""Sends back what it reads."""


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Compile a guest of the probe's own sources."""
    if COMPILER is None:
        pytest.skip("needs a C compiler on PATH")
    folder = tmp_path_factory.mktemp("echo")
    (folder / "echo.c").write_text(ECHO)
    sources = [folder / "echo.c", PROBE / "stream/channel.c", PROBE / "stream/mailbox.c"]
    subprocess.run([COMPILER, "-O2", "-std=gnu11", f"-I{PROBE}", "-o", folder / "echo", *sources], check=True)
    return str(folder / "echo")


@pytest.mark.parametrize("start", [0, 2**32 - 300_000])
def test_the_guest_of_the_probe_sends_back_all_that_it_is_sent(echo: str, memory: int, start: int) -> None:
    os.ftruncate(memory, SIZE)
    for counter in (64, 128, 256, 320):
        os.pwrite(memory, struct.pack("<I", start), counter)
    # The host has written the magic number before the guest looks for it, as in a machine that is not on yet.
    os.pwrite(memory, b"LPMB", 0)
    os.pwrite(memory, struct.pack("<I", 1), 384)
    with tempfile.TemporaryFile() as errors:
        process = start_process([echo, str(memory)], errors, pass_fds=(memory,))
        host = Mailbox(memory, Pipes(process))
        assert came(host) == b"hello\n"
        data = chance(start).randbytes(3_000_000).replace(END_OF_INPUT, b"")
        unsent, answered = bytearray(data), bytearray()
        while len(answered) < len(data):
            assert host.wait(LIMIT, to_send=bool(unsent))
            del unsent[: host.send(unsent)]
            answered += host.receive() or b""
        assert answered == data
        host.end()
        assert came(host) is None
        assert process.wait(LIMIT) == 0
        host.close()


def test_many_small_programs_and_answers_lose_no_doorbell(echo: str, memory: int) -> None:
    os.ftruncate(memory, SIZE)
    os.pwrite(memory, b"LPMB", 0)
    os.pwrite(memory, struct.pack("<I", 1), 384)
    with tempfile.TemporaryFile() as errors:
        process = start_process([echo, str(memory)], errors, pass_fds=(memory,))
        host = Mailbox(memory, Pipes(process))
        assert came(host) == b"hello\n"
        for number in range(2000):
            line = b"program %d\n" % number
            assert host.send(line) == len(line)
            answer = b""
            while len(answer) < len(line):
                answer += came(host) or b""
            assert answer == line
        host.end()
        assert process.wait(LIMIT) == 0
        host.close()
