# SPDX-License-Identifier: Apache-2.0
"""STATEMENT.yaml: who hands a certificate in, for what, and what they disclaim."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from lockproof.conformance.errors import CaseFileError, Problem, UsageError, first_mistake
from lockproof.conformance.language import yaml_nodes

__all__ = ["LARGEST", "TEMPLATE", "Statement", "read_statement"]

LARGEST = 65536
"""Bytes of a statement."""

TEMPLATE = """\
# Who hands this certificate in, and for what. Fill in every line; docs/certificates.md says what they mean.
who:                    # the company or person that answers for this certificate
product:                # what is certified, as its users call it
version:                # of the product
contact:                # where somebody who disputes a verdict can write to
disclaims: []           # options that the product has not got, such as mlock2 or hugetlb
interpretations: []     # readings of the standard that the product relies on, such as size-max=wraps
"""

_Text = Annotated[str, StringConstraints(min_length=1, max_length=1000, strip_whitespace=True)]
_Reading = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+=[a-z0-9-]+$", max_length=100)]
_Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]*$", max_length=100)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a vendor states."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    who: _Text
    product: _Text
    version: _Text
    contact: _Text
    disclaims: Annotated[tuple[_Name, ...], Field(max_length=100)] = ()
    """Options that the product has not got."""
    interpretations: Annotated[tuple[_Reading, ...], Field(max_length=100)] = ()
    """Readings of the standard that the product relies on, each as `ID=CHOICE`: it is judged by them."""


def read_statement(content: bytes, file: str) -> Statement:
    """Read a statement. Raises UsageError, with the place and what to do, where it is none or not filled in."""
    if len(content) > LARGEST:
        msg = f"{file}: {len(content)} bytes; a statement has at most {LARGEST}"
        raise UsageError(msg)
    node, problems = yaml_nodes.read(content, file)
    if problems:
        raise CaseFileError(problems)
    if not isinstance(node, yaml_nodes.Mapping):
        msg = f"{file}: no statement; remove it, and `lockproof certify` writes the lines that are to be filled in"
        raise UsageError(msg)
    try:
        statement: Statement = TypeAdapter(Statement).validate_python(_plain(node))
    except ValidationError as error:
        raise CaseFileError([_problem(node, error)]) from error
    return statement


def _plain(node: yaml_nodes.Node) -> object:
    if isinstance(node, yaml_nodes.Scalar):
        return node.text
    if isinstance(node, yaml_nodes.Sequence):
        return [_plain(item) for item in node.items]
    return {key.text: _plain(value) for key, value in node.entries}


def _problem(node: yaml_nodes.Mapping, error: ValidationError) -> Problem:
    field = str(error.errors()[0]["loc"][0])
    value = node.get(field)
    if value is None:
        return Problem(node.at, field, "missing; `lockproof certify` writes all lines where there is no file")
    if isinstance(value, yaml_nodes.Scalar) and not value.text.strip():
        return Problem(value.at, field, "empty; fill it in")
    return Problem(value.at, field, first_mistake(error).partition(": ")[2])
