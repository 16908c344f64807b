# SPDX-License-Identifier: Apache-2.0
"""The commands of lockproof about certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from lockproof.conformance import completion
from lockproof.conformance.options import (
    MACHINE,
    Command,
    Excludes,
    Group,
    file_option,
    folder_argument,
    folder_option,
    machine_asked,
    machine_options,
    option,
    results_option,
    targets_option,
)

if TYPE_CHECKING:
    from pathlib import Path

    from lockproof.conformance.commands.printed import Printed
    from lockproof.runners.target import Target

__all__ = ["add_commands"]


_GUEST = "Guest (docs/targets.md)"


@click.command(cls=Command, excludes=[Excludes("run", ("target", *MACHINE), "certifies what ran already")])
@option("-t", "--target", metavar="TARGET", shell_complete=completion.targets, help="What to run the whole corpus on.")
@option("--run", metavar="RUN", shell_complete=completion.runs, help="Certify an earlier run of the whole corpus.")
@targets_option()
@machine_options(_GUEST)
@folder_option("-o", "--output", required=True, help="The certificate, a new folder.")
@file_option("--statement", default="STATEMENT.yaml", show_default=True, help="Who hands it in; made where missing.")
@file_option("--key", help="Sign with it: a private key of OpenSSH, or the public one of a key that an agent has.")
@results_option("Folder of the runs.")
def certify(target: str | None, targets_file: Path | None, **asked: Any) -> Printed:
    """Run the whole corpus on a target, and write what that comes to, and the evidence, as a folder to be signed.

    Exit code 1: a profile does not conform; 3: nothing can be certified. See docs/certificates.md.
    """
    from lockproof.conformance.commands import certify as command

    machine = machine_asked(asked)
    made = _made(target, targets_file, machine) if target else None
    return command.certify(command.CertifyRequest(target=made, **asked))


def _made(target: str, targets_file: Path | None, machine: dict[str, str | None]) -> Target:
    """Make the target of a name or a TARGET text, on a machine. Raises UsageError, TargetError, StoreError."""
    from lockproof.conformance.targets_file import resolve_one
    from lockproof.runners.options import on_machine
    from lockproof.runners.target import make_target

    (text,) = on_machine([resolve_one(target, targets_file)], machine)
    return make_target(text)


@click.group(cls=Group)
def certificate() -> None:
    """Verify certificates, show them, and run again what they say (docs/certificates.md)."""


_folder = folder_argument("folder", shell_complete=completion.paths)
_signers = file_option("--signers", help="Whose signatures count, see ssh-keygen(1), ALLOWED SIGNERS.")


@certificate.command("verify")
@_folder
@_signers
def certificate_verify(**asked: Any) -> Printed:
    """Find out whether a certificate holds: judge its traces again, and make all else in it anew.

    Exit code 1: it does not.
    """
    from lockproof.conformance.commands import certificate as command

    return command.verify(command.VerifyRequest(**asked))


@certificate.command("show")
@_folder
@_signers
def certificate_show(**asked: Any) -> Printed:
    """Show a certificate that holds."""
    from lockproof.conformance.commands import certificate as command

    return command.show(command.VerifyRequest(**asked))


@certificate.command("export")
@_folder
@option("--in-toto", is_flag=True, required=True, help="As statements of in-toto, a line of JSON for each profile.")
@_signers
def certificate_export(in_toto: bool, **asked: Any) -> Printed:  # noqa: ARG001, FBT001  there is one form so far
    """Print a certificate that holds in a form of others."""
    from lockproof.conformance.commands import certificate as command

    return command.export(command.VerifyRequest(**asked))


@certificate.command("reproduce")
@_folder
@option("-t", "--target", required=True, metavar="TARGET", shell_complete=completion.targets, help="What to run it on.")
@targets_option()
@machine_options(_GUEST)
@_signers
@results_option("Folder of the runs.")
def certificate_reproduce(target: str, targets_file: Path | None, **asked: Any) -> Printed:
    """Run what a certificate says that it ran, and say what is seen otherwise, in six lists.

    Exit code 1: it is worse than the certificate says.
    """
    from lockproof.conformance.commands import certificate as command

    made = _made(target, targets_file, machine_asked(asked))
    return command.reproduce(command.ReproduceRequest(target=made, **asked))


def add_commands(main: Group) -> None:
    """Add the commands to those of lockproof."""
    for command in (certify, certificate):
        main.add_command(command)
