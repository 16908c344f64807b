# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from lockproof.conformance.errors import UsageError
from lockproof.conformance.targets_file import find, load, resolve, resolve_one, schema
from tests.command import lockproof

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """
# What we test.
[targets.small]
target = "qemu:debian/6.12"
memory = 256
append = "lsm= a=b"

[targets.phone]
target = "command:adb shell /data/local/tmp/lockproof-probe"
environment = {ANDROID_SERIAL = "emulator 5554"}

[targets.standard]
target = "model:posix"

[groups]
lts = ["small", "qemu:debian/6.1"]
all = [
    "@lts",
    "standard",   # also in @lts
    "small",
]
"""
SMALL = "qemu:debian/6.12+memory=256+append=lsm= a=b"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a good file."""
    path = tmp_path / "targets.toml"
    path.write_text(GOOD)
    return path


def test_names_and_groups_stand_for_target_texts_each_once(file: Path) -> None:
    assert resolve(["small"], file) == (SMALL,)
    assert resolve(["@all", "local"], file) == (SMALL, "qemu:debian/6.1", "model:posix", "local")
    assert resolve(["phone"], file) == (
        "command:env ANDROID_SERIAL='emulator 5554' adb shell /data/local/tmp/lockproof-probe",
    )


def test_groups_that_have_others_twice_over_and_over_are_read_at_once(file: Path) -> None:
    groups = "".join(f'g{number + 1} = ["@g{number}", "@g{number}"]\n' for number in range(3000))
    file.write_text(f'{GOOD}g0 = ["small", "local"]\n{groups}')
    assert resolve(["@g3000"], file) == (SMALL, "local")


def test_the_file_is_that_of_the_folder_or_the_nearest_above(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = file.parent / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert find() == file
    assert resolve(["standard"]) == ("model:posix",)
    (below.parent / "targets.toml").write_text('[targets.standard]\ntarget = "model:linux-6"\n')
    assert resolve(["standard"]) == ("model:linux-6",)


def test_where_one_target_is_asked_for_a_group_of_several_is_refused(file: Path) -> None:
    assert resolve_one("standard", file) == "model:posix"
    with pytest.raises(UsageError, match="'@lts': stands for 2 targets, and one is asked for"):
        resolve_one("@lts", file)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("memory = 256", "memroy = 256", ":5:1: targets.small.memroy: is no field here; did you mean memory?"),
        ("memory = 256", 'memory = "256"', ":5:1: targets.small.memory: '256' is no whole number; write one"),
        ("memory = 256", "memory = 3", ":5:1: targets.small.memory: 3: Input should be greater than or equal to 64"),
        ('"lsm= a=b"', "7", ":6:1: targets.small.append: 7 is no text; write one"),
        ("[groups]", "[group]", ":15:1: group: is no field here; did you mean groups?"),
        (
            '"model:posix"',
            '"modle:posix"',
            ":13:1: targets.standard.target: no kind of target is called 'modle'; did you",
        ),
        ('"model:posix"', '"model:posix"\nsmp = 2', ":14:1: targets.standard.smp: a target model takes none; leave it"),
        ('"qemu:debian/6.12"', '"local"', ":5:1: targets.small.memory: a target local takes none"),
        ('"qemu:debian/6.12"', '"qemu:x+memory=70"', ":3:1: targets.small: target 'qemu:x+memory=70': memory is given"),
        ('target = "model:posix"', "", ":12:1: targets.standard.target: is missing; write it"),
        (
            "[targets.standard]",
            "[targets.local]",
            ":12:1: targets.local: 'local' is a kind of target; write another name",
        ),
        ("[targets.standard]", '[targets."mo del"]', "'mo del' is no name here; write one that matches"),
        ('"small", "qemu', '"smal", "qemu', ":16:1: groups.lts[0]: no target is called 'smal'; did you mean small?"),
        ('"@lts"', '"@lst"', ":17:1: groups.all[0]: no group is called 'lst'; did you mean lts?"),
        ('lts = ["small"', 'lts = ["@all"', "groups.lts: leads back to itself, @lts → @all → @lts; break the loop"),
        ('lts = ["small"', 'lts = ["@lts"', "groups.lts: leads back to itself, @lts → @lts; break the loop"),
        ('["small", "qemu:debian/6.1"]', "[]", ":16:1: groups.lts: "),
        ("memory = 256", "memory = ", ":5:10: is no TOML: Invalid value; mend it"),
        ("memory = 256", f"memory = {'9' * 5000}", ":1:1: is no TOML: Exceeds the limit"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_field(file: Path, old: str, new: str, message: str) -> None:
    assert GOOD.count(old) == 1
    file.write_text(GOOD.replace(old, new))
    with pytest.raises(UsageError) as refused:
        load(file)
    assert message in str(refused.value), str(refused.value)
    assert all(line.startswith(f"{file}:") for line in str(refused.value).splitlines())


def test_a_text_over_several_lines_does_not_move_the_lines_behind_it(file: Path) -> None:
    file.write_text(GOOD.replace('"lsm= a=b"', '"""lsm=\n[targets.x]\nmemory = 1"""').replace("[groups]", "[group]"))
    with pytest.raises(UsageError, match=":17:1: group: is no field here"):
        load(file)


def test_a_name_that_is_none_says_so_with_the_one_that_was_meant(file: Path, tmp_path: Path) -> None:
    done = lockproof("run", "-t", "smal", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"target 'smal': no target is called 'smal'; did you mean small? ({file})" in done.stderr
    file.unlink()
    done = lockproof("run", "-t", "smal", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "there is no targets.toml here or above" in done.stderr


def test_a_run_of_a_group_goes_by_the_texts_that_it_stands_for(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        '[targets.mine]\ntarget = "command:{probe}"\nenvironment = {A = "b c"}\n[groups]\nall = ["mine", "model:posix"]'
    )
    case = "mlock/no-change/hole-after-prefix"
    done = lockproof("run", "--targets", str(path), "-t", "@all", "--results", "runs", case, cwd=tmp_path)
    assert done.returncode == 1
    (manifest,) = tmp_path.glob("runs/*/run.json")
    assert json.loads(manifest.read_text())["targets"] == ["command:env A='b c' {probe}", "model:posix"]


def test_what_names_stand_for_is_shown(file: Path, tmp_path: Path) -> None:
    done = lockproof("targets", cwd=tmp_path)
    block = done.stdout.partition(f"{file}\n")[2].splitlines()
    assert block[0].split(maxsplit=1) == ["small", SMALL]
    assert block[-1].split(maxsplit=1) == ["@all", "@lts, standard, small"]


def test_the_schema_takes_what_is_right_and_refuses_what_is_not(tmp_path: Path) -> None:
    printed = json.loads(lockproof("targets", "--schema", cwd=tmp_path).stdout)
    assert printed == schema()
    Draft202012Validator.check_schema(printed)
    validator = Draft202012Validator(printed)
    assert validator.is_valid(tomllib.loads(GOOD))
    for old, new in (("memory = 256", "memroy = 256"), ("= 256", '= "256"'), ("[groups]", "[group]")):
        assert not validator.is_valid(tomllib.loads(GOOD.replace(old, new))), new
