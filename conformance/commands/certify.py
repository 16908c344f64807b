# SPDX-License-Identifier: Apache-2.0
"""`lockproof certify`: the certificate of a target, of a run of the whole corpus."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from lockproof.conformance import certificates
from lockproof.conformance.certificates import Outcome, folder
from lockproof.conformance.certificates.page import page
from lockproof.conformance.commands.printed import Printed
from lockproof.conformance.commands.run import run_whole
from lockproof.conformance.errors import StoreError, UsageError
from lockproof.conformance.exit_codes import INFRASTRUCTURE
from lockproof.conformance.files import read_input, write_whole
from lockproof.conformance.language.loading import load
from lockproof.conformance.running.store import read_run

if TYPE_CHECKING:
    from lockproof.conformance.certificates import Certificate, Statement
    from lockproof.conformance.language.loading import Corpus
    from lockproof.runners.target import Target

__all__ = ["CertifyRequest", "certify"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CertifyRequest:
    """What the user asked for."""

    target: Target | None = None
    """What to run; None: `run` says."""
    run: str | None = None
    """An earlier run of the whole corpus."""
    output: Path
    """The folder of the certificate, which is made."""
    statement: Path
    key: Path | None = None
    """To sign with; None: it is left to be signed."""
    results: Path


def certify(request: CertifyRequest) -> Printed:
    """Certify a target; 1 where it does not conform, 3 where nothing can be certified.

    Raises UsageError, StoreError, TargetError.
    """
    statement, content = _statement(request.statement)
    if request.output.exists():
        msg = f"{request.output}: there already; a certificate needs a new folder, name another one with -o"
        raise StoreError(msg)
    corpus = _read_by(load(), statement, request.statement)
    name = request.run or _ran(request, corpus.readings)
    manifest, tally = read_run(request.results, name)
    results = [entry.worst for entry in tally.cases.values()]
    # Of an earlier run nobody can tell what the files were then.
    paths = request.target.files if request.target is not None else {}
    digests = {what: sha256(Path(path).read_bytes()).hexdigest() for what, path in paths.items()}
    made, contents = certificates.certified(manifest, results, corpus, digests, statement, content)
    folder.write(request.output, contents)
    return Printed("\n".join((*page(made, statement), "", _signed(request))), _code(made))


def _statement(path: Path) -> tuple[Statement, bytes]:
    """Read the statement; where there is none, write the lines that have to be filled in. Raises UsageError."""
    try:
        content = read_input(path)
    except FileNotFoundError:
        write_whole(path, certificates.TEMPLATE, "name another file with --statement")
        msg = f"{path}: written, to be filled in: who hands the certificate in, and for what; then run this again"
        raise UsageError(msg) from None
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}; name another file with --statement"
        raise UsageError(msg) from error
    return certificates.read_statement(content, str(path)), content


def _read_by(corpus: Corpus, statement: Statement, path: Path) -> Corpus:
    """Return the corpus as it is judged by the readings that the statement relies on. Raises UsageError."""
    try:
        return corpus.read_by(statement.interpretations)
    except UsageError as error:
        msg = f"{path}: interpretations: {error}"
        raise UsageError(msg) from error


def _ran(request: CertifyRequest, readings: tuple[str, ...]) -> str:
    """Run the whole corpus, and return the name of the run. Raises UsageError; StoreError where it was interrupted."""
    if request.target is None:
        msg = "nothing to certify; name a target with -t, or a run of the whole corpus with --run"
        raise UsageError(msg)
    name, interrupted = run_whole(request.target, request.results, readings)
    if interrupted is not None:
        msg = f"run {name!r}: interrupted; lockproof run --resume {name} ends it, certify --run {name} certifies it"
        raise StoreError(msg)
    return name


def _signed(request: CertifyRequest) -> str:
    certificate = request.output / folder.CERTIFICATE
    if request.key is None:
        how = f"ssh-keygen -Y sign -f KEY -n {certificates.NAMESPACE} {certificate}"
        return f"{request.output}/ is not signed; sign it: {how}"
    signer = certificates.sign(certificate, request.key)
    return f"{request.output}/ is signed by {signer}"


def _code(whole: Certificate) -> int:
    outcomes = {conclusion.outcome for conclusion in whole.profiles.values()}
    return INFRASTRUCTURE if Outcome.NOT_CERTIFIED in outcomes else int(Outcome.DEVIATES in outcomes)
