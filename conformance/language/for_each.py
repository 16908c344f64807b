# SPDX-License-Identifier: Apache-2.0
"""The `for-each` of a case: combinations of its variables' values, put in place of `$variable`."""

from __future__ import annotations

import re
from itertools import product
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from lockproof.conformance.errors import Problem, suggest
from lockproof.conformance.language.pairs import covering
from lockproof.conformance.language.yaml_nodes import Mapping, Node, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Mapping as Labels

    from lockproof.conformance.errors import Location

__all__ = ["KEY", "Combination", "combinations"]

KEY = "for-each"
_COMBINE = "combine"
_EXCEPT = "except"
_MOST = 10000  # combinations of one case

_NAME = r"([a-z][a-z0-9-]*)(?:\.([a-z][a-z0-9-]*))?"
_REFERENCE = re.compile(rf"\$(?:{_NAME}|\{{{_NAME}\}})")
_VARIABLE = re.compile(r"[a-z][a-z0-9-]*")
_LABEL = re.compile(r"[A-Za-z0-9_.-]+")

_Values = dict[str, Node]


class Combination(NamedTuple):
    """A case as it is written, with one value of each variable."""

    suffix: str
    """Of its name: `[key=label,…]`, or empty where there is no `for-each`."""
    case: Mapping


def combinations(case: Mapping) -> tuple[list[Combination], list[Problem]]:
    """Return each combination of a case, and the mistakes in its `for-each` and in what refers to it.

    A variable with a mistake contributes no combination.
    """
    matrix = case.get(KEY)
    if matrix is None:
        return [Combination("", case)], []
    axes, problems = _axes(matrix)
    refused, wrong = _refused(case.get(_EXCEPT), axes)
    pairs, odd = _asks_for_pairs(case.get(_COMBINE))
    problems += wrong + odd
    if not pairs and (count := prod(map(len, axes.values()))) > _MOST:
        return [], [*problems, Problem(matrix.at, KEY, f"{count} combinations; write several cases of at most {_MOST}")]
    if not axes or not all(axes.values()):
        return [], problems
    own = {KEY, _COMBINE, _EXCEPT}
    rest = Mapping(case.at, tuple((key, value) for key, value in case.entries if key.text not in own))
    referring = frozenset(_referring(rest))
    found: list[Combination] = []
    for choice in _choices(axes, refused, pairs=pairs):
        values = {variable: axes[variable][label] for variable, label in choice.items()}
        names = ",".join(f"{variable}={label}" for variable, label in choice.items())
        substitution = _Substitution(values, referring)
        found.append(Combination(f"[{names}]", substitution.mapping(rest, "")))
        problems += substitution.problems
    return found, problems


def _choices(
    axes: dict[str, _Values], refused: list[Labels[str, frozenset[str]]], *, pairs: bool
) -> Iterable[Labels[str, str]]:
    """Return the label of each variable, for each combination."""

    def permitted(choice: Labels[str, str]) -> bool:
        return not any(all(choice.get(name) in labels for name, labels in part.items()) for part in refused)

    labels = {variable: tuple(values) for variable, values in axes.items()}
    if pairs:
        return covering(labels, permitted)
    return filter(permitted, (dict(zip(labels, choice, strict=True)) for choice in product(*labels.values())))


def _asks_for_pairs(node: Node | None) -> tuple[bool, list[Problem]]:
    if node is None or (isinstance(node, Scalar) and node.text in {"all", "pairs"}):
        return isinstance(node, Scalar) and node.text == "pairs", []
    return False, [Problem(node.at, _COMBINE, "neither all nor pairs; write one of them")]


def _refused(node: Node | None, axes: dict[str, _Values]) -> tuple[list[Labels[str, frozenset[str]]], list[Problem]]:
    """Return the parts of combinations that are left out: labels of some of the variables."""
    if node is None:
        return [], []
    if not isinstance(node, Sequence) or not all(isinstance(item, Mapping) for item in node.items):
        return [], [Problem(node.at, _EXCEPT, "no list of combinations; write [{variable: label}]")]
    parts: list[Labels[str, frozenset[str]]] = []
    problems: list[Problem] = []
    for item in node.items:
        part: dict[str, frozenset[str]] = {}
        for key, value in item.entries if isinstance(item, Mapping) else ():
            labels = [value] if isinstance(value, Scalar) else value.items if isinstance(value, Sequence) else []
            part[key.text] = frozenset(label.text for label in labels if isinstance(label, Scalar))
            unknown = sorted(part[key.text] - set(axes.get(key.text, ())))
            if unknown or not part[key.text]:
                message = f"{key.text} has no value {unknown[0] if unknown else ''}; write labels that {KEY} gives it"
                problems.append(Problem(value.at, _EXCEPT, message))
        parts.append(part)
    return parts, problems


