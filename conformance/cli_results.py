# SPDX-License-Identifier: Apache-2.0
"""The commands of lockproof about results that are there: runs on disk, and what is known of targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from lockproof.conformance import completion
from lockproof.conformance.options import (
    Command,
    Group,
    cases_option,
    file_option,
    option,
    results_option,
)

if TYPE_CHECKING:
    from lockproof.conformance.commands.printed import Printed

__all__ = ["add_commands"]


@click.command(cls=Command)
@click.argument("sides", nargs=-1, required=True, metavar="RUN RUN [RUN]...", shell_complete=completion.runs)
@option("--same", is_flag=True, help="Tell what is not deterministic in runs that should be the same.")
@file_option("--json", help="Write what differs as JSON too.")
@results_option("Folder of the runs.")
def compare(**asked: Any) -> Printed:
    """Say what the second run has seen differently, in six lists.

    RUN is a run, a folder of one, or RUN#TARGET where it has several targets. Exit code 1: it is worse.
    """
    from lockproof.conformance.commands import compare as command

    return command.compare(command.CompareRequest(**asked))


_baselines = file_option(
    "--baseline", "baselines", multiple=True, help="Default: all in the folder `baselines` of the results."
)


@click.command(cls=Command)
@click.argument("run", shell_complete=completion.runs)
@click.argument("selection", nargs=-1, metavar="[CASE]...", shell_complete=completion.cases)
@results_option("Folder of the runs.")
def show(**asked: Any) -> Printed:
    """Draw what became of cases in a run that is on disk; default: of those that failed or could not be found out."""
    from lockproof.conformance.commands import show as command

    return command.show(command.ShowRequest(**asked))


@click.command(cls=Command)
@results_option("Folder of the runs.")
def runs(**asked: Any) -> Printed:
    """List the runs that are on disk, and whether each is complete."""
    from lockproof.conformance.commands import show as command

    return command.runs(command.RunsRequest(**asked))


@click.group(cls=Group)
def baseline() -> None:
    """Look through what is known to deviate, and bring it up to date (docs/baselines.md)."""


@baseline.command("check")
@_baselines
@cases_option()
@results_option("Folder whose `baselines` are taken.")
def baseline_check(**asked: Any) -> Printed:
    """Say what is wrong in baselines, and list what they know. Exit code 1: something has expired."""
    from lockproof.conformance.commands import baseline as command

    return command.check(command.CheckRequest(**asked))


@baseline.command("update")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...", shell_complete=completion.runs)
@_baselines
@cases_option()
@results_option("Folder of the runs.")
def baseline_update(**asked: Any) -> Printed:
    """Write into baselines where runs have seen what they know, and into one what they do not know yet."""
    from lockproof.conformance.commands import baseline as command

    return command.update(command.UpdateRequest(**asked))


@click.command(cls=Command)
@click.argument("runs", nargs=-1, required=True, metavar="[NAME=]RUN...", shell_complete=completion.runs)
@option(
    "--as",
    "kind",
    required=True,
    metavar="KIND[:OPTION]",
    shell_complete=completion.reports,
    help="What to make. See docs/reports.md.",
)
@option(
    "-o",
    "--output",
    default="-",
    metavar="FILE|FOLDER",
    shell_complete=completion.paths,
    help="Where it goes; default: standard output.",
)
@results_option("Folder that run folders are in.")
@file_option("--baseline", "baselines", multiple=True, help="Known deviations. May be given several times.")
def report(**asked: Any) -> Printed:
    """Make a report of runs that are on disk, of several together too.

    RUN is its name, or its folder; with a NAME before it, its targets are called NAME:TARGET.
    """
    from lockproof.conformance.commands import report as command

    return command.report(command.ReportRequest(**asked))


def add_commands(main: Group) -> None:
    """Add the commands to those of lockproof."""
    for command in (report, show, runs, compare, baseline):
        main.add_command(command)
