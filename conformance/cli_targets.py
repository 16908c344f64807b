# SPDX-License-Identifier: Apache-2.0
"""The commands of lockproof about what cases run on: targets, the probe, libraries in front of it, and kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from lockproof.conformance import completion
from lockproof.conformance.options import Command, Excludes, Group, file_option, option, progress, targets_option

if TYPE_CHECKING:
    from lockproof.conformance.commands.printed import Printed

__all__ = ["add_commands"]


@click.command(cls=Command, excludes=[Excludes("schema", ("names", "targets_file"), "prints nothing but the schema")])
@click.argument("names", nargs=-1, metavar="[TARGET]...", shell_complete=completion.targets)
@targets_option()
@option("--schema", is_flag=True, help="Print the JSON Schema of targets.toml, for editors.")
def targets(**asked: Any) -> Printed:
    """Show targets: usable or not and why, and what each can do.

    Default: all that have the same name on every machine, and what the names of targets.toml stand for.
    """
    from lockproof.conformance.commands import targets as command

    return command.targets(command.TargetsRequest(**asked))


@click.command(cls=Command)
@option("--print-path", is_flag=True, help="Print the path of its executable.")
@option(
    "--arch",
    metavar="ARCH",
    shell_complete=completion.architectures,
    help="Of this architecture, such as arm64; it is compiled where it was not yet. Default: this machine's.",
)
def probe(**asked: Any) -> Printed:
    """Say where the probe is: the program that runs on a target, to be copied there (docs/porting.md).

    scp $(lockproof probe --print-path --arch riscv64) board:lockproof-probe
    """
    from lockproof.conformance.commands import probe as command

    return command.probe(command.ProbeRequest(**asked), progress())


@click.command(cls=Command)
@click.argument("name", shell_complete=completion.shims)
def shim(**asked: Any) -> Printed:
    """Print the path of a library for LD_PRELOAD: posixmlock or fault.

    LD_PRELOAD=$(lockproof shim posixmlock) program
    """
    from lockproof.conformance.commands import shim as command

    return command.shim(command.ShimRequest(**asked))


@click.group(cls=Group)
def kernel() -> None:
    """Fetch, build, add, list and remove the kernels that qemu:KERNEL boots."""


@kernel.command("list")
@option("--offline", is_flag=True, help="Ask no mirror what it has.")
def kernel_list(**asked: Any) -> Printed:
    """List the kernels that are here, and those of Debian that could be fetched."""
    from lockproof.conformance.commands import kernel as command

    return command.table(command.ListRequest(**asked), progress())


@kernel.command("remove")
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=completion.kernels)
def kernel_remove(**asked: Any) -> Printed:
    """Remove kernels that were fetched or built."""
    from lockproof.conformance.commands import kernel as command

    return command.remove(command.RemoveRequest(**asked))


@kernel.command("fetch")
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=completion.fetchable)
@option("--again", is_flag=True, help="Also what is here already, and by lists of this minute.")
def kernel_fetch(**asked: Any) -> Printed:
    """Fetch kernels of Debian, from the machine's own mirror.

    NAME is debian/VERSION or debian/VERSION@ARCH, such as debian/6.12 or debian/7.2@arm64; debian/5.10..7.3 and
    debian/all are all that the lists of the mirror have, of one architecture.
    """
    from lockproof.conformance.commands import kernel as command

    return command.fetch(command.FetchRequest(**asked), progress())


@kernel.command("add")
@click.argument("sources", nargs=-1, required=True, metavar="PATH|URL...")
@option("--name", metavar="NAME", help="Its name in qemu:NAME. Default: vendor and release, as the package says them.")
def kernel_add(**asked: Any) -> Printed:
    """Take kernels out of packages, and keep them under a name.

    PATH is a .deb, an .rpm, a package of Arch Linux, a tarball or folder with /boot and /lib/modules, an image, or what
    make O= leaves. A package with modules only goes with the kernel of its release.
    """
    from lockproof.conformance.commands import kernel as command

    return command.add(command.AddRequest(**asked), progress())


@kernel.command("build")
@click.argument("source", shell_complete=completion.sources)
@option("--posixmlock", is_flag=True, help="Apply the patches that make memory locks all or nothing first.")
@option("--fault-injection", is_flag=True, help="Let every allocation inside a call fail in turn.")
@file_option("--patch", "patches", multiple=True, help="Apply a patch with -p1 first; may be given several times.")
@file_option(
    "--config",
    "fragments",
    multiple=True,
    metavar="FRAGMENT",
    help="More options of the kernel, CONFIG_NAME=value; may be given several times.",
)
def kernel_build(**asked: Any) -> Printed:
    """Build a small x86_64 kernel; the same sources, patches and options are built once.

    SOURCE is a tree of Linux (it is not changed), a tarball of one, or debian/VERSION such as debian/6.1.
    """
    from lockproof.conformance.commands import kernel as command

    return command.build(command.BuildRequest(**asked), progress())


def add_commands(main: Group) -> None:
    """Add the commands to those of lockproof."""
    for command in (targets, probe, shim, kernel):
        main.add_command(command)
