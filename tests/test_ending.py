# SPDX-License-Identifier: Apache-2.0
"""However a command ends: one line, the right exit code, and nothing that a terminal would obey."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lockproof.conformance.visible import CONTROLS, visible
from tests.command import LOCKPROOF, SMALL, lockproof

INTERRUPTED_IN_AN_IMPORT = """
import os, signal, sys
wanted = sys.argv.pop(1)
class Finder:
    def find_spec(self, name, *_):
        if name == wanted:
            os.kill(os.getpid(), signal.SIGINT)
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Finder())
from lockproof.__main__ import main
main()
"""


def python(script: str, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, **options)  # type: ignore[call-overload,no-any-return]


def ending_with(expression: str) -> subprocess.CompletedProcess[str]:
    """Run what a command is as the lockproof command would."""
    return python(
        f"import os, signal\nfrom lockproof.conformance.ending import end_with\nend_with(lambda: {expression})"
    )


@pytest.mark.parametrize("module", ["click", "lockproof.conformance.options", "rich.console", "yaml", "pydantic"])
def test_ctrl_c_while_python_still_imports_says_nothing_but_that(module: str, tmp_path: Path) -> None:
    done = python(INTERRUPTED_IN_AN_IMPORT, module, "run", "-t", "model:posix", cwd=tmp_path)
    assert done.returncode in {-signal.SIGINT, 128 + signal.SIGINT}
    assert done.stderr in {"", "\nInterrupted.\n"}
    assert done.stdout == ""


def test_what_nobody_expected_is_one_line_a_file_and_exit_code_3() -> None:
    done = ending_with("1 / 0")
    assert (done.returncode, done.stdout) == (3, "")
    said = re.fullmatch(
        r"lockproof: unexpected ZeroDivisionError: division by zero; please report it "
        r"\(the details are in (\S+)\)\n",
        done.stderr,
    )
    assert said is not None, done.stderr
    details = Path(said[1])
    assert "ZeroDivisionError" in details.read_text()
    details.unlink()


def test_where_the_details_cannot_be_written_the_line_says_where_it_was() -> None:
    script = "import sys, tempfile\ntempfile.tempdir = '/proc'\nfrom lockproof.conformance.ending import end_with\n"
    done = python(f"{script}end_with(lambda: [][0])")
    assert done.returncode == 3
    assert done.stderr == "lockproof: unexpected IndexError: list index out of range; please report it (<string>:4)\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_undoes_what_is_under_way_and_is_the_exit_code(number: signal.Signals, tmp_path: Path) -> None:
    script = f"""
import os, signal
from lockproof.conformance.ending import end_with
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
def command():
    try:
        os.kill(os.getpid(), {int(number)})
        signal.pause()
    finally:
        open("undone", "w").close()
end_with(command)
"""
    done = python(script, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, "", "Interrupted.\n")
    assert (tmp_path / "undone").exists()


def test_a_signal_that_is_ignored_at_the_start_stays_ignored() -> None:
    script = """
import os, signal
from lockproof.conformance.ending import end_with
signal.signal(signal.SIGHUP, signal.SIG_IGN)
end_with(lambda: os.kill(os.getpid(), signal.SIGHUP) or 7)
"""
    assert python(script).returncode == 7


COMMANDS = (
    ("--help",),
    ("--version",),
    ("run", "--help"),
    ("run", "-t", "model:posix", "mlock/success/locks-the-range"),
    ("cases",),
    ("cases", "--show", "mlock/success"),
    ("cases", "--coverage"),
    ("cases", "--schema"),
    ("explain", "mlock.failure.no-change"),
    ("repro", "mlock/no-change/hole-after-prefix"),
    ("mutants", "mlock-*"),
    ("prove", "posix", "--pages", "1"),
    ("targets", "model:posix"),
    ("shim", "fault"),
    ("libc",),
    ("inject", "--", "/bin/true"),
    ("kernel", "list"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_room_for_what_is_printed_is_exit_code_3(command: tuple[str, ...], tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [LOCKPROOF, *command],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=300,
        )
    assert done.returncode == 3, done.stderr
    said = "standard output: No space left on device; what was to be printed is not all there\n"
    assert done.stderr.endswith(said)
    assert "Traceback" not in done.stderr


def test_a_closed_standard_output_is_exit_code_3(tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f"exec {LOCKPROOF} shim fault >&-"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert done.stderr.startswith("standard output: Bad file descriptor; ")


def test_no_room_for_a_message_changes_no_exit_code(tmp_path: Path) -> None:
    for arguments, code in ((("shim", "nosuch"), 2), (("shim", "fault"), 0)):
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(
                [LOCKPROOF, *arguments], cwd=tmp_path, stdout=full if code else None, stderr=full, check=False
            )
        assert done.returncode == code


def test_without_threads_a_run_says_what_to_do(tmp_path: Path) -> None:
    # A thread gets a stack as large as its limit; there is no room for one.
    limited = f"ulimit -s 4194304 -v 3000000 && exec {LOCKPROOF} run -t model:posix mlock/success"
    environment = os.environ | {"TMPDIR": str(tmp_path)}  # for the details
    done = subprocess.run(
        ["bash", "-c", limited], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 3
    assert "can't start new thread; raise the limit of processes (ulimit -u), or run fewer" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_text_without_controls_is_as_it_was() -> None:
    assert visible("mlock → -1 ENOMEM\tä\n") == "mlock → -1 ENOMEM\tä\n"
    assert visible("\x1b[2J\a\x9b\u202e") == "\\x1b[2J\\x07\\x9b\\u202e"


def test_what_a_kernel_says_of_itself_controls_no_terminal(tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "mlock.yaml").write_text(SMALL)
    (tmp_path / "hostile.sed").write_text(r"1s/(.release.:.)/\1\\u001b]0;owned\\u0007\\u009b31m\\u202e/")
    target = "command:sh -c '{probe} | sed -u -E -f hostile.sed'"
    done = lockproof("run", "-t", target, "--cases", "small", "-v", cwd=tmp_path)
    assert r"\x1b]0;owned\x9b31m\u202e" in done.stdout  # rich leaves out what rings
    assert not any(ord(character) in CONTROLS for character in done.stdout + done.stderr)
    (run,) = (tmp_path / "results").iterdir()
    assert r"\u001b" in (run / "run.json").read_text()  # what is kept is what came

    for shown in (("targets", target), ("run", "-t", target, "--cases", "small", "--events", "-")):
        done = lockproof(*shown, cwd=tmp_path)
        assert "owned" in done.stdout
        assert not any(ord(character) in CONTROLS for character in done.stdout + done.stderr)
