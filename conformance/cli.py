# SPDX-License-Identifier: Apache-2.0
"""The lockproof command: arguments in, exit code out.

Each command imports what it needs when it is called, so that --help and completion stay quick.
"""

from __future__ import annotations

import io
import math
import signal
import sys
from pathlib import Path

import click

from lockproof.conformance.errors import LockproofError

__all__ = ["main"]

_CASES = click.option(
    "--cases",
    "cases",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="A case file, or a folder of them; default: the cases that lockproof brings along.",
)


def _number(_context: click.Context, _option: click.Parameter, value: float | None) -> float | None:
    if value is not None and math.isnan(value):
        msg = "nan is no number of seconds"
        raise click.BadParameter(msg)
    return value


class _Group(click.Group):
    """Prints the errors of lockproof in one place, and suggests commands."""

    def invoke(self, ctx: click.Context) -> object:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # pictures have an arrow that not every encoding knows
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("Interrupted before anything ran.", err=True)
            ctx.exit(128 + signal.SIGINT)
        except LockproofError as error:
            click.echo(str(error), err=True)
            ctx.exit(error.exit_code)


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=(
        "Exit codes: 0 as expected, 1 a kernel deviates, 2 usage or a bad case file, 3 infrastructure "
        "(something could not be found out); 128 + signal when interrupted."
    ),
)
@click.version_option(package_name="lockproof")
def main() -> None:
    """Certify that a kernel keeps POSIX's promise about memory locks: a call that fails changes nothing."""


@main.command()
@click.argument("selection", nargs=-1, metavar="[CASE]...")
@click.option(
    "-t",
    "--target",
    "targets",
    multiple=True,
    metavar="TARGET",
    help="Target to run on; may be given several times. Default: local and model:posix. See `lockproof targets`.",
)
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1, 256),
    metavar="N",
    help="Probes that run side by side; default: one for each target, but no more than there are cores.",
)
@_CASES
@click.option("--repeat", type=click.IntRange(1), default=1, metavar="N", help="Run each case N times.")
@click.option(
    "--time-limit",
    type=click.FloatRange(0.001, 3600),
    metavar="SECONDS",
    callback=_number,
    help="For each execution; default: 30.",
)
@click.option(
    "--results",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("results"),
    show_default=True,
    help="Folder that run folders are made in.",
)
@click.option("--resume", metavar="RUN", help="Run what is missing from an earlier run, as it was asked for then.")
@click.option(
    "--baseline",
    "baselines",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Known deviations: only what differs from them is a failure. May be given several times.",
)
@click.option(
    "--write-baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Put what deviates into a baseline; its reasons stay, and new lines need one.",
)
@click.option(
    "--events",
    metavar="FILE",
    help="Write what happens as it happens, a line of JSON for each event; - is standard output. See docs/events.md.",
)
@click.option("-v", "--verbose", is_flag=True, help="Say what became of every case, also of those that pass.")
def run(  # noqa: PLR0913, PLR0917  one for each option
    selection: tuple[str, ...],
    targets: tuple[str, ...],
    jobs: int | None,
    cases: Path | None,
    repeat: int,
    time_limit: float | None,
    results: Path,
    resume: str | None,
    baselines: tuple[Path, ...],
    write_baseline: Path | None,
    events: str | None,
    *,
    verbose: bool,
) -> None:
    """Run cases on targets and judge what they do.

    CASE is a full name, the leading part of one (mlock, mlock/no-change), or a pattern with * and ?. Default: all.
    """
    from lockproof.conformance.commands.run import DEFAULT_TARGETS, RunRequest  # noqa: PLC0415
    from lockproof.conformance.commands.run import run as run_cases  # noqa: PLC0415
    from lockproof.conformance.protocol.program import DEFAULT_TIME_LIMIT  # noqa: PLC0415

    if resume is not None and (selection or targets or cases or repeat > 1 or time_limit):
        msg = "--resume runs what the earlier run was asked for; leave out CASE and the other options"
        raise click.UsageError(msg)
    request = RunRequest(
        results=results,
        cases=cases,
        selection=selection,
        targets=targets or DEFAULT_TARGETS,
        repeat=repeat,
        time_limit=time_limit or DEFAULT_TIME_LIMIT,
        resume=resume,
        jobs=jobs,
        baselines=baselines,
        write_baseline=write_baseline,
        events=events,
        verbose=verbose,
    )
    sys.exit(run_cases(request))


@main.command()
@click.argument("selection", nargs=-1, metavar="[CASE]...")
@_CASES
@click.option("--schema", "what", flag_value="schema", help="Print the JSON Schema of a case file, for editors.")
@click.option("--show", "what", flag_value="show", help="Draw the cases instead of listing them.")
@click.option("--coverage", "what", flag_value="coverage", help="Print which cases check each requirement.")
@click.option("--lint", "what", flag_value="lint", help="Say what is doubtful in the cases.")
def cases(selection: tuple[str, ...], cases: Path | None, what: str | None) -> None:
    """List cases, draw them, look for what is doubtful in them, or print the schema of case files."""
    from lockproof.conformance.commands import corpus as corpus_commands  # noqa: PLC0415
    from lockproof.conformance.commands import lookup as listings  # noqa: PLC0415

    if what == "schema":
        click.echo(listings.schema())
    elif what is None:
        click.echo(listings.cases(cases, selection))
    else:
        text, code = corpus_commands.COMMANDS[what](cases, selection)
        click.echo(text)
        sys.exit(code)


