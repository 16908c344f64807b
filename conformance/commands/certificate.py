# SPDX-License-Identifier: Apache-2.0
"""`lockproof certificate`: verify one, show it, hand it on, and run again what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockproof.conformance import certificates
from lockproof.conformance.certificates import folder
from lockproof.conformance.certificates.in_toto import in_toto
from lockproof.conformance.certificates.page import page
from lockproof.conformance.commands.printed import Printed
from lockproof.conformance.commands.run import run_whole
from lockproof.conformance.language.loading import load
from lockproof.conformance.reports.differences import difference_lines
from lockproof.conformance.running.differences import differences, side
from lockproof.conformance.running.store import read_run

if TYPE_CHECKING:
    from pathlib import Path

    from lockproof.conformance.certificates import Verified
    from lockproof.runners.target import Target

__all__ = ["ReproduceRequest", "VerifyRequest", "export", "reproduce", "show", "verify"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyRequest:
    """What the user asked for."""

    folder: Path
    signers: Path | None = None
    """Whose signatures count, as in ALLOWED SIGNERS of ssh-keygen(1); None: anybody's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReproduceRequest:
    """What the user asked for."""

    folder: Path
    target: Target
    results: Path
    signers: Path | None = None


def verify(request: VerifyRequest) -> Printed:
    """Verify a certificate. Raises RefusedError, UsageError."""
    verified = _verified(request.folder, request.signers)
    nobody = "" if request.signers else "; nobody said whose it should be: name them with --signers"
    lines = [f"{request.folder} holds, signed by {verified.signer}{nobody}", "", *_page(verified)]
    return Printed("\n".join(lines))


def show(request: VerifyRequest) -> Printed:
    """Show a certificate that holds, as `verify` does, to people. Raises RefusedError, UsageError."""
    return Printed("\n".join(_page(_verified(request.folder, request.signers))))


def export(request: VerifyRequest) -> Printed:
    """Print a certificate that holds as statements of in-toto. Raises RefusedError, UsageError."""
    verified = _verified(request.folder, request.signers)
    digest = folder.digest(verified.certificate.as_json().encode())
    return Printed("\n".join(in_toto(verified.certificate, digest)))


def reproduce(request: ReproduceRequest) -> Printed:
    """Run the corpus of a certificate that holds, and say what is seen otherwise; 1 where it is worse.

    Raises RefusedError, UsageError, StoreError.
    """
    verified = _verified(request.folder, request.signers)
    name, interrupted = run_whole(request.target, request.results, verified.certificate.readings)
    if interrupted is not None:
        return interrupted
    before = side(verified.certificate.manifest, verified.evidence.tally, name=str(request.folder))
    found = differences(before, side(*read_run(request.results, name)))
    return Printed("\n".join(("", *difference_lines(found))), found.exit_code)


def _verified(folder_: Path, signers: Path | None) -> Verified:
    return certificates.verify(folder_, load(), signers)


def _page(verified: Verified) -> list[str]:
    return list(page(verified.certificate, verified.statement))
