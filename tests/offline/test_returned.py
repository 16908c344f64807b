# SPDX-License-Identifier: Apache-2.0
"""What comes back may be anything: each folder that is not whole, or means harm, gets its one line, and no run."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.errors import UsageError
from lockproof.conformance.language.loading import load
from lockproof.conformance.offline import ReturnedError, read_returned
from tests.command import lockproof
from tests.offline.folders import judged, ran, renewed, run_script, sections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Change = Callable[[Path], object]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the cases once."""
    return ran(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def carried(whole: Path, tmp_path: Path) -> Path:
    """Copy what ran, and its cases, to be changed."""
    shutil.copytree(whole.parent, tmp_path / "copy")
    return tmp_path / "copy" / "carried"


def lines_changed(change: Callable[[list[str]], Iterable[str]]) -> Change:
    """Change the lines of the traces, and leave their sums as they are."""

    def apply(folder: Path) -> None:
        path = folder / "traces"
        lines = path.read_text(errors="surrogateescape").split("\n")
        path.write_text("\n".join(change(lines)), errors="surrogateescape")

    return apply


def sums_renewed(change: Callable[[list[str]], Iterable[str]]) -> Change:
    """Change the lines of the traces, and make their sums anew, as who knows how that is done."""
    return lines_changed(lambda lines: renewed(change(lines)).split("\n"))


def divided(change: Callable[[list[list[str]]], Iterable[Iterable[str]]]) -> Change:
    """Change the order of programs: the start with hello, five programs, the end; sums are made anew."""
    return sums_renewed(lambda lines: (line for each in change(sections(lines)) for line in each))


def replaced(old: str, new: str, count: int = 1) -> Callable[[list[str]], Iterable[str]]:
    """Replace words in the lines."""

    def apply(lines: list[str]) -> Iterable[str]:
        text = "\n".join(lines)
        assert re.search(old, text)
        return re.sub(old, lambda _: new, text, count=count).split("\n")

    return apply


def programs_changed(old: str, new: str) -> Change:
    """Replace words in the file of programs."""

    def apply(folder: Path) -> None:
        path = folder / "programs.txt"
        assert re.search(old, path.read_text())
        path.write_text(re.sub(old, lambda _: new, path.read_text(), count=1))

    return apply


def head_changed(**fields: object) -> Change:
    """Replace fields of the head of the file of programs."""

    def apply(folder: Path) -> None:
        path = folder / "programs.txt"
        head, _, rest = path.read_text().partition("\n")
        path.write_text(f"# {json.dumps(json.loads(head[2:]) | fields, separators=(',', ':'))}\n{rest}")

    return apply


def put(name: str, make: Callable[[Path], object]) -> Change:
    """Put something else in the place of a file."""

    def apply(folder: Path) -> None:
        (folder / name).unlink()
        make(folder / name)

    return apply


def sparse(path: Path) -> None:
    """Make a file of a terabyte that takes no room."""
    with path.open("wb") as file:
        file.truncate(1 << 40)


def second_part(change: Callable[[list[str]], Iterable[str]]) -> Change:
    """Let it have gone down in the second program, and change what came of the second start; its sums are made anew."""

    def apply(folder: Path) -> None:
        path = folder / "traces"
        text = path.read_text()
        path.write_text(text[: text.index('{"end":"2-')])
        assert run_script(folder).returncode == 0
        first, second = path.read_text().split('{"start":2', 1)
        later = renewed(change(f'{{"start":2{second}'.split("\n")))
        path.write_text(first + later)

    return apply


def nested(lines: list[str]) -> list[str]:
    """Put a line of JSON in, nested as deep as no reader can follow."""
    return [*lines[:4], f'{{"before":{"[" * 100_000}', *lines[4:]]


CUT = {
    "without its end": (
        lines_changed(lambda lines: lines[:-2]),
        r"traces: they end with program 5 of 5: cut, or run.sh",
    ),
    "in the middle of a program": (lines_changed(lambda lines: lines[:12]), r"they end with program \d of 5: cut"),
    "behind a program": (divided(lambda each: each[:3]), r"they end with program 2 of 5: cut"),
    "a line out of the middle": (lines_changed(lambda lines: lines[:5] + lines[6:]), r"traces:\d+: edited, or not all"),
    "a program out of the middle": (
        lines_changed(lambda lines: [line for each in (*sections(lines)[:2], *sections(lines)[3:]) for line in each]),
        r"traces:\d+: edited, or not all there: lines \d+ to \d+ do not have the sum in the last",
    ),
    "the same, with sums": (
        divided(lambda each: each[:2] + each[3:]),
        r"program '3-\w+', where that of number 2 .*missing",
    ),
    "its beginning": (lines_changed(lambda lines: lines[3:]), r"traces:1: it does not begin with a start of run.sh"),
    "its hello": (sums_renewed(lambda lines: lines[:2] + lines[4:]), r"traces:3: no hello of a probe"),
    "the last program": (
        divided(lambda each: each[:5] + each[6:]),
        r"all programs have run, it says, but 1 of 5 have no",
    ),
    "all of it": (put("traces", Path.touch), r"traces:1: nothing ran; start run.sh"),
    "the file": (put("traces", lambda _: None), r"traces: No such file or directory; copy the whole folder back"),
    "the programs": (put("programs.txt", lambda _: None), r"programs.txt: No such file"),
    "a program to be run": (
        programs_changed(r"program 3-(.|\n)*?end\n", ""),
        r"programs.txt:\d+: not the line that was",
    ),
    "the last program to be run": (programs_changed(r"program 5-(.|\n)*", ""), r"programs.txt:\d+: not the line"),
}
EDITED = {
    "a result": (lines_changed(replaced('"result":"ENOMEM"', '"result":"0"')), r"traces:\d+: edited, or not all there"),
    "a lock": (lines_changed(replaced(r"\.LL\.", ".L..")), r"traces:\d+: edited"),
    "a number of a program": (lines_changed(replaced('"end":"3-', '"end":"4-')), r"traces:\d+: edited"),
    "a sum": (lines_changed(replaced(r'"sum":\d+', '"sum":7')), r"traces:\d+: edited"),
    "a sum of many digits": (lines_changed(replaced(r'"sum":\d+', f'"sum":{"9" * 5000}')), r"traces:\d+: edited"),
    "a length": (sums_renewed(replaced(r"\.LL\.", ".LL")), r"traces:\d+: .*a strip that is not 4 pages long"),
    "a word": (sums_renewed(replaced('"status":"done"', '"status":"fine"')), r"traces:\d+: not the protocol"),
    "a crash of our own": (
        sums_renewed(replaced(r'\{"end":"1-\w+"\}', '{"crash":"nothing","log":[]}')),
        r"traces:\d+: not the protocol, no line of a trace",
    ),
    "a verdict of our own": (
        sums_renewed(replaced(r'\{"end":"1-\w+"\}', '{"lost":"x"}')),
        r"traces:\d+: not the protocol",
    ),
    "a start": (lines_changed(replaced('"start":1', '"start":2')), r"traces:2: start 2 of run.sh, where 1 belongs"),
    "a boot": (lines_changed(replaced('"boot":"', '"boot":"$(reboot)')), r"traces:2: not a line of run.sh: boot"),
    "an end": (
        lines_changed(replaced('"finish":1', '"finish":9')),
        r"traces:\d+: the end of all programs in the middle",
    ),
    "a taint": (
        lines_changed(replaced(r'"taint":[^}]*\}$', '"taint":"0"}')),
        r"traces:\d+: not a line of run.sh: taint",
    ),
    "the end comes early": (
        lines_changed(lambda lines: [*sections(lines)[0], lines[-2]]),
        r"all programs have run, it says, but 5 of 5 have no",
    ),
    "the end comes in a program": (
        lines_changed(lambda lines: [*lines[:6], lines[-2]]),
        r"traces:\d+: the end of all programs in the middle of one",
    ),
    "a program": (
        programs_changed("call mlock 1p 2p", "call munlock 1p 2p"),
        r"programs.txt:\d+: not the line that was",
    ),
    "a time limit": (programs_changed("time 30000", "time 1"), r"programs.txt:3: not the line that was exported"),
    "a remark": (programs_changed("program 2", "# nothing\nprogram 2"), r"programs.txt:\d+: not the line"),
    "the head is no JSON": (programs_changed('"lockproof"', "lockproof"), r"programs.txt:1: not written by lockproof"),
    "the head is a number": (programs_changed("^.*\n", "# 7\n"), r"programs.txt:1: not written by lockproof"),
    "the head is not there": (programs_changed("^.*\n", ""), r"programs.txt:1: not written by lockproof"),
    "the head has more": (head_changed(more=1), r"programs.txt:1: not written by lockproof: more"),
    "line ends": (programs_changed("\n", "\r\n"), r"programs.txt:1: not the line that was exported"),
}
REORDERED = {
    "two programs": (
        divided(lambda each: [each[0], each[2], each[1], *each[3:]]),
        r"traces:\d+: the trace of program '2-\w+', where that of number 1 belongs: reordered, or some are missing",
    ),
    "the same, without sums": (
        lines_changed(lambda lines: [line for at in (0, 2, 1, 3, 4, 5, 6) for line in sections(lines)[at]]),
        r"traces:\d+: edited",
    ),
    "lines of a program": (
        sums_renewed(lambda lines: [*lines[:4], lines[5], lines[4], *lines[6:]]),
        r"traces:\d+: not the protocol, a first snapshot that is not the first of its execution",
    ),
    "parts": (
        second_part(lambda lines: [line.replace('"start":2', '"start":1') for line in lines]),
        r"start 1 of run.sh, where 2 belongs",
    ),
    "programs to be run": (
        programs_changed(r"(program 1-(.|\n)*?end\n)(program 2-(.|\n)*?end\n)", "program 2\nend\nprogram 1\nend\n"),
        r"programs.txt:2: not the line",
    ),
}
DOUBLED = {
    "a program": (
        divided(lambda each: [*each[:3], each[2], *each[3:]]),
        r"traces:\d+: the trace of program '2-\w+', where that of number 3 belongs: doubled or reordered",
    ),
    "the last program": (
        divided(lambda each: [*each[:6], each[5], each[6]]),
        r"traces:\d+: something behind the trace of",
    ),
    "the same, without sums": (
        lines_changed(lambda lines: [line for at in (0, 1, 1, 2, 3, 4, 5, 6) for line in sections(lines)[at]]),
        r"traces:\d+: edited",
    ),
    "all of it": (lines_changed(lambda lines: lines * 2), r"traces:\d+: something behind the end of all programs"),
    "the hello": (sums_renewed(lambda lines: [*lines[:4], *lines[2:]]), r"traces:\d+: not the protocol"),
    "the end": (lines_changed(lambda lines: [*lines, lines[-2]]), r"traces:\d+: something behind the end"),
    "a start": (lines_changed(lambda lines: [*lines[:2], *lines[1:]]), r"traces:3: start 1 of run.sh, where 2 belongs"),
    "programs to be run": (programs_changed(r"\Z", "program 6\nend\n"), r"programs.txt:\d+: not the line"),
}
OTHERS = {
    "a trace of another corpus": (
        sums_renewed(replaced(r'"end":"2-\w+"', '"end":"2-0123456789abcdef"')),
        r"traces:\d+: the trace of program '2-0123456789abcdef', where that of number 2 belongs: of another corpus",
    ),
    "programs of another corpus": (
        head_changed(corpus="0" * 64),
        r"programs.txt: of another corpus: its digest is 0000",
    ),
    "programs of cases that are not there": (
        head_changed(selection=["mlock/none-such"]),
        r"programs.txt: of another corpus: case 'mlock/none-such': no case is called so",
    ),
    "programs of fewer cases": (head_changed(selection=["*/hole"]), r"programs.txt: of another corpus: its digest"),
    "another probe in the folder": (
        put("lockproof-probe", lambda path: path.write_bytes(b"\x7fELF")),
        r"lockproof-probe: another one than that which was exported, for x86_64",
    ),
    "no probe": (put("lockproof-probe", lambda _: None), r"lockproof-probe: No such file"),
    "another probe ran": (
        sums_renewed(replaced(r'"probe":"\w+"', '"probe":"0123"')),
        r"traces: by another probe than the one that was exported for x86_64: it is '0123' and ran on 'x86_64'",
    ),
    "a probe without a build id ran": (
        sums_renewed(replaced(r'"probe":"\w+",', "")),
        r"by another probe .*: it is 'one without a build id'",
    ),
    "another architecture": (
        sums_renewed(
            lambda lines: replaced("x86_64", "aarch64")(list(replaced(r'"probe":"\w+"', '"probe":"77"')(lines)))
        ),
        r"by another probe than the one that was exported for x86_64: it is '77' and ran on 'aarch64'",
    ),
    "another architecture in the head": (
        head_changed(probe={"arch": "arm64", "digest": "0" * 64, "build_id": ""}),
        r"lockproof-probe: another one than that which was exported, for arm64",
    ),
    "another kernel behind the reboot": (
        second_part(replaced(r'"release":"[^"]*"', '"release":"2.6.16"')),
        r"traces:\d+: another kernel or probe than before: Linux 2.6.16 x86_64",
    ),
    "another probe behind the reboot": (
        second_part(replaced(r'"probe":"\w+"', '"probe":"77"')),
        r"traces:\d+: another kernel or probe than before",
    ),
    "a protocol of tomorrow": (
        sums_renewed(replaced('"protocol":1', '"protocol":2')),
        r"traces:3: no hello of a probe",
    ),
}
HARMFUL = {
    "a link": (put("traces", lambda path: path.symlink_to("/etc/passwd")), r"traces: A link, which is not followed"),
    "a link to programs": (put("programs.txt", lambda path: path.symlink_to("/etc/passwd")), r"programs.txt: A link"),
    "a pipe": (put("traces", os.mkfifo), r"traces: Not a regular file"),
    "a pipe for a probe": (put("lockproof-probe", os.mkfifo), r"lockproof-probe: Not a regular file"),
    "a folder": (put("traces", Path.mkdir), r"traces: Is a directory"),
    "a terabyte": (put("traces", sparse), r"traces: Larger than 256 MiB"),
    "a terabyte of programs": (put("programs.txt", sparse), r"programs.txt: Larger than 64 MiB"),
    "control characters": (
        sums_renewed(replaced(r'\{"end":"1-', '{"\x1b[2J\x9b31m":"1-')),
        r"traces:\d+: not the protocol, no line of a trace",
    ),
    "control characters in a name": (
        sums_renewed(replaced(r'"end":"1-\w+"', '"end":"\x1b[2J"')),
        r"the trace of program '\\x1b\[2J'",
    ),
    "zeros": (lines_changed(lambda lines: [*lines[:6], "\0" * 100_000, *lines[6:]]), r"traces:\d+: edited"),
    "bytes": (put("traces", lambda path: path.write_bytes(bytes(range(256)) * 100)), r"traces:1: it does not begin"),
    "nested JSON": (sums_renewed(nested), r"traces:\d+: not the protocol"),
    "a million lines": (
        lines_changed(lambda lines: [*lines[:6], *["x"] * 1_000_000, *lines[6:]]),
        r"traces:\d+: edited",
    ),
    "a million starts": (
        lines_changed(lambda _: [f'{{"start":{number},"boot":""}}' for number in range(1, 100_000)]),
        r"traces: no probe said hello",
    ),
}
TABLE = {
    f"{kind}: {what}": change
    for kind, changes in {
        "cut": CUT,
        "edited": EDITED,
        "reordered": REORDERED,
        "doubled": DOUBLED,
        "other": OTHERS,
        "harmful": HARMFUL,
    }.items()
    for what, change in changes.items()
}


@pytest.mark.parametrize(("change", "said"), TABLE.values(), ids=TABLE)
def test_a_folder_that_is_not_whole_gets_one_line(carried: Path, change: Change, said: str) -> None:
    change(carried)
    with pytest.raises(ReturnedError) as error:
        judged(carried)
    assert re.search(said, str(error.value)), str(error.value)
    assert str(error.value).startswith(str(carried))
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 1000


def test_random_changes_change_no_verdict(carried: Path) -> None:
    traces = (carried / "traces").read_bytes()
    whole = {case: result.verdict for case, result in judged(carried).items()}
    chance = random.Random(seed := random.randrange(10**9))  # noqa: S311
    refused = 0
    for _ in range(150):
        changed = bytearray(traces)
        at = chance.randrange(len(changed))
        changed[at : at + chance.choice((0, 1, 1, 1, 50))] = chance.choice(
            (b"", b"0", b"1", b"L", b"\n", changed[at : at + 300])
        )
        (carried / "traces").write_bytes(changed)
        try:
            found = judged(carried)
        except ReturnedError:
            refused += 1
        else:
            assert {case: result.verdict for case, result in found.items()} == whole, f"seed {seed}"
    assert refused > 100


def test_there_are_many_of_them() -> None:
    assert len(TABLE) > 60


def test_what_nobody_changed_is_judged(carried: Path) -> None:
    assert {case: str(result.verdict.status) for case, result in judged(carried).items()} == {
        "one": "PASS",
        "two": "PASS",
        "hole": "PASS",
        "late-hole": "FAIL",
        "last": "PASS",
    }


def test_the_command_says_it_in_one_line_and_makes_no_run(carried: Path) -> None:
    lines_changed(replaced('"result":"ENOMEM"', '"result":"0"'))(carried)
    done = lockproof("judge", "carried", "--cases", "cases.yaml", cwd=carried.parent)
    assert (done.stdout, done.returncode) == ("", 3)
    (line,) = done.stderr.splitlines()
    assert line.startswith("carried: not judged: traces:")
    assert not (carried.parent / "results").exists()


def test_what_another_version_exported_is_left_to_that_one(carried: Path) -> None:
    head_changed(lockproof="9.9.9")(carried)
    with pytest.raises(UsageError, match=r"exported by lockproof '9\.9\.9', this is .*; judge it with that one"):
        read_returned(carried, load(carried.parent / "cases.yaml"))


def test_nothing_of_a_folder_is_executed(carried: Path) -> None:
    was_run = carried.parent / "it-was-run"
    (carried / "run.sh").write_text(f"touch {was_run}\n")
    (carried / "README.txt").unlink()
    done = lockproof("judge", "carried", "--cases", "cases.yaml", cwd=carried.parent, env={"PATH": "/nowhere"})
    assert done.returncode == 1
    assert not was_run.exists()


def test_a_folder_whose_name_controls_a_terminal_is_refused(carried: Path) -> None:
    harmful = carried.rename(carried.parent / "\x1b[2J")
    done = lockproof("judge", str(harmful), "--cases", "cases.yaml", cwd=carried.parent)
    assert done.returncode == 2
    assert "a character that cannot be printed" in done.stderr
    assert "\x1b" not in done.stderr
