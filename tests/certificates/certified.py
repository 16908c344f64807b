# SPDX-License-Identifier: Apache-2.0
"""Certificates made for the tests, and what forgers do to them."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from lockproof.conformance import certificates
from lockproof.conformance.certificates import folder
from lockproof.conformance.certificates.certificate import read_certificate
from lockproof.conformance.language.loading import Corpus, load
from lockproof.conformance.running.manifest import corpus_digest
from tests.whole_corpus import whole_corpus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lockproof.conformance.certificates import Certificate

STATEMENT = b"who: Example Corp\nproduct: The product\nversion: '1'\ncontact: a@example.org\n"
RELYING = STATEMENT + b"interpretations: [size-max=wraps]\n"
"""A statement that relies on a reading which was not decided."""
Files = dict[str, bytes]


@cache
def corpus() -> Corpus:
    return load()


@cache
def key(name: str) -> Path:
    """Make a key pair; its public part is beside it."""
    path = Path(mkdtemp()) / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path], check=True)
    return path


@cache
def signers() -> Path:
    """Write the file of those who may sign: only vendor@example.org."""
    path = Path(mkdtemp()) / "signers"
    path.write_text(f"vendor@example.org {key('vendor').with_suffix('.pub').read_text()}")
    return path


@cache
def _files(target: str, content: bytes) -> Mapping[str, bytes]:
    ran = whole_corpus(target)
    results = [entry.worst for entry in ran.tally.of_target(target)]
    statement = certificates.read_statement(content, "STATEMENT.yaml")
    read = corpus().read_by(statement.interpretations)
    # What is run does not depend on how it is judged.
    manifest = replace(ran.manifest, readings=read.readings, corpus=corpus_digest(read.cases))
    return certificates.certified(manifest, results, read, {}, statement, content)[1]


def files(target: str = "model:posix", statement: bytes = STATEMENT) -> Files:
    """Return the files of a certificate, not signed yet."""
    return dict(_files(target, statement))


def certificate(of: Files) -> Certificate:
    return read_certificate(of[folder.CERTIFICATE])


def claimed(of: Files, **changes: object) -> Files:
    """Return the files with other claims in certificate.json."""
    made = replace(certificate(of), **changes)  # type: ignore[arg-type]
    return of | {folder.CERTIFICATE: made.as_json().encode()}


def changed(of: Files, **contents: bytes) -> Files:
    """Return the files with other contents, and their digests in certificate.json."""
    new = of | contents
    return claimed(new, files={name: folder.digest(new[name]) for name in folder.CONTENTS})


def signed(of: Files, place: Path, by: str = "vendor") -> Path:
    """Write files as a folder, and sign it."""
    folder.write(place, of)
    certificates.sign(place / folder.CERTIFICATE, key(by))
    return place
