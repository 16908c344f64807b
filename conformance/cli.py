# SPDX-License-Identifier: Apache-2.0
"""The lockproof command: its options, what it prints, and its exit code.

Each command imports what it needs when it is called, so that --help and completion stay quick.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from lockproof.conformance import cli_certificates, cli_offline, cli_results, cli_targets, completion, exit_codes
from lockproof.conformance.ending import say
from lockproof.conformance.options import (
    MACHINE,
    Excludes,
    Group,
    cases_option,
    file_option,
    machine_asked,
    machine_options,
    offline_option,
    option,
    progress,
    resolved,
    results_option,
    seconds,
    targets_option,
)

if TYPE_CHECKING:
    from pathlib import Path

    from lockproof.conformance.commands.cases import View
    from lockproof.conformance.commands.printed import Printed

__all__ = ["main"]


class _Main(Group):
    """Prints what commands return, in one place."""

    def invoke(self, ctx: click.Context) -> object:
        printed: Printed = super().invoke(ctx)
        say(printed.text)
        say(printed.remark, err=True)
        ctx.exit(printed.code)


@click.group(
    cls=_Main,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=(
        "Exit codes: 0 as expected, 1 a kernel deviates, 2 usage or a bad case file, 3 infrastructure "
        "(something could not be found out); 128 + signal when interrupted."
    ),
)
@click.version_option(package_name="lockproof")
def main() -> None:
    """Certify that a kernel keeps POSIX's promise about memory locks: a call that fails changes nothing."""


cli_results.add_commands(main)
cli_certificates.add_commands(main)
cli_offline.add_commands(main)
cli_targets.add_commands(main)

_DEFAULT_TARGETS = ("local", "model:posix")
_SELECTION, _HOW, _RESULTS, _BASELINES = "Cases and targets", "How they are run", "Results", "Baselines"


