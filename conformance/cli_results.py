# SPDX-License-Identifier: Apache-2.0
"""The commands of lockproof about results that are there: runs on disk, and what is known of targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from lockproof.conformance import completion
from lockproof.conformance.errors import LockproofError
from lockproof.conformance.options import (
    Command,
    Group,
    cases_option,
    file_option,
    folder_option,
    option,
    progress,
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

    RUN is a run, a folder of one, or RUN#TARGET where it has several targets; or the file of a baseline, which is what
    it expects of the other. Exit code 1: the second is worse.
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


class _AbortUsageError(click.UsageError):
    """Wrong usage, of which git takes notice."""

    exit_code = 129


class _AbortError(LockproofError):
    """Nothing can be said of any commit."""

    exit_code = 129


class _Bisect(Command):
    """A command of `git bisect run`, which takes any exit code from 1 to 127, but 125, for a bad commit."""

    def make_context(self, *arguments: Any, **settings: Any) -> click.Context:
        """Read the command line. What it raises has an exit code that ends the bisection."""
        try:
            return super().make_context(*arguments, **settings)
        except click.UsageError as error:
            raise _AbortUsageError(error.format_message(), error.ctx) from error
        except LockproofError as error:
            raise _AbortError(str(error)) from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. What it raises has an exit code that ends the bisection."""
        try:
            return super().invoke(ctx)
        except LockproofError as error:
            raise _AbortError(str(error)) from error
        except Exception as error:
            msg = f"unexpected {type(error).__name__}: {error}"
            raise _AbortError(msg) from error


@click.command(cls=_Bisect)
@click.argument("asked", metavar="CASE[#CHECK]", shell_complete=completion.cases)
@folder_option(
    "--tree",
    default=".",
    help="The work tree of Linux; default: where you are.",
)
@option("--repeat", type=click.IntRange(1), default=1, metavar="N", help="Ask N times; bad if it is seen once.")
@option(
    "--boot-failure",
    type=click.Choice(["skip", "bad"]),
    default="skip",
    show_default=True,
    help="What a kernel is that does not boot.",
)
@option("--fault-injection", is_flag=True, help="Build it so that every allocation inside a call can fail.")
@file_option("--config", "fragments", multiple=True, metavar="FRAGMENT", help="More options of the kernel.")
@cases_option()
def bisect(**asked: Any) -> Printed:
    """Build and boot a tree of Linux, and tell git whether CASE breaks CHECK: git bisect run lockproof bisect CASE.

    Exit code 0: no; 1: yes; 125: nothing can be said of this commit; 129: nor of any other.
    """
    from lockproof.conformance.commands import bisect as command

    return command.bisect(command.BisectRequest(**asked), progress())


def add_commands(main: Group) -> None:
    """Add the commands to those of lockproof."""
    for command in (report, show, runs, compare, baseline, bisect):
        main.add_command(command)