def _axes(matrix: Node) -> tuple[dict[str, _Values], list[Problem]]:
    """Return the variables, each with its values by their labels."""
    if not isinstance(matrix, Mapping) or not matrix.entries:
        return {}, [Problem(matrix.at, KEY, "no variables; write variable: [value, value]")]
    axes, problems = {}, []
    for key, values in matrix.entries:
        path = f"{KEY}.{key.text}"
        if not _VARIABLE.fullmatch(key.text):
            problems.append(Problem(key.at, path, "no name for a variable; write small letters, digits and -"))
        pairs = _pairs(values)
        if pairs is None:
            message = "neither a list of texts nor values with labels; write [value, value] or {label: value}"
            problems.append(Problem(values.at, path, message))
        elif not pairs:
            problems.append(Problem(values.at, path, "no value; write at least one"))
        problems += [Problem(at, path, message) for at, message in _mislabelled(pairs or [])]
        axes[key.text] = {label.text: value for label, value in pairs or []}
    return axes, problems


def _pairs(values: Node) -> list[tuple[Scalar, Node]] | None:
    """Return the values of a variable with their labels, None where they are not written as such."""
    if isinstance(values, Mapping):
        return list(values.entries)
    if isinstance(values, Sequence) and all(isinstance(item, Scalar) for item in values.items):
        return [(item, item) for item in values.items if isinstance(item, Scalar)]
    return None


def _mislabelled(pairs: list[tuple[Scalar, Node]]) -> Iterator[tuple[Location, str]]:
    seen: set[str] = set()
    for label, _ in pairs:
        if not _LABEL.fullmatch(label.text):
            what = f"{label.text!r} cannot be part of a name"
            yield label.at, f"{what}; write label: value, the label of letters, digits, '-', '_' and '.'"
        elif label.text in seen:
            yield label.at, f"{label.text!r} stands here twice; remove one"
        seen.add(label.text)


def _referring(node: Node) -> Iterator[int]:
    """Find the nodes, this one and those below it, in which something refers to a variable: their identities."""
    match node:
        case Mapping():
            below = [identity for _, value in node.entries for identity in _referring(value)]
        case Sequence():
            below = [identity for item in node.items for identity in _referring(item)]
        case Scalar():
            below = [id(node)] if "$" in node.text else []
    yield from below
    if below:
        yield id(node)


class _Substitution:
    """Values in place of the references to them, and the mistakes in these."""

    def __init__(self, values: _Values, referring: frozenset[int]) -> None:
        """Begin with values; `referring`: identities of the nodes that are not the same for all values."""
        self.values = values
        self.referring = referring
        self.problems: list[Problem] = []

    def mapping(self, node: Mapping, path: str) -> Mapping:
        """Return the mapping, with values in all that is below it."""
        before = f"{path}." if path else ""
        return Mapping(node.at, tuple((key, self._node(value, f"{before}{key.text}")) for key, value in node.entries))

    def _node(self, node: Node, path: str) -> Node:
        if id(node) not in self.referring:
            return node
        match node:
            case Mapping():
                return self.mapping(node, path)
            case Sequence(at, items):
                return Sequence(at, tuple(self._node(item, f"{path}[{i}]") for i, item in enumerate(items)))
            case Scalar(at, text):
                if whole := _REFERENCE.fullmatch(text):
                    return self._value(whole, at, path)
                return Scalar(at, _REFERENCE.sub(lambda reference: self._text(reference, at, path), text))

    def _value(self, reference: re.Match[str], at: Location, path: str) -> Node:
        variable, field, *braced = reference.groups()
        variable, field = (variable, field) if variable else braced
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