@main.command()
@click.argument("selection", nargs=-1, metavar="[MUTANT]...")
@_CASES
@click.option("-v", "--verbose", is_flag=True, help="Name all cases that kill each mutant.")
def mutants(selection: tuple[str, ...], cases: Path | None, *, verbose: bool) -> None:
    """Give the reference model one deliberate defect after another, and say which cases catch it.

    MUTANT is a name, or a pattern with * and ?. Exit code 1: one survives, or a case fails without any defect.
    """
    from lockproof.conformance.commands import mutants as command  # noqa: PLC0415

    printed = command.mutants(command.MutantsRequest(cases=cases, selection=selection, verbose=verbose))
    click.echo(printed.text)
    sys.exit(printed.code)


@main.command()
@click.argument("case")
@_CASES
def repro(case: str, cases: Path | None) -> None:
    """Print a C program that does what CASE does, for those who have no lockproof: cc repro.c && ./a.out."""
    from lockproof.conformance.commands import corpus as corpus_commands  # noqa: PLC0415

    click.echo(corpus_commands.repro(cases, case))


@main.command()
@click.argument("target")
@click.option(
    "--seconds", type=click.FloatRange(0.1, 86400), default=60, show_default=True, callback=_number, help="How long."
)
@click.option("--count", type=click.IntRange(1), metavar="N", help="Stop after so many cases.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same cases.")
@click.option("--against", metavar="TARGET", help="Compare with this target, such as model:linux-6, page by page.")
def explore(target: str, seconds: float, count: int | None, seed: int, against: str | None) -> None:
    """Try generated cases on a target, and print the smallest that does what is not permitted, as YAML.

    What is permitted says a naive statement of the standard: a set of locked pages; or, with --against, what another
    target does: result, locks, their count and the boundaries of mappings. Exit code 1: a case differs.
    """
    try:
        from lockproof.conformance.exploring import search as exploring  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        msg = "explore needs hypothesis; install lockproof[explore]"
        raise click.UsageError(msg) from error

    from rich.console import Console  # noqa: PLC0415

    request = exploring.Request(target, seconds, seed, most=count, against=against)
    found = exploring.explore(request, Console(stderr=True))
    if found.yaml:
        click.echo(f"# on {target}, seed {seed}: {found.what}\n{found.yaml}")
    rate = found.count / found.seconds
    end = "a difference" if found.yaml else "no difference"
    if found.made_do:
        end += f"; in {found.made_do} the target made do without an allocation that fails in the other"
    tried = f"{found.count} cases in {found.seconds:.1f} s ({rate:.0f} each second), seed {seed}"
    click.echo(f"{tried}{', interrupted' * found.interrupted}: {end}", err=True)
    sys.exit(128 + signal.SIGINT if found.interrupted else 1 if found.yaml else 0)


@main.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option(
    "--pages", type=click.IntRange(1, 10), default=4, show_default=True, metavar="P", help="The largest address space."
)
@click.option("-j", "--jobs", type=click.IntRange(1, 256), metavar="N", help="Threads; default: one for each core.")
@click.option(
    "--results",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("results"),
    show_default=True,
    help="Folder in which what is explored is kept.",
)
@click.option("--resume", is_flag=True, help="Go on where an earlier call for the same model and pages stopped.")
@click.option("--scheduler", metavar="ADDRESS", help="Spread the work over a Dask cluster (lockproof[cluster]).")
def prove(
    models: tuple[str, ...], pages: int, jobs: int | None, results: Path, scheduler: str | None, *, resume: bool
) -> None:
    """Explore every address space of up to P pages on a model, and every call in it with every failing allocation.

    MODEL is posix, linux-2.6.16, posixmlock-2006, linux-6 and so on; several give a table. Exit code 1: one breaks a
    requirement.
    """
    import os  # noqa: PLC0415

    from rich.console import Console  # noqa: PLC0415

    from lockproof.conformance.proving import exploration as proving  # noqa: PLC0415

    request = proving.Request(
        models=tuple(model.removeprefix("model:") for model in models),
        pages=pages,
        threads=jobs or len(os.sched_getaffinity(0)),
        results=results,
        resume=resume,
        scheduler=scheduler,
    )
    outcomes = proving.prove(request, Console(stderr=True))
    for outcome in outcomes:
        click.echo(proving.report(outcome, request) + "\n")
    if len(models) > 1:
        click.echo(proving.table(outcomes))
    if not all(outcome.complete for outcome in outcomes):
        sys.exit(128 + signal.SIGINT)
    sys.exit(1 if any(any(outcome.broken()) for outcome in outcomes) else 0)


