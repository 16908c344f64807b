# SPDX-License-Identifier: Apache-2.0
"""From nodes to typed values: every mistake with the place where it is written, and in words that say what to write."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from lockproof.conformance.errors import Problem, suggest
from lockproof.conformance.language.case import Limits, Outcome, Range, Region, Step, WrittenCase
from lockproof.conformance.language.fields import field_names
from lockproof.conformance.language.yaml_nodes import Mapping, Node, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Callable

    from lockproof.conformance.errors import Location

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
_STEP_KEYS = field_names(Step)
# What the value of a field, or each item or value in it, is.
_HOLDS = {"regions": Region, "limits": Limits, "range": Range, "expect": Outcome, "steps": Step, "child": Step}
# Made when first needed: making one takes longer than most commands do.
_adapter: Callable[[type], TypeAdapter[Any]] = cache(TypeAdapter)


class Implicit(Sequence):
    """A list that is not written, as that of the one step of a case: no part of a path that a user reads."""


class Table:
    """A node as plain data, and where each part of it is written."""

    def __init__(self, node: Node, holds: dict[str, type] = _HOLDS) -> None:
        """Take the node apart; `holds`: what the value of a field, or each item or value in it, is."""
        self.node = node
        self.holds = holds
        self.data = _plain(node)

    def decode(self, type_: type[_T], **context: object) -> tuple[_T | None, list[Problem]]:
        """Return a value of the type, or None and every mistake; the context is for the types' own validators."""
        try:
            value: _T = _adapter(type_).validate_python(self.data, context=context)
        except ValidationError as error:
            errors = error.errors(include_url=False)
        else:
            return value, []
        inner = {found["loc"][:-1] for found in errors}  # a list whose items are wrong is not also too short
        return None, [
            self._refused(type_, found["type"], found["loc"], found["msg"], found.get("ctx") or {})
            for found in errors
            if not (found["type"] == "too_short" and found["loc"] in inner)
        ]

    def problem(self, path: _Path, message: str) -> Problem:
        """Return a mistake in the part with this path."""
        return Problem(self._at(path), self._name(path), message)

    def _at(self, path: _Path) -> Location:
        """Return the place of the innermost part of a path that is written."""
        at = self.node.at
        for node in self._nodes(path):
            at = node.at if node is not None else at
        return at

    def _name(self, path: _Path) -> str:
        """Write the path as a user reads it; it ends where a value is written short, as one text."""
        text, parent = "", self.node
        for part, node in zip(path, self._nodes(path), strict=True):
            if not isinstance(node, Implicit) and not isinstance(parent, Implicit):
                text += f"[{part}]" if isinstance(part, int) else f".{part}"
            if isinstance(node, Scalar):
                break
            parent = node or parent
        return text.lstrip(".")

    def _nodes(self, path: _Path) -> list[Node | None]:
        """Find the node of each part of a path, None from the first that is not written."""
        nodes: list[Node | None] = []
        node: Node | None = self.node
        for part in path:
            node = _child(node, part)
            nodes.append(node)
        return nodes

    def _refused(self, type_: type, kind: str, loc: _Path, message: str, context: dict[str, Any]) -> Problem:
        """Say in our words what pydantic refuses."""
        path: _Path = ()
        for part in loc:  # pydantic also puts the names of union branches and validators into loc
            written = self._nodes((*path, part))[-1] is not None
            if written or (kind == "missing" and part is loc[-1]):
                path = (*path, part)
        if kind == "missing" and path == ("steps",):
            return Problem(self._at(path), "call", "is missing; write a call, or steps")
        if kind == "missing":
            return self.problem(path, "is missing; write it")
        if kind == "unexpected_keyword_argument":
            message = f"is no field here; {suggest(str(path[-1]), _known(type_, path, self.holds))}"
            return Problem(self._key(path), self._name(path), message)
        if kind in {"too_short", "string_too_short"}:
            return self.problem(path, "is empty; write at least one")
        if "expected" in context and kind in {"enum", "literal_error"}:
            words = re.findall(r"'([^']*)'", str(context["expected"]))
            value = str(self._value(path))
            return self.problem(path, f"{value!r} is not known; {suggest(value, words)}")
        if kind in _INSTEAD:
            message = _INSTEAD[kind].format(value=self._value(path), **context)
        return self.problem(path, message.removeprefix("Value error, "))

    def _key(self, path: _Path) -> Location:
        """Return the place of the key of a field."""
        parent = self._nodes(path)[-2] if len(path) > 1 else self.node
        assert isinstance(parent, Mapping)  # noqa: S101  a field stands in one
        return next(key.at for key, _ in parent.entries if key.text == path[-1])

    def _value(self, path: _Path) -> Any:  # noqa: ANN401  plain data is whatever the file says
        value = self.data
        for part in path:
            value = value[part]
        return value


def _plain(node: Node) -> Any:  # noqa: ANN401
    match node:
        case Scalar():
            return node.text
        case Mapping():
            return {key.text: _plain(value) for key, value in node.entries}
        case Sequence():
            return [_plain(item) for item in node.items]


def _child(node: Node | None, part: str | int) -> Node | None:
    if isinstance(node, Mapping) and isinstance(part, str):
        return node.get(part)
    if isinstance(node, Sequence) and isinstance(part, int) and 0 <= part < len(node.items):
        return node.items[part]
    return None


def _known(type_: type, path: _Path, holds: dict[str, type]) -> frozenset[str]:
    """Return the fields that could stand where an unknown one does."""
    owner = next((holds[part] for part in reversed(path[:-1]) if isinstance(part, str) and part in holds), type_)
    return field_names(owner) | (_STEP_KEYS if owner is WrittenCase else frozenset())
