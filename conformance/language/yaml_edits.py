# SPDX-License-Identifier: Apache-2.0
"""Small changes of YAML that people write: only what changes is written anew, all else stays as it is, comments too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from lockproof.conformance.language.writing import scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Fields", "edited"]

Fields = Mapping[str, "str | int | Fields"]
"""A mapping, as it is written within a line."""


_Node = Any
"""A node of PyYAML, whose types know nothing of the style of a mapping."""


class _Edit(NamedTuple):
    start: int
    end: int
    text: str


def edited(text: str, field: str, changes: Mapping[str, Mapping[str, Fields | None]]) -> str:
    """Return a list of mappings in which the entries of a field, itself a mapping, are changed.

    `changes`: by the `id` of the mapping, entries of the field by their names; None: take it away. The field is added
    where it is missing. The text must be one that yaml_nodes reads without a problem.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    edits: list[_Edit] = []
    for item in root.value if root is not None else ():
        entries = {key.value: value for key, value in item.value}
        own = changes.get(entries["id"].value, {})
        if own and field in entries:
            edits += _changed(text, entries[field], own)
        elif added := {name: value for name, value in own.items() if value is not None}:
            edits.append(_added(text, item, field, added))
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _changed(text: str, node: _Node, changes: Mapping[str, Fields | None]) -> Iterator[_Edit]:
    """Yield what changes in a mapping."""
    present = {key.value: (key, value) for key, value in node.value}
    kept = [name for name in present if changes.get(name, {}) is not None]
    if not kept:  # of nothing there is no block
        new = {name: value for name, value in changes.items() if value is not None}
        if present or new:
            yield _Edit(node.start_mark.index, _end(node), _flow(new) if new or node.flow_style else "{}")
        return
    for name, value in changes.items():
        if name in present and value is None:
            yield _removed(text, node, name)
        elif name in present and value is not None:
            yield from _replaced(present[name][1], value)
    if new := {name: value for name, value in changes.items() if value is not None and name not in present}:
        yield from (_added(text, node, name, value) for name, value in new.items())


def _replaced(node: _Node, value: Fields) -> Iterator[_Edit]:
    """Yield the scalars of a mapping that change; one whose names are others is written anew."""
    present = {key.value: own for key, own in node.value} if isinstance(node, yaml.MappingNode) else {}
    if present.keys() != value.keys():
        yield _Edit(node.start_mark.index, _end(node), _flow(value))
        return
    for name, own in value.items():
        if present[name].value != (own if isinstance(own, Mapping) else f"{own}"):
            yield _Edit(present[name].start_mark.index, _end(present[name]), _flow(own))


def _removed(text: str, node: _Node, name: str) -> _Edit:
    """Take an entry out of a mapping that keeps another one."""
    names = [key.value for key, _ in node.value]
    at = names.index(name)
    key, value = node.value[at]
    if node.flow_style:
        if at + 1 < len(names):
            return _Edit(key.start_mark.index, node.value[at + 1][0].start_mark.index, "")
        return _Edit(_end(node.value[at - 1][1]), _end(value), "")
    if at + 1 < len(names) and at == 0:  # its first line may begin with the dash of an item
        return _Edit(key.start_mark.index, node.value[1][0].start_mark.index, "")
    return _Edit(text.rfind("\n", 0, key.start_mark.index), _end_of_line(text, _end(value)), "")


def _added(text: str, node: _Node, name: str, value: Fields) -> _Edit:
    """Add an entry behind the last of a mapping, which has one; in a block, one of mappings is a block too."""
    last = _end(node.value[-1][1])
    if node.flow_style:
        return _Edit(last, last, f", {scalar(name)}: {_flow(value)}")
    at = _end_of_line(text, last)
    indent = "\n" + " " * node.value[0][0].start_mark.column
    if all(isinstance(own, Mapping) for own in value.values()):
        lines = "".join(f"{indent}  {scalar(key)}: {_flow(own)}" for key, own in value.items())
        return _Edit(at, at, f"{indent}{scalar(name)}:{lines}")
    return _Edit(at, at, f"{indent}{scalar(name)}: {_flow(value)}")


def _end(node: _Node) -> int:
    """Return where a node ends; PyYAML's mark of a block is behind the comments and empty lines that follow it."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(last[1] if isinstance(last, tuple) else last)


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _flow(value: str | int | Fields) -> str:
    if isinstance(value, str):
        return scalar(value)
    if isinstance(value, int):
        return f"{value}"
    return f"{{{', '.join(f'{scalar(name)}: {_flow(own)}' for name, own in value.items())}}}"
