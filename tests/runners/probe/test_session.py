# SPDX-License-Identifier: Apache-2.0
"""Faults of a probe's stream, each made by a real process that misbehaves in that way."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from lockproof.conformance.errors import TargetError
from lockproof.conformance.protocol.program import Program
from lockproof.runners.probe import connection
from lockproof.runners.probe import session as channel
from lockproof.runners.probe.compiled import host_probe
from lockproof.runners.probe.session import ProbeTarget
from tests.command import is_running

PROGRAM = Program("time 30000\narena 2\nregion a anonymous rw private\nmap a 0 2 0\ncall mlock 0p 1p\n", 2, 30.0)
HELLO = (
    '{"hello":{"protocol":1,"system":"Test","release":"1","version":"1","machine":"x","page_size":4096,"bits":64,'
    '"calls":["mlock"],"kinds":["anonymous"],"guard":false,"lock_observers":["msync"],"lock_modes":false,'
    '"residency":null,"mappings":false,"accounting":false,"elsewhere":false,"faults":{},"knobs":{},'
    '"alone":false,"taint":null,"counts":null,"privileged":true,"memlock":-1,"own_pages":1,"max_map_count":null,"huge_page":null}}'
)
SNAPSHOT = '{"locked":{"msync":".."},"resident":null,"mappings":null,"accounted":null,"elsewhere":null}'


def probe(tmp_path: Path, body: str) -> ProbeTarget:
    """Make a target of a Python program that says hello and then does what `body` says with each program's `name`."""
    script = tmp_path / "probe.py"
    script.write_text(
        textwrap.dedent("""
        import os, signal, sys, time
        def say(line): print(line, flush=True)
        def answer(name):
            say('{"before":%s}' % snapshot)
            say('{"step":0,"result":"0","snapshot":%s}' % snapshot)
            say('{"execution":0,"status":"done"}')
            say('{"end":"%s"}' % name)
        """)
        + f"snapshot = {SNAPSHOT!r}\nsay({HELLO!r})\ncount = 0\n"
        + "for line in sys.stdin:\n    if line.startswith('program '):\n        name = line.split()[1]\n        count += 1\n"
        + textwrap.indent(textwrap.dedent(body), "        ")
    )
    return ProbeTarget("test", (sys.executable, str(script)))


def run(target: ProbeTarget, count: int) -> list[str]:
    """Run the program so often, and give what became of each: `done` or the trouble."""
    with target.session() as session:
        return [trace.trouble or trace.executions[0].status for trace in session.run([PROGRAM] * count)]


def test_each_program_gets_its_trace_in_order() -> None:
    programs = [
        Program(f"arena {n}\nregion a anonymous rw private\nmap a 0 {n} 0\ncall observe\n", n, 30.0)
        for n in range(1, 60)
    ]
    with ProbeTarget("local", (host_probe(),)).session() as session:
        lengths = [len(trace.executions[0].steps[0].snapshot.locked["msync"]) for trace in session.run(programs)]
    assert lengths == list(range(1, 60))


def test_a_probe_that_is_killed_costs_one_program_and_is_started_again(tmp_path: Path) -> None:
    target = probe(tmp_path, "if count == 3: os.kill(os.getpid(), signal.SIGKILL)\nanswer(name)\n")
    assert run(target, 6) == ["done", "done", "the probe was killed by SIGKILL", "done", "done",
                              "the probe was killed by SIGKILL"]  # fmt: skip


def test_a_line_that_is_cut_short_is_shown(tmp_path: Path) -> None:
    target = probe(tmp_path, 'sys.stdout.write(\'{"before":{"loc\'); sys.stdout.flush(); sys.exit(4)\n')
    assert run(target, 1) == ['the probe ended with exit status 4 in the middle of a line, b\'{"before":{"loc\'']


def test_garbage_is_shown_and_the_next_programs_run(tmp_path: Path) -> None:
    target = probe(tmp_path, "say('Segmentation fault' if name == 'p1' else '')if name == 'p1' else answer(name)\n")
    assert run(target, 3) == ["done", "not the protocol, no line of a trace: 'Segmentation fault'", "done"]


def test_an_answer_to_another_program_is_not_taken(tmp_path: Path) -> None:
    assert run(probe(tmp_path, "answer('p7')\n"), 1) == [
        'not the protocol, the end of another program than p0: \'{"end":"p7"}\''
    ]


def test_what_the_probe_said_on_standard_error_is_part_of_the_message(tmp_path: Path) -> None:
    target = probe(tmp_path, "sys.stderr.write('no such\\nhost'); sys.exit(255)\n")
    assert run(target, 1) == ["the probe ended with exit status 255; it said: no such host"]


