# SPDX-License-Identifier: Apache-2.0
"""The commands of lockproof about machines on which it is not: what is carried there, and what comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from lockproof.conformance import completion
from lockproof.conformance.options import (
    Command,
    Group,
    cases_option,
    file_option,
    folder_argument,
    folder_option,
    option,
    results_option,
)

if TYPE_CHECKING:
    from lockproof.conformance.commands.printed import Printed

__all__ = ["add_commands"]


@click.group(cls=Group)
def export() -> None:
    """Write what can be carried to a machine that has no Python and no network (docs/offline.md)."""


@export.command("programs")
@click.argument("selection", nargs=-1, metavar="[CASE]...", shell_complete=completion.cases)
@option(
    "--arch",
    metavar="ARCH",
    shell_complete=completion.architectures,
    help="Of that machine, such as arm64. Default: this machine's.",
)
@folder_option("-o", "--output", required=True, help="Where it goes, a new folder.")
@cases_option()
def export_programs(**asked: Any) -> Printed:
    """Write the probe, the programs of cases, and a shell script that runs them: a folder to be carried to a machine.

    CASE is a full name, the leading part of one (mlock, mlock/no-change), or a pattern with * and ?. Default: all.
    """
    from lockproof.conformance.commands import export as command
    from lockproof.conformance.reports.console import console

    return command.programs(command.ProgramsRequest(**asked), console(stderr=True))


@click.command(cls=Command)
@folder_argument("folders", nargs=-1, required=True, metavar="FOLDER...", shell_complete=completion.paths)
@cases_option()
@option(
    "--reading",
    "readings",
    multiple=True,
    metavar="ID=CHOICE",
    shell_complete=completion.readings,
    help="Judge by another reading of the standard (lockproof explain --interpretations); may be given several times.",
)
@results_option("Folder that the run is made in.")
@option(
    "--report",
    "reports",
    multiple=True,
    metavar="REPORT",
    shell_complete=completion.reports,
    help="Make a report, KIND[:OPTION][=PATH]; - is standard output. See docs/reports.md.",
)
@file_option("--baseline", "baselines", multiple=True, help="Known deviations. May be given several times.")
@option("-v", "--verbose", is_flag=True, help="Say what became of every case, also of those that pass.")
def judge(**asked: Any) -> Printed:
    """Judge what came back of `export programs` in folders, as a run with a target for each.

    Nothing in a folder is executed. Exit code 1: a kernel deviates; 3: a folder is not whole, or not what was exported.
    """
    from lockproof.conformance.commands import judge as command

    return command.judge(command.JudgeRequest(**asked))


def add_commands(main: Group) -> None:
    """Add the commands to those of lockproof."""
    for command in (export, judge):
        main.add_command(command)
