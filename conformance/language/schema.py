# SPDX-License-Identifier: Apache-2.0
"""The JSON Schema of a case file, from the types: what editors complete and check by."""

from __future__ import annotations

import ast
import inspect
from dataclasses import is_dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from lockproof.conformance.language import case, for_each
from lockproof.conformance.language.case import WrittenCase
from lockproof.conformance.language.fields import written_name

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["schema"]


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a case file, generated from the types.

    Wider than the types in two ways, both of which loading resolves before the types are asked: a single step may be
    written into its case, and `$variable` may stand for any text, number or name.
    """
    generated = TypeAdapter(list[WrittenCase]).json_schema()
    definitions = generated["$defs"]
    for name, definition in definitions.items():
        for field, about in _docstrings(getattr(case, name, None)):
            definition["properties"][field]["description"] = about
    written, step = definitions["WrittenCase"], definitions["Step"]
    written["properties"] |= step["properties"]
    written["required"].remove("steps")
    written["oneOf"] = [{"required": ["steps"]}, {"required": ["call"]}]
    for definition in definitions.values():
        properties = definition.get("properties", {})
        properties |= {
            name: _or_reference(field) for name, field in properties.items() if name not in {"id", for_each.KEY}
        }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "lockproof cases", **generated}


def _docstrings(type_: object) -> Iterator[tuple[str, str]]:
    """Find the strings below the fields of a dataclass.

    Pydantic can, but would whenever cases are loaded, which makes this a third of what it takes to know the types.
    """
    if not (isinstance(type_, type) and is_dataclass(type_)):
        return
    (definition,) = ast.parse(inspect.getsource(type_)).body
    assert isinstance(definition, ast.ClassDef)  # noqa: S101  the source of a type
    for field, below in pairwise(definition.body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield written_name(name), inspect.cleandoc(text)


def _or_reference(field: dict[str, Any]) -> dict[str, Any]:
    """Let a reference to a variable stand for a value, or for a part of it."""
    described: dict[str, Any] = {key: field[key] for key in ("description", "default") if key in field}
    value = {key: part for key, part in field.items() if key not in described}
    value |= {key: _or_reference(value[key]) for key in ("items", "additionalProperties") if key in value}
    if "anyOf" in value:
        value["anyOf"] = [_or_reference(option) for option in value["anyOf"]]
    return {"anyOf": [value, {"type": "string", "pattern": r"\$\{?[a-z]"}], **described}
