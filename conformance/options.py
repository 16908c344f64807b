# SPDX-License-Identifier: Apache-2.0
"""Options of the command line: in groups in the help, and refused where they exclude each other."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from lockproof.conformance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from rich.console import Console

    _Function = TypeVar("_Function", bound=Callable[..., Any])

__all__ = [
    "MACHINE",
    "Command",
    "Excludes",
    "Group",
    "cases_option",
    "file_option",
    "folder_argument",
    "folder_option",
    "machine_asked",
    "machine_options",
    "offline_option",
    "option",
    "progress",
    "resolved",
    "results_option",
    "seconds",
    "targets_option",
]

MACHINE = ("memory", "smp", "cpu", "accel", "append")
"""What `machine_options` declares."""
_LONGEST_SENTENCE = 200


@dataclass(frozen=True, slots=True)
class Excludes:
    """An option beside which others would be ignored."""

    option: str
    """Its name in Python, as those of the others."""
    others: tuple[str, ...]
    why: str
    """What it does, as the rest of a sentence that begins with it."""


class _PathType(click.Path):
    """A path, which is made a Path only where there is one: a start without any need not import pathlib."""

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> str | bytes | os.PathLike[str]:
        """Return the path. Raises BadParameter where it is empty: Path makes the current folder of it."""
        if value == "":
            self.fail("the path is empty; write one", param, ctx)
        return super().convert(value, param, ctx)

    def coerce_path_result(self, value: str | os.PathLike[str]) -> Path:
        """Return what was given as a Path."""
        from pathlib import Path

        return Path(os.fsdecode(value))


class _Option(click.Option):
    """An option that stands in a group of the help."""

    def __init__(self, *declarations: Any, group: str = "", **settings: Any) -> None:
        """Keep the group; empty: that of --help."""
        super().__init__(*declarations, **settings)
        self.group = group

    def get_help_extra(self, ctx: click.Context) -> Any:
        """Return what is said behind the help: not the range, which is told to those who leave it."""
        extra = super().get_help_extra(ctx)
        extra.pop("range", None)
        return extra


class Command(click.Command):
    """A command whose options are in groups in its help, and exclude each other as it says."""

    def __init__(self, *arguments: Any, excludes: Sequence[Excludes] = (), **settings: Any) -> None:
        """Keep what excludes what."""
        super().__init__(*arguments, **settings)
        self.excludes = excludes

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line. Raises UsageError where an option would be ignored, beside another or its like."""
        if not ctx.resilient_parsing:
            self._refuse_repeated(ctx, args)
        rest = super().parse_args(ctx, args)
        names = {parameter.name: parameter for parameter in self.get_params(ctx)}
        for rule in self.excludes if not ctx.resilient_parsing else ():
            given = [_written(names[other]) for other in rule.others if _is_given(ctx, other)]
            if given and _is_given(ctx, rule.option):
                msg = f"{_written(names[rule.option])} {rule.why}; leave out {', '.join(given)}"
                raise UsageError(msg)
        return rest

    def _refuse_repeated(self, ctx: click.Context, args: list[str]) -> None:
        """Raise UsageError where an option has two values: click takes the last, and drops the others in silence."""
        _, _, order = self.make_parser(ctx).parse_args(list(args))
        for parameter in order:
            is_single = isinstance(parameter, click.Option) and not parameter.multiple and not parameter.is_flag
            if is_single and order.count(parameter) > 1:
                msg = f"{_written(parameter)} is given {order.count(parameter)} times; give it once"
                raise UsageError(msg)

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the first sentence of the help, however long: it is wrapped where commands are listed."""
        return super().get_short_help_str(max(limit, _LONGEST_SENTENCE))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the groups in the order of their first options, columns below each other in all of them."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and not isinstance(parameter, click.Argument):
                groups.setdefault(getattr(parameter, "group", ""), []).append(record)
        width = max(len(names) for records in groups.values() for names, _ in records)
        for group in sorted(groups, key=lambda group: not group):  # the one without a name comes last
            with formatter.section(group or "Other" if len(groups) > 1 else "Options"):
                formatter.write_dl([(names.ljust(width), text) for names, text in groups[group]])


class Group(click.Group):
    """A group of commands, which return what they say at their end."""

    command_class = Command

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the first sentence of the help, as a command does."""
        return super().get_short_help_str(max(limit, _LONGEST_SENTENCE))


