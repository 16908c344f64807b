# SPDX-License-Identifier: Apache-2.0
"""The command line: what it prints and how it exits, for good and bad input."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.command import LOCKPROOF, SMALL, lockproof, plain_environment, verdicts

if TYPE_CHECKING:
    from pathlib import Path


def test_run_shows_the_deviation_as_a_picture_and_exits_with_1(small: Path) -> None:
    done = lockproof("run", "--cases", "small", cwd=small)
    assert done.returncode == 1
    title, *picture = done.stdout.splitlines()[:6]
    assert title.startswith("mlock/hole-after-prefix on Linux ")
    assert title.endswith(" FAIL")
    assert picture == [
        "  map       aaa__bbb",
        "  before    .L.__...",
        "  mlock      ^^^^^^             → -1 ENOMEM",
        "  after     .LL__...            page 2 became locked",
        "  permitted .L.__...            mlock.failure.no-change (POSIX.1-2024, mlock, RETURN VALUE)",
    ]
    assert re.search(r"^local +Linux .* 1     1           0            0         0$", done.stdout, re.MULTILINE)
    assert re.search(
        r"^model:posix +model posix .* 2     0           0            0         0$", done.stdout, re.MULTILINE
    )
    assert "mlock.failure.no-change (shall; POSIX.1-2024, mlock, RETURN VALUE): 1 case" in done.stdout
    assert done.stderr == ""


def test_a_target_without_deviation_exits_with_0(small: Path) -> None:
    done = lockproof("run", "-t", "model:posix", "--cases", "small", "-v", cwd=small)
    assert done.returncode == 0
    assert done.stdout.splitlines()[:2] == [
        "PASS        model:posix  mlock/hole-after-prefix",
        "PASS        model:posix  mlock/success",
    ]


def test_a_run_folder_holds_manifest_results_and_junit(small: Path) -> None:
    lockproof("run", "--cases", "small", "-j", "2", cwd=small)
    (run,) = (small / "results").iterdir()
    assert sorted(file.name for file in run.iterdir()) == ["junit.xml", "results.jsonl", "run.json"]
    manifest = json.loads((run / "run.json").read_text())
    assert manifest["run"] == run.name
    assert manifest["targets"] == ["local", "model:posix"]
    assert manifest["finished"] is not None
    assert manifest["info"]["local"]["page_size"] == os.sysconf("SC_PAGE_SIZE")
    assert verdicts(small) == {
        ("local", "mlock/hole-after-prefix"): "FAIL",
        ("local", "mlock/success"): "PASS",
        ("model:posix", "mlock/hole-after-prefix"): "PASS",
        ("model:posix", "mlock/success"): "PASS",
    }


@pytest.mark.parametrize("pattern", ["mlock/hole-after-prefix", "mlock/hole-*", "*prefix"])
def test_cases_are_selected_by_name_or_pattern(small: Path, pattern: str) -> None:
    lockproof("run", "-t", "model:posix", "--cases", "small", pattern, cwd=small)
    assert verdicts(small) == {("model:posix", "mlock/hole-after-prefix"): "PASS"}


def test_repetitions_are_results_of_their_own_and_said_once(small: Path) -> None:
    done = lockproof("run", "-t", "local", "--cases", "small", "--repeat", "20", "mlock/hole-after-prefix", cwd=small)
    (run,) = (small / "results").iterdir()
    lines = [json.loads(line) for line in (run / "results.jsonl").read_text().splitlines()]
    assert [line["repetition"] for line in lines] == list(range(1, 21))
    assert done.stdout.count("page 2 became locked") == 1
    assert (run / "junit.xml").read_text().count("<testcase") == 1


def bad(name: str, content: bytes, message: str) -> object:
    """Return a bad case file and the one line that says so."""
    return pytest.param(content, message, id=name)


CASE = SMALL.split("- id: success")[0]


@pytest.mark.parametrize(("content", "message"), [
    bad("tab", CASE.replace("  about:", "\tabout:").encode(), "bad.yaml:2:1: a tab; indent with blanks"),
    bad("missing field", CASE.replace("  map:    aaa__bbb\n", "").encode(), "bad.yaml:1:3: map: is missing; write it"),
    bad("unknown field", CASE.replace("  range:", "  ranges:").encode(),
        "bad.yaml:7:3: ranges: is no field here; did you mean range?"),
    bad("unequal strips", CASE.replace(".L.__...", ".L.__..").encode(),
        "bad.yaml:5:11: locked: 7 pages, but the map has 8; write one character for each page of the map"),
    bad("no page", CASE.replace(".^^^^^^.", "........").encode(),
        "bad.yaml:7:11: range: a range over no page; mark its pages with ^ (for an empty range mark one and write length: 0)"),
    bad("unknown requirement", CASE.replace("mlock.enomem.unmapped", "mlock.enomem.unmaped").encode(),
        "bad.yaml:3:37: checks[1]: 'mlock.enomem.unmaped' is no requirement; did you mean mlock.enomem.unmapped?"),
    bad("two cases with one id", (CASE + CASE).encode(),
        "bad.yaml:10:3: id: bad/hole-after-prefix: the case at bad.yaml:1 has the same name; choose another id"),
    bad("empty file", b"", "bad.yaml:1:1: no cases in it; write a list, or remove the file"),
    bad("not UTF-8", CASE.replace("they had", "they h\xe4d").encode("latin-1"),
        "bad.yaml:2:91: byte 0xe4 is not UTF-8; save the file as UTF-8"),
    bad("bomb", b"a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n",
        "bad.yaml:2:8: *a is an alias, which case files do not have; write the value itself, or quote a text that begins "
        "with *"),
])  # fmt: skip
def test_a_bad_case_file_gets_one_clear_line_and_exit_code_2(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "bad.yaml").write_bytes(content)
    done = lockproof("run", "--cases", "bad.yaml", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.splitlines()) == (2, "", [message])
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(("arguments", "message"), [
    (("run", "--cases", "requirements.yaml"),
     "requirements.yaml: the catalogue of requirements, no case file; name a case file or a folder of them"),
    (("run", "--cases", "none"), "none: no such file or folder; name a case file or a folder of them"),
    (("run", "--cases", "empty"), "empty: no case file in it; put a *.yaml file there, or name another folder"),
    (("run", "-t", "loca"), "target 'loca': no kind of target, and there is no targets.toml here or above that could name it; did you mean local?"),
    (("run", "-t", "model:posx"), "target 'model:posx': no model is called 'posx'; did you mean posix?"),
    (("run", "-t", "command:"), "target 'command:': no command; write one, such as command:ssh host ./lockproof-probe"),
    (("run", "-t", "command:./probe"), "target 'command:./probe': ./probe is not executable; check the path and its x bit"),
    (("run", "-t", "command:nowhere {probe}"),
     "target 'command:nowhere {probe}': nowhere is not found; check the path and its x bit"),
    (("run", "-t", "command:'x"), "target \"command:'x\": No closing quotation; close the quotation"),
    (("run", "-t", "local:x"), "target 'local:x': local takes no argument; write local, or local+OPTION (libc, posixmlock, fault)"),
    (("run", "mlock/no-chang"), ("case 'mlock/no-chang': no case is called so; did you mean mlock/no-change? (lockproof cases "
     "lists them)")),
    (("run", "--cases", os.fsdecode(b"c\xff")), "PosixPath('c\\udcff'): not UTF-8; call it by a name that is"),
    (("run", "--resume", "20200101T000000"), "run '20200101T000000': no such run in results; there is none yet"),
    (("explain",), "nothing to explain; name a requirement or an interpretation, or add --interpretations"),
    (("run", "--reading", "sizemax=wraps"), "reading 'sizemax=wraps': 'sizemax' is no interpretation; did you mean size-max?"),
    (("run", "--reading", "size-max=wrap"), "reading 'size-max=wrap': 'wrap' is no reading of size-max; did you mean wraps?"),
    (("run", "--reading", "size-max"), ("reading 'size-max': 'size-max' names no reading; write one of: "
     "size-max=not-mapped, size-max=wraps")),
    (("run", "--reading", "size-max=wraps", "--reading", "size-max=not-mapped"), ("reading 'size-max=not-mapped': "
     "size-max=wraps is asked for too; take one reading of size-max")),
    (("explain", "mlock.failure"), ("'mlock.failure': neither a requirement nor an interpretation is called so; did you mean "
     "mlock.failure.no-change?")),
])  # fmt: skip
def test_a_bad_request_gets_one_clear_line_and_exit_code_2(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / os.fsdecode(b"c\xff")).mkdir()
    (tmp_path / "probe").touch()
    (tmp_path / "requirements.yaml").touch()
    done = lockproof(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.splitlines()) == (2, "", [message])


def test_explain_prints_the_requirement_and_its_cases(tmp_path: Path) -> None:
    done = lockproof("explain", "mlock.failure.no-change", cwd=tmp_path)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "mlock.failure.no-change"
    assert "  shall, profile posix; POSIX.1-2024, mlock, RETURN VALUE" in lines
    assert "  mlock/no-change/hole-after-prefix" in lines


def test_cases_lists_and_schema_is_json(tmp_path: Path) -> None:
    listed = lockproof("cases", "mlock/no-change", cwd=tmp_path).stdout.splitlines()
    assert all(line.startswith("posix    mlock/no-change/") for line in listed[:-1])
    assert listed[-1] == f"{len(listed) - 1} cases"
    assert json.loads(lockproof("cases", "--schema", cwd=tmp_path).stdout)["title"] == "lockproof cases"


def test_targets_says_what_each_can_do_or_why_it_is_not_usable(tmp_path: Path) -> None:
    done = lockproof("targets", "local", "model:posix", cwd=tmp_path)
    assert done.returncode == 0
    assert "local: usable" in done.stdout
    assert "faults     each-allocation by countdown, from-each-allocation by countdown, apart by" in done.stdout
    broken = lockproof("targets", "command:false", cwd=tmp_path)
    assert broken.returncode == 3
    assert "command:false: not usable\n  the probe ended with exit status 1" in broken.stdout


@pytest.mark.parametrize("no_color", [True, False])
def test_on_a_terminal_there_is_a_progress_bar_and_colour_unless_no_color_is_set(
    small: Path, *, no_color: bool
) -> None:
    leader, follower = pty.openpty()
    environment = plain_environment() | {"TERM": "xterm", "COLUMNS": "120"} | ({"NO_COLOR": "1"} if no_color else {})
    command = [LOCKPROOF, "run", "-t", "local", "--cases", "small"]
    process = subprocess.Popen(command, cwd=small, stdin=follower, stdout=follower, stderr=follower, env=environment)
    os.close(follower)
    said = b""
    while True:
        try:
            said += os.read(leader, 65536)
        except OSError:  # the terminal's other end is closed: everything was read
            break
    os.close(leader)
    assert process.wait() == 1
    assert b"running" in said
    assert (b"\x1b[1;31mFAIL" in said) is not no_color


def test_help_loads_nothing_that_only_some_commands_need(tmp_path: Path) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "lockproof", "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    own = {name.removeprefix("lockproof.conformance") for name in loaded if name.startswith("lockproof.")}
    ends = {".commands", ".exit_codes", ".commands.interrupt", ".commands.printed", ".ending", ".visible"}
    assert own == {
        "",
        ".cli",
        ".cli_certificates",
        ".cli_offline",
        ".cli_results",
        ".cli_targets",
        ".completion",
        ".errors",
        ".options",
        *ends,
    }
    assert not loaded & {"pydantic", "rich", "yaml", "cffi", "elftools", "importlib.metadata", "difflib"}


def test_the_help_of_every_command_names_its_options(tmp_path: Path) -> None:
    assert "Exit codes: 0 as expected, 1 a kernel deviates" in lockproof("--help", cwd=tmp_path).stdout.replace(
        "\n  ", " "
    )
    for command in ("run", "cases", "explain", "targets"):
        assert lockproof(command, "--help", cwd=tmp_path).returncode == 0
