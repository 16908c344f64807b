# SPDX-License-Identifier: Apache-2.0
"""What excludes what on the command line, and how the help shows options."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING

import click
import pytest

from lockproof.conformance.cli import main
from lockproof.conformance.options import MACHINE, Command
from lockproof.runners import options
from tests.command import lockproof

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUN = "--resume runs what the earlier run was asked for; leave out "
SCHEMA = "--schema prints nothing but the schema; leave out "
IS_THE_SAME = "--schema is the same for all cases; leave out "
SHOW = "--show draws the cases, and nothing else; leave out "
COVERAGE = "--coverage prints which cases check what, and nothing else; leave out "
ABOUT_ALL = "--coverage is about all cases; leave out "
SCHEDULER = "--scheduler spreads the work over the workers of its cluster; leave out "
EXCLUDED = {
    "run --resume 2026 mlock": f"{RUN}CASE",
    "run --cases x --resume 2026": f"{RUN}--cases",
    "run --resume 2026 --failed-in 2025": f"{RUN}--failed-in",
    "run --failed-in 2026 mlock": "--failed-in runs what failed; leave out CASE",
    "run --failed-in 2026 --sweeps quick": "--failed-in runs what failed; leave out --sweeps",
    "run --failed-in 2026 --no-sweeps": "--failed-in runs what failed; leave out --no-sweeps",
    "run --no-sweeps --sweeps quick": "--no-sweeps leaves out all of them; leave out --sweeps",
    "run --resume 2026 --sweeps quick": f"{RUN}--sweeps",
    "run --resume 2026 --no-sweeps": f"{RUN}--no-sweeps",
    "run --resume 2026 --confirm 2": f"{RUN}--confirm",
    "run --resume 2026 --reading size-max=wraps": f"{RUN}--reading",
    "explain --interpretations size-max": "--interpretations prints all interpretations, and nothing else; leave out NAME",
    "certify --run 2026 -t local -o x": "--run certifies what ran already; leave out --target",
    **{
        f"certify --run 2026 --{key} x -o x": f"--run certifies what ran already; leave out --{key}"
        for key in ("memory", "smp", "cpu", "accel", "append")
    },
    "certify -t local --append lsm= -o x": "target 'local': takes no append; qemu: targets do",
    "certificate reproduce x -t qemu:debian/6.12+smp=2 --smp 4": "target 'qemu:debian/6.12+smp=2': smp is given twice, "
    "here and as '4'; leave out one",
    **{f"run --resume 2026 --{key} x": f"{RUN}--{key}" for key in ("memory", "smp", "cpu", "accel", "append")},
    "run -t local --append lsm=": "target 'local': takes no append; qemu: targets do",
    "run --smp 2": "--smp is for a guest; name one, such as -t qemu:debian/6.12",
    "run -t qemu:debian/6.12+smp=2 --smp 4": "target 'qemu:debian/6.12+smp=2': smp is given twice, here and as '4'; "
    "leave out one",
    "mutants --kernel qemu:debian/7.2 --model model:linux-6": "--kernel has defects of its own; leave out --model",
    "targets --schema local": "--schema prints nothing but the schema; leave out TARGET",
    "targets --schema --targets x": "--schema prints nothing but the schema; leave out --targets",
    "run --resume 2026 --repeat 1": f"{RUN}--repeat",
    "run --resume 2026 --time-limit 30": f"{RUN}--time-limit",
    "run --resume 2026 --repeat 2 mlock munlock": f"{RUN}CASE, --repeat",
    "cases --schema --show": f"{SCHEMA}--show",
    "cases --coverage --schema": f"{SCHEMA}--coverage",
    "cases --schema --lint": f"{SCHEMA}--lint",
    "cases --schema --cases x": f"{IS_THE_SAME}--cases",
    "cases --schema mlock": f"{IS_THE_SAME}CASE",
    "cases --coverage --show": f"{SHOW}--coverage",
    "cases --show --lint mlock": f"{SHOW}--lint",
    "cases --lint --coverage": f"{COVERAGE}--lint",
    "cases --coverage mlock": f"{ABOUT_ALL}CASE",
    "prove posix --scheduler tcp://nowhere:1 -j 2": f"{SCHEDULER}--jobs",
    "run --scheduler tcp://nowhere:1 -j 2": f"{SCHEDULER}--jobs",
    "explore local --against model:posix --baseline x": (
        "--against compares with another target, of which no deviation is known; leave out --baseline"
    ),
    "cases --cases a --cases b": "--cases is given 2 times; give it once",
    "run --cases a -t local --cases b -t model:posix": "--cases is given 2 times; give it once",
    "run -j 1 -j 2 --jobs 2": "--jobs is given 3 times; give it once",
    "inject --json a --junit ./a -- true": "--json and --junit name the same file; leave out one, or write another",
}


@pytest.mark.parametrize("arguments", EXCLUDED)
def test_an_option_that_would_be_ignored_is_refused_in_one_line(tmp_path: Path, arguments: str) -> None:
    done = lockproof(*arguments.split(), cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{EXCLUDED[arguments]}\n")
    assert not list(tmp_path.iterdir())


def test_the_options_of_a_machine_are_those_that_targets_take() -> None:
    assert MACHINE == options.MACHINE


def commands(group: click.Group = main) -> Iterator[Command]:
    """Yield all commands, also those of groups."""
    for command in group.commands.values():
        if isinstance(command, click.Group):
            yield from commands(command)
        else:
            assert isinstance(command, Command)
            yield command


def test_every_rule_is_tried_above() -> None:
    rules = [
        (command.name, parameters[rule.option], parameters[other])
        for command in commands()
        for parameters in [{parameter.name: parameter for parameter in command.params}]
        for rule in command.excludes
        for other in rule.others
    ]
    assert len(rules) > 10
    for name, option, other in rules:
        line = f"{option.opts[-1]} "
        left_out = (
            other.opts[-1]
            if isinstance(other, click.Option)
            else (other.metavar or other.human_readable_name).strip("[].")
        )
        tried = [said for typed, said in EXCLUDED.items() if typed.startswith(f"{name} ")]
        assert any(said.startswith(line) and left_out in said.partition("leave out ")[2] for said in tried), (
            option,
            other,
        )


def test_what_does_not_exclude_each_other_is_taken(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    done = lockproof("run", "--resume", "2026", "--results", "runs", "-j", "2", "-v", cwd=tmp_path)
    assert done.stderr == "run '2026': no such run in runs; there is none yet\n"


def help_of(*command: str, cwd: Path, columns: int = 80) -> list[str]:
    """Return the lines of a help, as a terminal of that width has them."""
    done = lockproof(*command, "--help", cwd=cwd, env=os.environ | {"COLUMNS": f"{columns}"})
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_the_options_of_run_are_in_groups_below_each_other(tmp_path: Path) -> None:
    lines = help_of("run", cwd=tmp_path)
    assert max(map(len, lines)) <= 80
    titles = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert titles[:3] == ["Cases and targets:", "How they are run:", "Guests (docs/targets.md):"]
    assert titles[3:] == ["Results:", "Baselines:", "Other:"]
    options = [line for line in lines if line.startswith("  -")]
    assert len(options) == len(next(command for command in commands() if command.name == "run").params)  # with --help
    starts = {len(line) - len(line[24:].lstrip()) for line in options}
    assert len(starts) == 1


def test_options_without_groups_are_options(tmp_path: Path) -> None:
    lines = help_of("cases", cwd=tmp_path)
    assert [line for line in lines if line.endswith(":") and not line.startswith(" ")] == ["Options:"]


def test_what_a_command_does_is_listed_whole(tmp_path: Path) -> None:
    lines = help_of(cwd=tmp_path)
    listed = lines[lines.index("Commands:") + 1 :]
    assert "..." not in "".join(listed)
    assert {line.split()[0] for line in itertools.takewhile(bool, listed) if line[2] != " "} == set(main.commands)


def test_the_range_of_a_number_is_told_to_those_who_leave_it(tmp_path: Path) -> None:
    assert "<=" not in "".join(help_of("run", cwd=tmp_path))
    done = lockproof("run", "-j", "0", cwd=tmp_path)
    assert done.returncode == 2
    assert "0 is not in the range 1<=x<=256" in done.stderr
