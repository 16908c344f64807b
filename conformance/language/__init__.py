# SPDX-License-Identifier: Apache-2.0
"""The case language: what a person writes in cases/*.yaml, and how it becomes a `Case`, and YAML again.

`load` makes cases of files, with every mistake and its place; `calls` has what each call takes, `requirements` what the
standard demands, `strips` the strips of pages; `write` is the inverse of loading, `select` finds cases by name.
"""

from lockproof.conformance.language.calls import Call, Signature
from lockproof.conformance.language.case import (
    ANY,
    UNCHANGED,
    Case,
    Kind,
    Limits,
    Outcome,
    Range,
    Region,
    Size,
    Step,
    WrittenCase,
    flatten,
)
from lockproof.conformance.language.loading import Corpus, load, load_requirements, load_text
from lockproof.conformance.language.requirements import Aspect, Modality, Profile, Requirement
from lockproof.conformance.language.schema import schema
from lockproof.conformance.language.selection import select
from lockproof.conformance.language.writing import id_of, scalar, write

__all__ = [
    "ANY",
    "UNCHANGED",
    "Aspect",
    "Call",
    "Case",
    "Corpus",
    "Kind",
    "Limits",
    "Modality",
    "Outcome",
    "Profile",
    "Range",
    "Region",
    "Requirement",
    "Signature",
    "Size",
    "Step",
    "WrittenCase",
    "flatten",
    "id_of",
    "load",
    "load_requirements",
    "load_text",
    "scalar",
    "schema",
    "select",
    "write",
]
