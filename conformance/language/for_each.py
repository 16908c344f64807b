# SPDX-License-Identifier: Apache-2.0
"""The `for-each` of a case: every combination of its variables' values, put in place of `$variable`."""

from __future__ import annotations

import re
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from lockproof.conformance.errors import Problem, suggest
from lockproof.conformance.language.yaml_nodes import Mapping, Node, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lockproof.conformance.errors import Location

__all__ = ["combinations"]

KEY = "for-each"
_MOST = 10000  # combinations of one case

_REFERENCE = re.compile(r"\$([a-z][a-z0-9-]*)(?:\.([a-z][a-z0-9-]*))?")
_VARIABLE = re.compile(r"[a-z][a-z0-9-]*")
_LABEL = re.compile(r"[A-Za-z0-9_.-]+")

_Values = dict[str, Node]


def combinations(entry: Mapping, problems: list[Problem]) -> Iterator[tuple[str, Mapping]]:
    """Give each combination as its suffix for the name, `[key=label,…]` or empty, and the entry with its values.

    Mistakes are added to `problems`; a variable with a mistake contributes no combination.
    """
    matrix = entry.get(KEY)
    if matrix is None:
        yield "", entry
        return
    axes = _axes(matrix, problems)
    if (count := prod(map(len, axes.values()))) > _MOST:
        problems.append(Problem(matrix.at, KEY, f"{count} combinations; write several cases of at most {_MOST}"))
        return
    if not axes:
        return
    rest = Mapping(entry.at, tuple((key, value) for key, value in entry.entries if key.text != KEY))
    for choice in product(*(values.items() for values in axes.values())):
        values = dict(zip(axes, (value for _, value in choice), strict=True))
        names = ",".join(f"{variable}={label}" for variable, (label, _) in zip(axes, choice, strict=True))
        node = _Substitution(values, problems).apply(rest, "")
        yield f"[{names}]", node if isinstance(node, Mapping) else rest


def _axes(matrix: Node, problems: list[Problem]) -> dict[str, _Values]:
    if not isinstance(matrix, Mapping) or not matrix.entries:
        problems.append(Problem(matrix.at, KEY, "no variables; write variable: [value, value]"))
        return {}
    axes = {}
    for key, values in matrix.entries:
        path = f"{KEY}.{key.text}"
        if not _VARIABLE.fullmatch(key.text):
            problems.append(Problem(key.at, path, "no name for a variable; write small letters, digits and -"))
        axes[key.text] = _labelled(values, path, problems)
    return axes


def _labelled(values: Node, path: str, problems: list[Problem]) -> _Values:
    pairs: list[tuple[Location, str, Node]]
    if isinstance(values, Mapping):
        pairs = [(key.at, key.text, value) for key, value in values.entries]
    elif isinstance(values, Sequence) and all(isinstance(item, Scalar) for item in values.items):
        pairs = [(item.at, item.text, item) for item in values.items if isinstance(item, Scalar)]
    else:
        problems.append(
            Problem(
                values.at,
                path,
                "neither a list of texts nor values with labels; write [value, value] or {label: value}",
            )
        )
        return {}
    if not pairs:
        problems.append(Problem(values.at, path, "no value; write at least one"))
    labelled: _Values = {}
    for at, label, value in pairs:
        if not _LABEL.fullmatch(label):
            problems.append(
                Problem(
                    at,
                    path,
                    f"{label!r} cannot be part of a name; write label: value, the label of "
                    "letters, digits, '-', '_' and '.'",
                )
            )
        elif label in labelled:
            problems.append(Problem(at, path, f"{label!r} stands here twice; remove one"))
        labelled[label] = value
    return labelled


class _Substitution:
    def __init__(self, values: _Values, problems: list[Problem]) -> None:
        self.values = values
        self.problems = problems

    def apply(self, node: Node, path: str) -> Node:
        """Put the values in place of the references in a node and all that is below it."""
        match node:
            case Mapping(at, entries):
                return Mapping(
                    at, tuple((key, self.apply(value, f"{path}.{key.text}".lstrip("."))) for key, value in entries)
                )
            case Sequence(at, items):
                return Sequence(at, tuple(self.apply(item, f"{path}[{i}]") for i, item in enumerate(items)))
            case Scalar(at, text):
                if whole := _REFERENCE.fullmatch(text):
                    return self._value(whole, at, path)
                return Scalar(at, _REFERENCE.sub(lambda reference: self._text(reference, at, path), text))

    def _value(self, reference: re.Match[str], at: Location, path: str) -> Node:
        variable, field = reference.groups()
        value = self.values.get(variable)
        if value is None:
            return self._wrong(
                reference[0], at, path, f"${variable} is no variable of {KEY}; {suggest(variable, self.values)}"
            )
        if field is None:
            return value
        found = value.get(field) if isinstance(value, Mapping) else None
        return found or self._wrong(
            reference[0], at, path, f"the value of ${variable} has no field {field!r}; write one of its fields"
        )

    def _text(self, reference: re.Match[str], at: Location, path: str) -> str:
        value = self._value(reference, at, path)
        if not isinstance(value, Scalar):
            value = self._wrong(
                reference[0], at, path, f"{reference[0]} is no text, and stands within one; let it stand alone"
            )
        return value.text

    def _wrong(self, text: str, at: Location, path: str, message: str) -> Scalar:
        self.problems.append(Problem(at, path, message))
        return Scalar(at, text)
