# SPDX-License-Identifier: Apache-2.0
"""The lines of a guest, and which part of its console belongs to which program. A script stands in for QEMU."""

from __future__ import annotations

import os
import sys
import textwrap
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.errors import TargetError
from lockproof.runners.guest import connection
from lockproof.runners.guest.connection import Guest
from lockproof.runners.guest.mailbox import Terminal
from lockproof.runners.probe.connection import Pipes, SilentError, start_process

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = """
import os, sys, time

def console(text):
    os.write(2, text.encode() + b"\\n")

def line(text):
    os.write(1, text.encode() + b"\\n")

def asked():
    return sys.stdin.buffer.readline()

"""


@contextmanager
def guest(body: str) -> Iterator[Guest]:
    """Start a script as if it were QEMU: its standard output is the channel, its standard error the console."""
    console = os.fdopen(os.memfd_create("console"), "wb", buffering=0)
    process = start_process([sys.executable, "-c", SCRIPT + textwrap.dedent(body)], console)
    started = Guest(process, Terminal(Pipes(process)), console, "TCG")
    try:
        yield started
    finally:
        started.close(at_once=True)


def log(broken: Guest) -> tuple[str, ...]:
    """Wait until the guest has panicked, and return what of the console belongs to the program under way."""
    with pytest.raises(TargetError) as caught:
        broken.line(30)
    crash = broken.crash(caught.value)
    assert crash is not None
    return crash.log


def test_what_firmware_says_before_the_hello_is_passed_over() -> None:
    with guest("line('SLOF'); line('login:'); line('{\"hello\":1}'); line('next'); asked()") as started:
        assert started.first_line(30) == '{"hello":1}'
        assert started.about.startswith("booted in ")
        assert started.line(30) == "next"


def test_a_guest_that_talks_without_end_and_says_no_hello_is_given_up() -> None:
    with guest("while True:\n    line('login:')") as started:
        assert started.line(30) == "login:"  # it has begun, and never stops
        why = r"^the guest did not come up: no hello in 0\.2 s, but 'login:'; the console"
        with pytest.raises(TargetError, match=why):
            started.first_line(0.2)


def test_a_guest_that_says_nothing_is_given_up() -> None:
    with (
        guest("asked()") as started,
        pytest.raises(
            SilentError,
            match=r"^no answer in 0\.2 s; the console is empty: the image may be damaged, or be for another machine$",
        ),
    ):
        started.line(0.2)


def test_the_log_of_a_crash_begins_where_the_last_answer_was_read() -> None:
    body = """
    line('{"hello":1}'); asked()
    console("of the first"); line("one"); asked()
    console("of the second"); console("Kernel panic - not syncing"); sys.exit(0)
    """
    with guest(body) as started:
        started.first_line(30)
        started.send(b"1\n")
        assert started.line(30) == "one"
        started.answered(())
        started.send(b"2\n")
        # What came with the answer may be of the next program; what came before it is not.
        assert log(started) == ("of the first", "of the second", "Kernel panic - not syncing")


def test_what_was_said_before_the_look_that_missed_an_answer_is_not_of_the_next_program() -> None:
    body = """
    line('{"hello":1}'); asked()
    console("of the first"); line("half"); asked()
    line("one"); asked()
    console("of the second"); console("Kernel panic - not syncing"); sys.exit(0)
    """
    with guest(body) as started:
        started.first_line(30)
        started.send(b"1\n")
        assert started.line(30) == "half"
        started.send(b"1\n")
        assert started.line(30) == "one"
        started.answered(())
        started.send(b"2\n")
        assert log(started) == ("of the second", "Kernel panic - not syncing")


def test_what_a_program_says_at_once_after_the_answer_before_it_belongs_to_it() -> None:
    body = """
    line('{"hello":1}'); asked()
    line("one"); console("of the second"); asked()
    console("Kernel panic - not syncing"); sys.exit(0)
    """
    with guest(body) as started:
        started.first_line(30)
        started.send(b"1\n")
        assert started.line(30) == "one"
        started.answered(())
        started.send(b"2\n")
        assert log(started) == ("of the second", "Kernel panic - not syncing")


def test_what_the_program_before_has_told_is_not_of_the_next_one_although_two_answers_came_at_once() -> None:
    body = """
    line('{"hello":1}'); asked()
    console("[    1.000000] BUG: of the first"); console("[    1.000001]  more\\tof it"); os.write(1, b"one\\ntwo\\n"); asked()
    console("[    2.000000] BUG: of the third"); console("Kernel panic - not syncing"); sys.exit(0)
    """
    with guest(body) as started:
        started.first_line(30)
        started.send(b"1\n")
        assert started.line(30) == "one"
        started.answered(("BUG: of the first", "more\tof it"))
        assert started.line(30) == "two"
        started.answered(())
        started.send(b"3\n")
        assert log(started) == ("[    2.000000] BUG: of the third", "Kernel panic - not syncing")


def test_a_console_that_has_grown_long_is_emptied_between_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_LONGEST_CONSOLE", 100)
    body = """
    line('{"hello":1}'); asked()
    console("x" * 200); line("half"); asked()
    line("one"); asked()
    console("of the second"); sys.exit(0)
    """
    with guest(body) as started:
        started.first_line(30)
        for answer in ("half", "one"):
            started.send(b"1\n")
            assert started.line(30) == answer
        started.answered(())
        started.send(b"2\n")
        assert log(started) == ("of the second",)