@main.command(
    excludes=[
        Excludes(
            "resume",
            (
                "selection",
                "sweeps",
                "no_sweeps",
                "cases",
                "readings",
                "repeat",
                "time_limit",
                "failed_in",
                "confirm",
                *MACHINE,
            ),
            "runs what the earlier run was asked for",
        ),
        Excludes("failed_in", ("selection", "sweeps", "no_sweeps"), "runs what failed"),
        Excludes("no_sweeps", ("sweeps",), "leaves out all of them"),
        Excludes("scheduler", ("jobs",), "spreads the work over the workers of its cluster"),
    ]
)
@click.argument("selection", nargs=-1, metavar="[CASE]...", shell_complete=completion.cases)
@option(
    "-t",
    "--target",
    "targets",
    group=_SELECTION,
    multiple=True,
    metavar="TARGET",
    shell_complete=completion.targets,
    help="Target to run on; may be given several times. Default: local and model:posix. See `lockproof targets`.",
)
@cases_option(_SELECTION)
@option(
    "--resume",
    group=_SELECTION,
    metavar="RUN",
    shell_complete=completion.runs,
    help="Run what is missing from an earlier run, as it was asked for then, and what was UNRESOLVED; a command: "
    "target of it is to be given again with -t.",
)
@option(
    "--failed-in",
    group=_SELECTION,
    metavar="RUN",
    shell_complete=completion.runs,
    help="Run what failed in an earlier run or could not be found out, on its targets unless others are given.",
)
@option(
    "--reading",
    "readings",
    group=_HOW,
    multiple=True,
    metavar="ID=CHOICE",
    shell_complete=completion.readings,
    help="Judge by another reading of the standard (lockproof explain --interpretations); may be given several times.",
)
@option(
    "--sweeps",
    group=_SELECTION,
    type=click.Choice(["quick", "full"]),
    default="full",
    metavar="EXTENT",
    help="Of the sweeps, in which allocations fail: full, or quick, each entry's first combination. Default: full.",
)
@option("--no-sweeps", group=_SELECTION, is_flag=True, help="Leave the sweeps out.")
@targets_option(_SELECTION)
@machine_options("Guests (docs/targets.md)")
@option(
    "-j",
    "--jobs",
    group=_HOW,
    type=click.IntRange(1, 256),
    metavar="N",
    help="Probes that run side by side; default: one for each target, but no more than there are cores.",
)
@option(
    "--repeat",
    group=_HOW,
    type=click.IntRange(1),
    default=1,
    metavar="N",
    help="Run each case N times.",
)
@option(
    "--confirm",
    group=_HOW,
    type=click.IntRange(1),
    default=1,
    metavar="N",
    help="Run a case that newly fails N times before that counts; one that also passes is flaky.",
)
@option(
    "--time-limit",
    group=_HOW,
    type=click.FloatRange(0.001, 3600),
    metavar="SECONDS",
    callback=seconds,
    help="For each execution; default: 30.",
)
@option(
    "--scheduler",
    group=_HOW,
    metavar="ADDRESS",
    help="Run on the workers of a Dask cluster (lockproof[cluster]). See docs/scaling.md.",
)
@offline_option(_HOW)
@results_option("Folder that run folders are made in.", _RESULTS)
@option(
    "--report",
    "reports",
    group=_RESULTS,
    multiple=True,
    metavar="REPORT",
    shell_complete=completion.reports,
    help="Make a report at the end, KIND[:OPTION][=PATH]; - is standard output. See docs/reports.md.",
)
@option(
    "--events",
    group=_RESULTS,
    metavar="FILE",
    shell_complete=completion.paths,
    help="Write what happens as it happens, a line of JSON for each event; - is standard output. See docs/events.md.",
)
@option(
    "--exit-code",
    group=_RESULTS,
    type=click.Choice(list(exit_codes.STYLES)),
    default=exit_codes.DEFAULT,
    metavar="STYLE",
    help=f"For whom: {', '.join(exit_codes.STYLES)}. See docs/reports.md.",
)
@option(
    "-v",
    "--verbose",
    group=_RESULTS,
    is_flag=True,
    help="Say what became of every case, also of those that pass.",
)
@option("--profile", group=_RESULTS, is_flag=True, help="Say at the end which cases took the time.")
@file_option(
    "--baseline",
    "baselines",
    group=_BASELINES,
    multiple=True,
    help="Known deviations: only others are failures. May be given several times. See docs/baselines.md.",
)
@option(
    "--strict-baseline",
    group=_BASELINES,
    is_flag=True,
    help="A case that passes and is known to fail is a failure too.",
)
def run(
    targets: tuple[str, ...],
    jobs: int | None,
    resume: str | None,
    scheduler: str | None,
    *,
    offline: bool,
    **asked: Any,
) -> Printed:
    """Run cases on targets and judge what they do.

    CASE is a full name, the leading part of one (mlock, mlock/no-change), or a pattern with * and ?. Default: all.
    """
    from lockproof.conformance.commands.missing import packed, with_kernels
    from lockproof.runners.options import on_machine
    from lockproof.runners.target import started

    machine = machine_asked(asked)
    targets = tuple(resolved(targets, asked.pop("targets_file")))
    asked_for = on_machine(targets, machine)
    names = () if resume else asked_for or (() if asked["failed_in"] else _DEFAULT_TARGETS)
    ahead = jobs or len(os.sched_getaffinity(0))
    with ExitStack() as stack:

        def begin() -> tuple[Any, ...]:
            return packed(names) if scheduler is not None else stack.enter_context(started(names, ahead))

        made = with_kernels(begin, progress, offline=offline)
        from lockproof.conformance.commands import run as command  # takes as long as a small kernel needs to boot
        from lockproof.conformance.commands.run_request import RunRequest

        asked["sweeps"] = "none" if asked.pop("no_sweeps") else asked["sweeps"]
        asked |= {"targets": made, "again": targets, "jobs": jobs, "resume": resume, "scheduler": scheduler}
        return command.run(RunRequest(**asked))