def option(*declarations: str, group: str = "", **settings: Any) -> Callable[[_Function], _Function]:
    """Declare an option of a Command, as click.option does; `group`: where it stands in the help."""
    return click.option(*declarations, cls=_Option, group=group, **settings)


def cases_option(group: str = "") -> Callable[[_Function], _Function]:
    """Declare --cases."""
    return option(
        "--cases",
        group=group,
        type=_PathType(),
        metavar="PATH",
        help="A case file, or a folder of them; default: the cases that lockproof brings along.",
    )


def file_option(*declarations: str, metavar: str = "FILE", **settings: Any) -> Callable[[_Function], _Function]:
    """Declare an option that names a file."""
    return option(*declarations, type=_PathType(dir_okay=False), metavar=metavar, **settings)


def offline_option(group: str = "") -> Callable[[_Function], _Function]:
    """Declare --offline."""
    return option(
        "--offline", group=group, is_flag=True, help="Fetch no kernel of Debian, also where a target has none yet."
    )


def machine_options(group: str = "") -> Callable[[_Function], _Function]:
    """Declare what a guest runs on and with: --memory, --smp, --cpu, --accel and --append."""
    declared = [
        option("--memory", group=group, metavar="MIB", help="Memory of the guests; default: 512, or 1024."),
        option("--smp", group=group, metavar="N", help="Processors of the guests; default: 1."),
        option("--cpu", group=group, metavar="MODEL", help="Their model, as QEMU calls it."),
        option("--accel", group=group, metavar="ACCEL", help="tcg or kvm; default: KVM where it works."),
        option("--append", group=group, metavar="PARAMETERS", help="More on the command line of their kernels."),
    ]

    def declare(function: _Function) -> _Function:
        for each in reversed(declared):
            function = each(function)
        return function

    return declare


def machine_asked(asked: dict[str, Any]) -> dict[str, str | None]:
    """Take what `machine_options` declares out of what was asked; None: it was not."""
    return {key: asked.pop(key) for key in MACHINE}


def folder_option(*declarations: str, metavar: str = "FOLDER", **settings: Any) -> Callable[[_Function], _Function]:
    """Declare an option that names a folder."""
    return option(*declarations, type=_PathType(file_okay=False), metavar=metavar, **settings)


def folder_argument(name: str, metavar: str = "FOLDER", **settings: Any) -> Callable[[_Function], _Function]:
    """Declare an argument that names a folder."""
    return click.argument(name, type=_PathType(), metavar=metavar, **settings)


def results_option(text: str, group: str = "") -> Callable[[_Function], _Function]:
    """Declare --results; `text`: what is put there."""
    return option(
        "--results",
        group=group,
        type=_PathType(file_okay=False),
        default="results",
        show_default=True,
        metavar="FOLDER",
        help=text,
    )


def targets_option(group: str = "") -> Callable[[_Function], _Function]:
    """Declare --targets."""
    return file_option(
        "--targets",
        "targets_file",
        group=group,
        help="Names of targets and groups; default: targets.toml of this folder or one above. See docs/targets.md.",
    )


def resolved(names: Sequence[str], file: Path | None) -> Sequence[str]:
    """Return the TARGET texts that names stand for. Raises UsageError, CaseFileError.

    Texts are left as they are without what reads files of names, which takes as long to import as half a boot.
    """
    from lockproof.runners.target import are_targets

    if file is None and are_targets(names):
        return names
    from lockproof.conformance.targets_file import resolve

    return resolve(names, file)


def progress() -> Console:
    """Return the console on which a command says how far it is."""
    from lockproof.conformance.reports.console import console

    return console(stderr=True)


def seconds(_context: click.Context, _option: click.Parameter, value: float | None) -> float | None:
    """Return a number of seconds, unless it is nan, which no range leaves out. Raises BadParameter."""
    if value is not None and math.isnan(value):
        msg = "nan is no number of seconds"
        raise click.BadParameter(msg)
    return value


def _is_given(context: click.Context, name: str) -> bool:
    # An argument of which there may be many was given to click before 8.3 also where there is none.
    return context.get_parameter_source(name) is ParameterSource.COMMANDLINE and context.params[name] != ()


def _written(parameter: click.Parameter) -> str:
    """Return the name of a parameter as users write it."""
    if isinstance(parameter, click.Option):
        return max(parameter.opts, key=len)
    return (parameter.metavar or parameter.human_readable_name).strip("[].")
