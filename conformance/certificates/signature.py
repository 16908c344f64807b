# SPDX-License-Identifier: Apache-2.0
"""Signatures by ssh-keygen, which everybody has (OpenSSH, PROTOCOL.sshsig).

The namespace keeps a signature that was made for something else, such as a commit, from being taken for one of a
certificate.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockproof.conformance.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["NAMESPACE", "Signer", "sign", "signer"]

NAMESPACE = "lockproof-certificate"


@dataclass(frozen=True, slots=True)
class Signer:
    """Whose signature it is."""

    key: str
    """Kind and fingerprint of the key."""
    principal: str | None
    """Who that is according to a file of allowed signers; None: nobody was asked."""

    def __str__(self) -> str:
        """Name the signer."""
        return f"{self.principal} ({self.key})" if self.principal else self.key


def sign(file: Path, key: Path) -> Signer:
    """Sign a file: its signature is beside it, with `.sig` added to its name. Return who has signed it.

    `key`: a private key, or a public one whose private part an agent has. Raises UsageError.
    """
    done = _run("sign", "-f", str(key), "-n", NAMESPACE, str(file))
    if done.returncode:
        msg = f"{key}: cannot sign with it: {_said(done)}; give a private key with --key, or a public one of an agent"
        raise UsageError(msg)
    return signer(file, file.with_name(f"{file.name}.sig"), None)


def signer(file: Path, signature: Path, signers: Path | None) -> Signer:
    """Return who has signed a file; `signers`: those that are trusted, as in ALLOWED SIGNERS of ssh-keygen(1).

    Raises ValueError, whose text says why, where the signature does not hold, or is of nobody among them.
    """
    content = file.read_bytes()
    checked = _run("check-novalidate", "-n", NAMESPACE, "-s", str(signature), content=content)
    if checked.returncode:
        raise ValueError(_said(checked))
    key = " ".join(re.findall(r" with (\S+) key (\S+)", _said(checked))[0])
    if signers is None:
        return Signer(key, None)
    found = _run("find-principals", "-s", str(signature), "-f", str(signers))
    principal = found.stdout.decode(errors="replace").partition("\n")[0].strip()
    if found.returncode or not principal:
        msg = f"it is by {key}, of whom {signers} knows nothing"
        raise ValueError(msg)
    how = ("-f", str(signers), "-I", principal, "-n", NAMESPACE, "-s", str(signature))
    verified = _run("verify", *how, content=content)
    if verified.returncode:
        msg = f"it is by {principal}, whom {signers} does not let sign it: {_said(verified)}"
        raise ValueError(msg)
    return Signer(key, principal)


def _run(what: str, *arguments: str, content: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    program = shutil.which("ssh-keygen")
    if program is None:
        msg = "ssh-keygen is missing, which signs and verifies; install OpenSSH's client (Debian: openssh-client)"
        raise UsageError(msg)
    return subprocess.run([program, "-Y", what, *arguments], input=content, capture_output=True, check=False)


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    return " ".join((done.stdout + b" " + done.stderr).decode(errors="replace").split())