@main.command(
    excludes=[
        Excludes("schema", ("show", "coverage", "lint"), "prints nothing but the schema"),
        Excludes("schema", ("selection", "cases"), "is the same for all cases"),
        Excludes("show", ("coverage", "lint"), "draws the cases, and nothing else"),
        Excludes("coverage", ("lint",), "prints which cases check what, and nothing else"),
        Excludes("coverage", ("selection",), "is about all cases"),
    ]
)
@click.argument("selection", nargs=-1, metavar="[CASE]...", shell_complete=completion.cases)
@cases_option()
@option("--show", is_flag=True, help="Draw the cases instead of listing them.")
@option("--coverage", is_flag=True, help="Print which cases check each requirement.")
@option("--lint", is_flag=True, help="Say what is doubtful in the cases.")
@option("--schema", is_flag=True, help="Print the JSON Schema of a case file, for editors.")
def cases(selection: tuple[str, ...], cases: Path | None, **views: bool) -> Printed:
    """List cases, draw them, look for what is doubtful in them, or print the schema of case files."""
    from lockproof.conformance.commands import cases as command

    view: View = next((view for view in command.VIEWS if views.get(view)), "list")
    return command.cases(command.CasesRequest(selection=selection, cases=cases, view=view))


@main.command(excludes=[Excludes("kernel", ("model",), "has defects of its own")])
@click.argument("selection", nargs=-1, metavar="[MUTANT]...", shell_complete=completion.mutants)
@cases_option()
@option(
    "--model",
    metavar="TARGET",
    default="model:posix",
    help="Model that gets the defects; what another than the reference fails without one is known, and only what its "
    "cases show besides counts. Default: model:posix.",
    shell_complete=completion.targets,
)
@option(
    "--kernel",
    metavar="TARGET",
    help="Kernel with defects of its own (native/kernel/defects.patch), in place of a model. See docs/defects.md.",
    shell_complete=completion.targets,
)
@option("-v", "--verbose", is_flag=True, help="Name all cases that kill each mutant.")
def mutants(**asked: Any) -> Printed:
    """Try the cases on the reference model with one deliberate defect after another, and say which catch it.

    With --kernel a kernel has the defects, one at a time, all on one boot.

    MUTANT is a name, or a pattern with * and ?. Exit code 1: one survives, or a case fails without any defect.
    """
    from lockproof.conformance.commands import mutants as command

    return command.mutants(command.MutantsRequest(**asked), progress())


@main.command()
@click.argument("case", shell_complete=completion.cases)
@cases_option()
def repro(**asked: Any) -> Printed:
    """Print a C program that does what CASE does, for those who have no lockproof: cc repro.c && ./a.out."""
    from lockproof.conformance.commands import repro as command

    return command.repro(command.ReproRequest(**asked))


@main.command(
    excludes=[Excludes("against", ("baselines",), "compares with another target, of which no deviation is known")]
)
@click.argument("target", shell_complete=completion.targets)
@option(
    "--seconds",
    type=click.FloatRange(0.1, 86400),
    metavar="N",
    callback=seconds,
    help="Stop after so long; default: 60, where no --count says when.",
)
@option("--count", type=click.IntRange(1), metavar="N", help="Stop after so many cases.")
@option("--seed", type=int, metavar="N", default=1, show_default=True, help="The same seed gives the same cases.")
@option(
    "--against",
    metavar="TARGET",
    shell_complete=completion.targets,
    help="Compare with this target, such as model:linux-6, page by page.",
)
@file_option(
    "--baseline",
    "baselines",
    multiple=True,
    help="Known deviations, which are passed over: the search goes on behind them. May be given several times.",
)
@targets_option()
@option("--scheduler", metavar="ADDRESS", help="Search on a Dask cluster (lockproof[cluster]). See docs/scaling.md.")
@offline_option()
def explore(*, target: str, targets_file: Path | None, offline: bool, **asked: Any) -> Printed:
    """Try generated cases on a target, and print the smallest that does what is not permitted, as YAML.

    What is permitted says a naive statement of the standard: a set of locked pages; or, with --against, what another
    target does: result, locks, their count and the boundaries of mappings. Exit code 1: a case differs; 3: of a case
    nothing could be found out.
    """
    from lockproof.conformance.commands import explore as command
    from lockproof.conformance.commands.missing import with_kernels
    from lockproof.conformance.targets_file import resolve_one

    request = command.ExploreRequest(target=resolve_one(target, targets_file), **asked)
    return with_kernels(lambda: command.explore(request, progress()), progress, offline=offline)


