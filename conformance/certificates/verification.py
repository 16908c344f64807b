# SPDX-License-Identifier: Apache-2.0
"""Whether a certificate holds: everything in it that can be found out again is, and nothing in it is believed.

What has to be trusted is the signer, and only for this: that the traces came from that kernel.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from lockproof.conformance.certificates import folder as files
from lockproof.conformance.certificates.certificate import read_certificate
from lockproof.conformance.certificates.evidence import judged
from lockproof.conformance.certificates.making import derived, suite
from lockproof.conformance.certificates.signature import signer
from lockproof.conformance.certificates.statement import read_statement
from lockproof.conformance.errors import LockproofError, UsageError
from lockproof.conformance.running.results import read_result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lockproof.conformance.certificates.certificate import Certificate
    from lockproof.conformance.certificates.evidence import Evidence
    from lockproof.conformance.certificates.signature import Signer
    from lockproof.conformance.certificates.statement import Statement
    from lockproof.conformance.language.loading import Corpus

__all__ = ["RefusedError", "Verified", "verify"]


class RefusedError(LockproofError):
    """A certificate does not hold."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Verified:
    """A certificate that holds."""

    certificate: Certificate
    statement: Statement
    evidence: Evidence
    signer: Signer


def verify(folder: Path, corpus: Corpus, signers: Path | None = None) -> Verified:
    """Verify a certificate against the corpus that this lockproof brings along.

    `signers`: whom to trust, as in ALLOWED SIGNERS of ssh-keygen(1); None: only that the signature is somebody's.
    Raises RefusedError, whose text says what is wrong, UsageError where it cannot be verified here.
    """
    try:
        contents = files.read(folder)
        certificate = _certificate(contents[files.CERTIFICATE])
        who = _signed_by(contents, signers)
        _same_version(certificate)
        _digests(certificate, contents)
        statement = _statement(contents[files.STATEMENT])
        corpus = _read_by(corpus, statement)
        _same_suite(certificate, corpus)
        evidence = _judged_again(certificate, corpus, contents)
        _follows(certificate, evidence, statement)
        _regenerated(certificate, evidence, corpus, contents)
    except ValueError as error:
        msg = f"{folder}: refused: {error}"
        raise RefusedError(msg) from error
    return Verified(certificate, statement, evidence, who)


def _certificate(content: bytes) -> Certificate:
    try:
        return read_certificate(content)
    except ValueError as error:
        msg = f"{files.CERTIFICATE}: {error}"
        raise ValueError(msg) from error


def _signed_by(contents: Mapping[str, bytes], signers: Path | None) -> Signer:
    """Ask of copies: who may write into the folder could change a file while it is read."""
    with TemporaryDirectory() as copies:
        for name in (files.CERTIFICATE, files.SIGNATURE):
            (Path(copies) / name).write_bytes(contents[name])
        try:
            return signer(Path(copies) / files.CERTIFICATE, Path(copies) / files.SIGNATURE, signers)
        except ValueError as error:
            msg = f"the signature: {error}"
            raise ValueError(msg) from error


def _same_version(certificate: Certificate) -> None:
    """Raise UsageError where another version made it: its cases are not here."""
    made, here = certificate.suite.lockproof, version("lockproof")
    if made != here:
        msg = f"made by lockproof {made}, this is {here}; pip install lockproof=={made}"
        raise UsageError(msg)


def _read_by(corpus: Corpus, statement: Statement) -> Corpus:
    try:
        return corpus.read_by(statement.interpretations)
    except UsageError as error:
        msg = f"{files.STATEMENT}: interpretations: {error}"
        raise ValueError(msg) from error


def _same_suite(certificate: Certificate, corpus: Corpus) -> None:
    made, here = certificate.suite, suite(corpus, certificate.suite.lockproof, certificate.suite.probe)
    if made != here:
        what = "cases" if made.corpus != here.corpus else "requirements"
        msg = f"made with other {what} than those of this lockproof {here.lockproof}"
        raise ValueError(msg)


def _digests(certificate: Certificate, contents: Mapping[str, bytes]) -> None:
    if set(certificate.files) != set(files.CONTENTS):
        msg = f"{files.CERTIFICATE}: files: it does not name {', '.join(files.CONTENTS)}"
        raise ValueError(msg)
    for name in files.CONTENTS:
        if files.digest(contents[name]) != certificate.files[name]:
            msg = f"{name}: not the file that was signed"
            raise ValueError(msg)


def _statement(content: bytes) -> Statement:
    try:
        return read_statement(content, files.STATEMENT)
    except UsageError as error:
        raise ValueError(str(error)) from error


def _judged_again(certificate: Certificate, corpus: Corpus, contents: Mapping[str, bytes]) -> Evidence:
    lines = contents[files.RESULTS].splitlines(keepends=True)
    try:
        traces = files.unpacked(contents[files.TRACES])
    except ValueError as error:
        msg = f"{files.TRACES}: {error}"
        raise ValueError(msg) from error
    for name, count in ((files.RESULTS, len(lines)), (files.TRACES, len(traces))):
        if count != len(corpus.cases):
            msg = f"{name}: {count} lines for {len(corpus.cases)} cases"
            raise ValueError(msg)
    seconds = []
    for number, (line, case) in enumerate(zip(lines, corpus.cases, strict=True), 1):
        try:
            result = read_result(line)
        except ValueError as error:
            msg = f"{files.RESULTS}:{number}: {error}"
            raise ValueError(msg) from error
        if result.case != case.name:
            msg = f"{files.RESULTS}:{number}: it is of {result.case}, where {case.name} belongs"
            raise ValueError(msg)
        seconds.append(result.seconds)
    try:
        return judged(corpus, certificate.target, certificate.info, traces, seconds)
    except ValueError as error:
        msg = f"{files.TRACES}: {error}"
        raise ValueError(msg) from error


def _follows(certificate: Certificate, evidence: Evidence, statement: Statement) -> None:
    """Raise ValueError where the certificate says anything that the traces do not show."""
    kernel = certificate.kernel
    shown = {
        "readings": (certificate.readings, evidence.readings),
        "observers_agreed": (certificate.observers_agreed, evidence.observers_agreed),
        "counts": (certificate.counts, evidence.counts),
        "requirements": (certificate.requirements, evidence.standings),
        "profiles": (certificate.profiles, evidence.profiles(statement)),
        "kernel.taint_before": (kernel.taint_before, certificate.info.taint),
        "kernel.taint_after": (kernel.taint_after, evidence.taint_after),
    }
    for field, (said, found) in shown.items():
        if said != found:
            msg = f"{files.CERTIFICATE}: {field}: the traces show {_short(found)}, not {_short(said)}"
            raise ValueError(msg)


def _short(value: object) -> str:
    longest = 200
    text = str(value)
    return text if len(text) <= longest else f"{text[:longest]}…"


def _regenerated(certificate: Certificate, evidence: Evidence, corpus: Corpus, contents: Mapping[str, bytes]) -> None:
    for name, content in derived(certificate, evidence, corpus).items():
        if content != contents[name]:
            at = next(
                (
                    number
                    for number, (one, other) in enumerate(
                        zip(content.splitlines(), contents[name].splitlines(), strict=False), 1
                    )
                    if one != other
                ),
                0,
            )
            msg = f"{name}:{at}: the traces give another line there" if at else f"{name}: the traces give another file"
            raise ValueError(msg)
