# SPDX-License-Identifier: Apache-2.0
"""YAML with the position of every key and value, and with every scalar left as the text that was written.

Built from the parser's events: they are iterative, so that deep nesting cannot exhaust the stack, and they let us
refuse what a file of data never needs (aliases, tags, duplicate keys) with its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from lockproof.conformance.errors import Location, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Mapping", "Node", "Scalar", "Sequence", "read"]

_MAX_DEPTH = 32
_TOO_DEEP = f"nested deeper than {_MAX_DEPTH} levels; write it flatter"
# A PyYAML that was built without libyaml's header has no CBaseLoader; the pure one understands the same, slower.
_LOADER: Any = yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text."""

    at: Location
    text: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list of nodes."""

    at: Location
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys, which are scalars, and their nodes."""

    at: Location
    entries: tuple[tuple[Scalar, Node], ...]

    def get(self, key: str) -> Node | None:
        """Return the value of a key, or None."""
        return next((value for name, value in self.entries if name.text == key), None)


Node = Scalar | Sequence | Mapping


def read(content: bytes, file: str) -> tuple[Node | None, list[Problem]]:
    """Read one document, and what is wrong in it; `file` names it in positions.

    There is no node where the text is empty or cannot be parsed.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        before = content[: error.start].decode()
        return None, [
            _problem(
                _at_offset(file, before, len(before)),
                f"byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8",
            )
        ]
    builder = _Builder(file)
    try:
        node = builder.document(yaml.parse(text, Loader=_LOADER))
    except yaml.reader.ReaderError as error:
        # libyaml counts bytes, the pure parser characters.
        before = content[: error.position].decode(errors="ignore") if yaml.__with_libyaml__ else text[: error.position]
        return None, [_problem(_at_offset(file, before, len(before)), "a control character; remove it")]
    except yaml.MarkedYAMLError as error:
        return None, [*builder.problems, _problem(_at_mark(file, error.problem_mark), _explain(error, text))]
    except _RefusedError as error:
        return None, [*builder.problems, error.problem]
    return node, builder.problems


class _RefusedError(Exception):
    def __init__(self, problem: Problem) -> None:
        self.problem = problem


class _Builder:
    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def document(self, events: Iterator[Any]) -> Node | None:
        """Build the tree of the first document; a second one is refused."""
        root: Node | None = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    at = _at_mark(self.file, event.start_mark)
                    raise _RefusedError(_problem(at, "a second document; write one list in each file"))
            elif isinstance(event, yaml.NodeEvent):
                root = self._node(event, events, 0)
        return root

    def _node(self, event: Any, events: Iterator[Any], depth: int) -> Node:  # noqa: ANN401  yaml's events are untyped
        at = _at_mark(self.file, event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            raise _RefusedError(
                _problem(
                    at,
                    f"*{event.anchor} is an alias, which case files do not have; write the "
                    "value itself, or quote a text that begins with *",
                )
            )
        if event.tag is not None:
            raise _RefusedError(_problem(at, f"{event.tag} is a tag, which case files do not have; remove it"))
        if depth > _MAX_DEPTH:
            raise _RefusedError(_problem(at, _TOO_DEEP))
        if isinstance(event, yaml.ScalarEvent):
            return Scalar(at, event.value)
        children = []
        while not isinstance(event := next(events), yaml.CollectionEndEvent):
            children.append(self._node(event, events, depth + 1))
        if not isinstance(event, yaml.MappingEndEvent):
            return Sequence(at, tuple(children))
        return Mapping(at, self._entries(children))

    def _entries(self, children: list[Node]) -> tuple[tuple[Scalar, Node], ...]:
        entries: dict[str, tuple[Scalar, Node]] = {}
        for key, value in zip(children[::2], children[1::2], strict=True):
            if not isinstance(key, Scalar):
                self.problems.append(_problem(key.at, "a key is not a text; write a name before the colon"))
            elif (first := entries.get(key.text)) is not None:
                self.problems.append(
                    _problem(
                        key.at,
                        f"{key.text!r} stands here a second time, first in line {first[0].at.line}; remove one of them",
                    )
                )
            else:
                entries[key.text] = (key, value)
        return tuple(entries.values())


def _problem(at: Location, message: str) -> Problem:
    return Problem(at, "", message)


def _at_mark(file: str, mark: Any) -> Location:  # noqa: ANN401  yaml's C and pure marks share no type
    return Location(file, mark.line + 1, mark.column + 1)


def _at_offset(file: str, text: str, offset: int) -> Location:
    before = text[:offset]
    return Location(file, before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1)


def _explain(error: yaml.MarkedYAMLError, text: str) -> str:
    if "nesting depth" in str(error.problem):  # libyaml's own limit, which a scanner that looks ahead meets first
        return _TOO_DEEP
    mark = error.problem_mark
    lines = text.splitlines()
    line = lines[mark.line] if mark is not None and mark.line < len(lines) else ""
    if mark is not None and "\t" in line[: mark.column + 1]:
        return "a tab; indent with blanks"
    return f"{error.problem}; check the indentation, colons and brackets here and in the line before"
