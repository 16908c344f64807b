# SPDX-License-Identifier: Apache-2.0
"""From nodes to typed values: every mistake with the place where it is written, and in words that say what to write."""

from __future__ import annotations

import re
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from lockproof.conformance.errors import Location, Problem, suggest
from lockproof.conformance.language.case import Entry, Limits, Outcome, Range, Region, Step, field_names
from lockproof.conformance.language.requirements import Requirement
from lockproof.conformance.language.yaml_nodes import Mapping, Node, Scalar, Sequence

__all__ = ["Implicit", "Table"]

# What the types themselves refuse, by pydantic's name for it.
_INSTEAD = {
    "dataclass_type": "is no mapping; write fields and their values",
    "dict_type": "is no mapping; write names and their values",
    "list_type": "is no list; write [value, value]",
    "tuple_type": "is no list; write [value, value]",
    "string_type": "is no text; write one",
    "string_pattern_mismatch": "{value!r} is no name here; write one that matches {pattern}",
    "less_than_equal": "{value} is too large; write at most {le}",
    "greater_than_equal": "{value} is too small; write at least {ge}",
}

_T = TypeVar("_T")
_Path = tuple[str | int, ...]
_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {type_: TypeAdapter(type_) for type_ in (Entry, Requirement)}
_STEP_KEYS = field_names(Step)
# What the value of a field, or each item or value in it, is.
_HOLDS = {"regions": Region, "limits": Limits, "range": Range, "expect": Outcome, "steps": Step, "child": Step}


class Implicit(Sequence):
    """A list that is not written, as that of the one step of a case: no part of a path that a user reads."""


class Table:
    """A node as plain data, and where each part of it is written."""

    def __init__(self, node: Node, holds: dict[str, type] = _HOLDS) -> None:
        """Take the node apart; `holds`: what the value of a field, or each item or value in it, is."""
        self.holds = holds
        self.places: dict[_Path, Location] = {}
        self.keys: dict[_Path, Location] = {}
        self.hidden: set[_Path] = set()
        self.texts: set[_Path] = set()
        self.data = self._plain(node, ())

    def _plain(self, node: Node, path: _Path) -> Any:  # noqa: ANN401  plain data is whatever the file says
        self.places[path] = node.at
        match node:
            case Mapping(_, entries):
                self.keys |= {(*path, key.text): key.at for key, _ in entries}
                return {key.text: self._plain(value, (*path, key.text)) for key, value in entries}
            case Sequence(_, items):
                if isinstance(node, Implicit):
                    self.hidden.add(path)
                return [self._plain(item, (*path, index)) for index, item in enumerate(items)]
            case Scalar(_, text):
                self.texts.add(path)
                return text

    def at(self, path: _Path) -> Location:
        """Give the place of the innermost part of a path that is written."""
        while path not in self.places:
            path = path[:-1]
        return self.places[path]

    def name(self, path: _Path) -> str:
        """Write a path as a user reads it."""
        text = ""
        for index, part in enumerate(path):
            if path[:index] in self.hidden or path[: index + 1] in self.hidden:
                continue
            text += f"[{part}]" if isinstance(part, int) else f".{part}"
            if path[: index + 1] in self.texts:
                break  # written short, as one text
        return text.lstrip(".")

    def decode(self, type_: type[_T], problems: list[Problem], **context: object) -> _T | None:
        """Make a value of the type, or add to the problems; the context is for the types' own validators."""
        try:
            value: _T = (_ADAPTERS.get(type_) or TypeAdapter(type_)).validate_python(self.data, context=context)
        except ValidationError as error:
            errors = error.errors(include_url=False)
            inner = {found["loc"][:-1] for found in errors}  # a list whose items are wrong is not also too short
            problems += [
                self._problem(type_, found["type"], found["loc"], found["msg"], found.get("ctx") or {})
                for found in errors
                if not (found["type"] == "too_short" and found["loc"] in inner)
            ]
            return None
        return value

    def _problem(self, type_: type, kind: str, loc: _Path, message: str, context: dict[str, Any]) -> Problem:
        path: _Path = ()
        for part in loc:  # pydantic also puts the names of union branches and validators into loc
            if (*path, part) in self.places or (kind == "missing" and part is loc[-1]):
                path = (*path, part)
        if kind == "missing" and path == ("steps",):
            return Problem(self.at(path), "call", "is missing; write a call, or steps")
        if kind == "missing":
            return Problem(self.at(path), self.name(path), "is missing; write it")
        if kind == "unexpected_keyword_argument":
            return Problem(
                self.keys[path],
                self.name(path),
                f"is no field here; {suggest(str(path[-1]), _known(type_, path, self.holds))}",
            )
        if kind in {"too_short", "string_too_short"}:
            return Problem(self.at(path), self.name(path), "is empty; write at least one")
        if "expected" in context and kind in {"enum", "literal_error"}:
            words = re.findall(r"'([^']*)'", str(context["expected"]))
            value = str(self._value(path))
            return Problem(self.at(path), self.name(path), f"{value!r} is not known; {suggest(value, words)}")
        if kind in _INSTEAD:
            message = _INSTEAD[kind].format(value=self._value(path), **context)
        return Problem(self.at(path), self.name(path), message.removeprefix("Value error, "))

    def _value(self, path: _Path) -> Any:  # noqa: ANN401
        value = self.data
        for part in path:
            value = value[part]
        return value


def _known(type_: type, path: _Path, holds: dict[str, type]) -> frozenset[str]:
    """Give the fields that could stand where an unknown one does."""
    owner = next((holds[part] for part in reversed(path[:-1]) if isinstance(part, str) and part in holds), type_)
    return field_names(owner) | (_STEP_KEYS if owner is Entry else frozenset())