@main.command(excludes=[Excludes("scheduler", ("jobs",), "spreads the work over the workers of its cluster")])
@click.argument("models", nargs=-1, required=True, metavar="MODEL...", shell_complete=completion.models)
@option(
    "--pages", type=click.IntRange(1, 10), default=4, show_default=True, metavar="P", help="The largest address space."
)
@option("-j", "--jobs", type=click.IntRange(1, 256), metavar="N", help="Threads; default: one for each core.")
@results_option("Folder in which what is explored is kept.")
@option("--resume", is_flag=True, help="Go on where an earlier call for the same model and pages stopped.")
@option("--scheduler", metavar="ADDRESS", help="Spread the work over a Dask cluster (lockproof[cluster]).")
def prove(**asked: Any) -> Printed:
    """Explore every address space of up to P pages on a model, and every call in it with every failing allocation.

    MODEL is posix, linux-2.6.16, posixmlock-2006, linux-6 and so on; several give a table. Exit code 1: one breaks a
    requirement.
    """
    from lockproof.conformance.commands import prove as command

    return command.prove(command.ProveRequest(**asked), progress())


@main.command(excludes=[Excludes("interpretations", ("name",), "prints all interpretations, and nothing else")])
@click.argument("name", required=False, shell_complete=completion.requirements)
@option("--interpretations", is_flag=True, help="Print how disputed places of the standard are read, and why.")
@cases_option()
def explain(**asked: Any) -> Printed:
    """Print a requirement of the catalogue and the cases that check it, or an interpretation of the standard.

    NAME is the id of one.
    """
    from lockproof.conformance.commands import explain as command

    return command.explain(command.ExplainRequest(**asked))


@main.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@option(
    "--fail",
    metavar="RULES",
    default="any=fail",
    show_default=True,
    help="Which calls fail, and how. See docs/inject.md.",
)
@option(
    "--time-limit",
    type=click.FloatRange(0.1, 3600),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    callback=seconds,
    help="For each run; a program that runs on is ended then.",
)
@option("--most", type=click.IntRange(1), default=100, show_default=True, metavar="N", help="Calls that fail.")
@file_option("--json", help="Write the report as JSON.")
@file_option("--junit", help="Write it as JUnit XML.")
@click.argument("command", nargs=-1, required=True, metavar="-- PROGRAM [ARGUMENT]...", shell_complete=completion.paths)
def inject(**asked: Any) -> Printed:
    """Run a program once for each memory-lock call that it makes, with that one failing, and say what it did.

    Exit status 1: it crashed or hung. 3: no call could be made to fail.
    """
    from lockproof.conformance.commands import inject as command

    return command.inject(command.InjectRequest(**asked))


@main.command()
@click.argument("path", required=False, metavar="[PATH|SYSROOT]", shell_complete=completion.paths)
@option("--run", is_flag=True, help="Start the loader of a library that is not this machine's, to ask its sysconf.")
def libc(**asked: Any) -> Printed:
    """Say what a C library exports and promises of memory locking, and whether the cases agree.

    PATH is its file, SYSROOT the root of a system. Default: the one of this machine.
    """
    from lockproof.conformance.commands import libc as command

    return command.libc(command.LibcRequest(**asked))
