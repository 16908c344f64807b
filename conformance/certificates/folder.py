# SPDX-License-Identifier: Apache-2.0
"""The folder of a certificate: written whole, and read as if its author meant harm.

certificate.json    what is signed; it has the digests of the others
certificate.json.sig  the signature, which has the public key in it
results.jsonl       a line for each case of the corpus, in its order
traces.jsonl.zst    for each of these lines the lines that the target wrote: the evidence
junit.xml, report.html  the same for readers
STATEMENT.yaml      who hands it in
"""

from __future__ import annotations

import os
import stat
from hashlib import sha256
from typing import TYPE_CHECKING

import zstandard
from pydantic import TypeAdapter, ValidationError

from lockproof.conformance.certificates.statement import LARGEST as LARGEST_STATEMENT
from lockproof.conformance.errors import StoreError, first_mistake

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

__all__ = [
    "CERTIFICATE",
    "CONTENTS",
    "RESULTS",
    "SIGNATURE",
    "STATEMENT",
    "TRACES",
    "digest",
    "packed",
    "read",
    "unpacked",
    "write",
]

CERTIFICATE, SIGNATURE = "certificate.json", "certificate.json.sig"
RESULTS, TRACES, STATEMENT = "results.jsonl", "traces.jsonl.zst", "STATEMENT.yaml"
_MIB = 1 << 20
_LARGEST = {
    CERTIFICATE: 4 * _MIB,
    SIGNATURE: 65536,
    RESULTS: 64 * _MIB,
    TRACES: 64 * _MIB,
    "junit.xml": 64 * _MIB,
    "report.html": 64 * _MIB,
    STATEMENT: LARGEST_STATEMENT,
}
"""Bytes; a certificate of a thousand cases has one megabyte."""
CONTENTS = tuple(name for name in _LARGEST if name not in {CERTIFICATE, SIGNATURE})
"""The files whose digests are signed."""
_LARGEST_TRACES = 512 * _MIB
_LINES: TypeAdapter[tuple[str, ...]] = TypeAdapter(tuple[str, ...])


def read(folder: Path) -> Mapping[str, bytes]:
    """Read all files of a certificate. Raises ValueError, whose text says why, where there are others, or too much.

    Nothing but regular files is opened, and no link is followed.
    """
    try:
        names = {path.name for path in folder.iterdir()}
    except OSError as error:
        msg = f"it cannot be read: {error.strerror}"
        raise ValueError(msg) from error
    if missing := [name for name in _LARGEST if name not in names]:
        what = "it is not signed" if missing == [SIGNATURE] else f"{', '.join(missing)} missing"
        raise ValueError(what)
    if others := sorted(names - set(_LARGEST)):
        msg = f"{', '.join(others[:4])} does not belong there"
        raise ValueError(msg)
    return {name: _read(folder, name, largest) for name, largest in _LARGEST.items()}


def _read(folder: Path, name: str, largest: int) -> bytes:
    try:
        file = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        msg = f"{name} cannot be read as a file: {error.strerror}"
        raise ValueError(msg) from error
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        msg = f"{name} is no regular file"
        raise ValueError(msg)
    with os.fdopen(file, "rb") as opened:
        content = opened.read(largest + 1)
    if len(content) > largest:
        msg = f"{name} has more than {largest} bytes"
        raise ValueError(msg)
    return content


def write(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write a certificate into a new folder. Raises StoreError; one that is there is left as it is."""
    try:
        folder.mkdir(parents=True)
        for name, content in contents.items():
            (folder / name).write_bytes(content)
    except FileExistsError as error:
        msg = f"{folder}: there already; a certificate needs a new folder, name another one"
        raise StoreError(msg) from error
    except OSError as error:
        msg = f"{folder}: cannot be written: {error.strerror}; name another folder"
        raise StoreError(msg) from error


def digest(content: bytes) -> str:
    """Return the SHA-256 of a file."""
    return sha256(content).hexdigest()


def packed(traces: Iterable[Sequence[str]]) -> bytes:
    """Compress traces: a line for each, a JSON list of the lines that the target wrote."""
    return zstandard.ZstdCompressor(level=19).compress(_written(traces))


def unpacked(content: bytes) -> tuple[tuple[str, ...], ...]:
    """Return the traces. Raises ValueError, whose text says why, where these are none."""
    try:
        reader = zstandard.ZstdDecompressor().stream_reader(content, read_across_frames=True)
        text = reader.read(_LARGEST_TRACES + 1)
    except zstandard.ZstdError as error:
        msg = f"not what zstd writes: {error}"
        raise ValueError(msg) from error
    if len(text) > _LARGEST_TRACES:
        msg = f"more than {_LARGEST_TRACES} bytes when unpacked"
        raise ValueError(msg)
    found = []
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        try:
            found.append(_LINES.validate_json(line, strict=True))
        except ValidationError as error:
            msg = f"line {number}: {first_mistake(error)}"
            raise ValueError(msg) from error
    if _written(found) != text:
        msg = "not written as lockproof writes it"
        raise ValueError(msg)
    return tuple(found)


def _written(traces: Iterable[Sequence[str]]) -> bytes:
    return b"".join(_LINES.dump_json(tuple(trace)) + b"\n" for trace in traces)