@main.command()
@click.argument("requirement")
@_CASES
def explain(requirement: str, cases: Path | None) -> None:
    """Print a requirement of the catalogue, and the cases that check it."""
    from lockproof.conformance.commands import lookup as listings  # noqa: PLC0415

    click.echo(listings.explain(requirement, cases))


@main.command()
@click.argument("names", nargs=-1, metavar="[TARGET]...")
def targets(names: tuple[str, ...]) -> None:
    """Show targets: usable or not and why, and what each can do.

    Default: all that have the same name on every machine.
    """
    from lockproof.conformance.commands import lookup as listings  # noqa: PLC0415

    text, usable = listings.targets(names)
    click.echo(text)
    sys.exit(0 if usable else 3)


@main.command()
@click.argument("name")
def shim(name: str) -> None:
    """Print the path of a library for LD_PRELOAD: posixmlock or fault.

    LD_PRELOAD=$(lockproof shim posixmlock) program
    """
    from lockproof.runners import shims  # noqa: PLC0415

    click.echo(shims.path(name))


@main.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--fail", metavar="RULES", help="Which calls fail, and how; default: any=fail. See docs/inject.md.")
@click.option(
    "--time-limit",
    type=click.FloatRange(0.1, 3600),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    callback=_number,
    help="For each run; a program that runs on is ended then.",
)
@click.option("--most", type=click.IntRange(1), default=100, show_default=True, metavar="N", help="Calls that fail.")
@click.option(
    "--json", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write the report as JSON."
)
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write it as JUnit XML.")
@click.argument("argv", nargs=-1, required=True, metavar="-- PROGRAM [ARGUMENT]...")
def inject(
    fail: str | None, time_limit: float, most: int, json: Path | None, junit: Path | None, argv: tuple[str, ...]
) -> None:
    """Run a program once for each memory-lock call that it makes, with that one failing, and say what it did.

    Exit status 1: it crashed or hung. 3: no call could be made to fail.
    """
    from lockproof.conformance.commands import inject as command  # noqa: PLC0415

    request = command.InjectRequest(
        command=argv, fail=fail or "any=fail", time_limit=time_limit, most=most, json=json, junit=junit
    )
    printed = command.inject(request)
    click.echo(printed.text)
    if printed.remark:
        click.echo(printed.remark, err=True)
    sys.exit(printed.code)


@main.command()
@click.argument("path", required=False, metavar="[PATH|SYSROOT]")
def libc(path: str | None) -> None:
    """Say what a C library exports and promises of memory locking, and whether the cases agree.

    PATH is its file, SYSROOT the root of a system. Default: the one of this machine.
    """
    from lockproof.conformance.commands import libc as command  # noqa: PLC0415

    printed = command.libc(command.LibcRequest(path))
    click.echo(printed.text)
    sys.exit(printed.code)


@main.group()
def kernel() -> None:
    """Fetch, build and list the kernels that qemu:KERNEL boots."""


@kernel.command("list")
def kernel_list() -> None:
    """List the kernels that are here, and those that could be fetched."""
    from lockproof.conformance.commands import kernel as terminal  # noqa: PLC0415

    click.echo(terminal.table())


@kernel.command("fetch")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def kernel_fetch(names: tuple[str, ...]) -> None:
    """Fetch kernels of Debian, from the machine's own mirror.

    NAME is debian/VERSION or debian/VERSION@ARCH, such as debian/6.12 or debian/7.2@arm64.
    """
    from lockproof.conformance.commands import kernel as terminal  # noqa: PLC0415
    from lockproof.runners.kernels import debian  # noqa: PLC0415

    with terminal.watching() as watcher:
        for made in debian.fetch_all(names, watcher.say):
            click.echo(terminal.entry(made))


@kernel.command("build")
@click.argument("source")
@click.option("--fault-injection", is_flag=True, help="Let every allocation inside a call fail in turn.")
@click.option(
    "--patch",
    "patches",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Apply a patch with -p1 first; may be given several times.",
)
@click.option(
    "--config",
    "fragments",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FRAGMENT",
    help="More options of the kernel, CONFIG_NAME=value; may be given several times.",
)
def kernel_build(source: str, patches: tuple[Path, ...], fragments: tuple[Path, ...], *, fault_injection: bool) -> None:
    """Build a small x86_64 kernel; the same sources, patches and options are built once.

    SOURCE is a tree of Linux (it is not changed), a tarball of one, or debian/VERSION such as debian/6.1.
    """
    from lockproof.conformance.commands import kernel as terminal  # noqa: PLC0415
    from lockproof.runners.kernels import build  # noqa: PLC0415

    request = build.BuildRequest(source=source, fault_injection=fault_injection, patches=patches, fragments=fragments)
    with terminal.watching() as watcher:
        made = build.build(request, watcher)
    click.echo(terminal.entry(made))