def test_a_probe_that_falls_silent_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "_GRACE", 0.2)
    silent = Program(PROGRAM.text, 2, 0.3)
    with probe(tmp_path, "time.sleep(100)\n").session() as session:
        assert [trace.trouble for trace in session.run([silent])] == ["no answer in 0.5 s"]


def test_a_line_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_LONGEST_LINE", 1000)
    target = probe(tmp_path, "sys.stdout.write('x' * 100000); sys.stdout.flush(); time.sleep(100)\n")
    (trouble,) = run(target, 1)
    assert trouble.startswith("not the protocol, a line longer than 1000 bytes: b'xxx")


def test_what_was_reported_before_the_stream_broke_is_kept(tmp_path: Path) -> None:
    body = "say('{\"before\":%s}' % snapshot)\nsys.exit(1)\n"
    with probe(tmp_path, body).session() as session:
        (trace,) = session.run([PROGRAM])
    assert trace.lines == (f'{{"before":{SNAPSHOT}}}', '{"lost":"the probe ended with exit status 1"}')


def test_a_probe_that_cannot_be_started_again_ends_the_session(tmp_path: Path) -> None:
    flag = tmp_path / "started"
    target = probe(tmp_path, f"open({str(flag)!r}, 'w').close()\nsys.exit(1)\n")
    script = Path(target.argv[1])
    script.write_text(f"import os, sys\nif os.path.exists({str(flag)!r}): sys.exit(9)\n" + script.read_text())
    with (
        target.session() as session,
        pytest.raises(TargetError, match=r"exit status 1; and then could not be started again: .* 9"),
    ):
        list(session.run([PROGRAM, PROGRAM]))


@pytest.mark.parametrize(("argv", "message"), [
    (("/bin/true",), "the probe ended with exit status 0"),
    (("/bin/echo", "login:"), "no hello of a probe (Invalid JSON: "),
    (("/bin/echo", '{"hello":{"protocol":2}}'), "no hello of a probe (hello.protocol: Input should be 1)"),
])  # fmt: skip
def test_a_command_that_is_no_probe_says_so(argv: tuple[str, ...], message: str) -> None:
    with ProbeTarget("test", argv).session() as session, pytest.raises(TargetError) as caught:
        session.info.identity  # noqa: B018  to wait for it
    assert str(caught.value).startswith(message)


def shell(script: str) -> ProbeTarget:
    """Make a target of a shell script."""
    return ProbeTarget("test", ("/bin/sh", "-c", script))


def test_a_session_is_there_before_its_target_is_up_and_waits_for_it_when_asked(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    target = shell(f"while [ ! -e {flag} ]; do sleep 0.01; done; exec {host_probe()}")
    with target.session() as session:
        flag.touch()
        assert session.info.system == "Linux"
    flag.unlink()
    with target.session() as session:
        flag.touch()
        assert [trace.trouble for trace in session.run([PROGRAM])] == [None]


def test_a_target_that_does_not_come_up_says_so_to_each_who_asks() -> None:
    with shell("echo no >&2; exit 3").session() as session:
        for _ in range(2):
            with pytest.raises(TargetError, match=r"^the probe ended with exit status 3; it said: no$"):
                session.info.identity  # noqa: B018  to wait for it
        with pytest.raises(TargetError, match="exit status 3"):
            list(session.run([PROGRAM]))


def test_a_session_that_nobody_used_ends_at_once(tmp_path: Path) -> None:
    up, ended = tmp_path / "up", tmp_path / "ended"
    with shell(f"touch {up}; cat; touch {ended}").session():
        while not up.exists():
            time.sleep(0.01)
    assert not ended.exists()  # it was not asked to end, and waited for


def test_a_session_that_ends_leaves_no_process(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    body = f"""
    child = os.fork()
    if child == 0:
        time.sleep(100)
    open({str(pid_file)!r}, 'w').write(str(child))
    answer(name)
    """
    assert run(probe(tmp_path, body), 1) == ["done"]
    child = int(pid_file.read_text())
    deadline = time.monotonic() + 10
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_running(child)


@pytest.mark.parametrize(("limit", "why"), [
    ("-n 8", "Too many open files; raise ulimit -n, or run fewer at a time \\(-j\\)"),
    ("-n 64", "No such file or directory; check the path and its x bit"),
])  # fmt: skip
def test_a_process_that_cannot_be_started_says_what_it_lacks(limit: str, why: str) -> None:
    script = (
        "import io, sys\nfrom lockproof.runners.probe.connection import start_process\n"
        "from lockproof.conformance.errors import TargetError\n"
        "try:\n    start_process(['/nowhere'], open('/dev/null', 'wb'))\n"
        "except TargetError as error:\n    print(error)\n"
    )
    command = ["sh", "-c", f'ulimit {limit} && exec {sys.executable} -c "$0"', script]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert re.fullmatch(f"/nowhere cannot be started: {why}\n", said)
