# SPDX-License-Identifier: Apache-2.0
"""From Case to YAML, as a person would write it: the inverse of loading, but for names and places.

PyYAML says which texts can stand plain; the layout is that of cases/*.yaml, with strips below each other.
"""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any

import yaml

from lockproof.conformance.language import strips
from lockproof.conformance.language.case import Case, Limits, Range, Region, Step
from lockproof.conformance.language.fields import Size, written_name

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["id_of", "scalar", "write"]

_ENDLESS = 1 << 30  # columns, so that nothing is wrapped
_LONG = 72  # pages; a longer strip is written with run lengths
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-fA-F]+")
_STRIP = re.compile(r"[.^LFR_]+")  # also where it begins with ..., which ends a document in the first column only
_APART = re.compile(r"[\s,\[\]{}?]|^:")  # would end a plain text within a line, or hide from readers where it ends


def write(*cases: Case) -> str:
    """Write a file of cases, each called by the id that `id_of` makes of its name.

    A case that obeys the rules of the language is loaded again as the same but for its name and source.
    """
    return "\n\n".join("\n".join(_item(_case(case))) for case in cases)


def id_of(name: str) -> str:
    """Make an id of a name; those of a corpus stay apart, as reports already tell its names apart in this way."""
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")


def scalar(text: str) -> str:
    """Write a text as a value within a line: a word plain, all else in double quotes."""
    plain = _STRIP.fullmatch(text) or (_is_plain(text) and not _APART.search(text))
    return text if plain else _quoted(text)


def _is_plain(text: str) -> bool:
    return yaml.safe_dump(text, width=_ENDLESS).splitlines()[0] == text


def _quoted(text: str) -> str:
    return yaml.safe_dump(text, width=_ENDLESS, allow_unicode=True, default_style='"').rstrip("\n")


_Fields = dict[str, Any]
"""Fields by the names that they have in YAML; each value a text, fields, or a list of these."""


def _case(case: Case) -> Iterator[str]:
    yield f"id: {scalar(id_of(case.name))}"
    yield f"about: {case.about if _is_plain(case.about) else _quoted(case.about)}"
    yield f"checks: [{', '.join(map(scalar, case.checks))}]"
    setting: _Fields = {"map": _value(case.map)}
    if case.locked != strips.unlocked(case.map):
        setting["locked"] = _value(case.locked)
    if case.privilege is not None:
        setting["as"] = case.privilege
    if case.limits != Limits():
        setting["limits"] = _value(case.limits)
    if case.closing:
        setting["closing"] = "true"
    if regions := {letter: _value(region) for letter, region in case.regions.items() if region != Region()}:
        setting["regions"] = regions
    (only, *more) = case.steps
    yield from _lines(setting | ({"steps": [_step(step) for step in case.steps]} if more else _step(only)))


def _step(step: Step) -> _Fields:
    return {name: _below(value) or _value(value) for name, value in _given(step)}


def _below(value: object) -> list[Any]:
    """Return what is written as a list below a field's name: steps, and outcomes where there are several."""
    if not isinstance(value, tuple) or isinstance(value, Size) or not value or isinstance(value[0], str):
        return []
    items = [_step(item) if isinstance(item, Step) else _value(item) for item in value]
    return items if isinstance(value[0], Step) or len(items) > 1 else []


def _given(value: Any) -> Iterator[tuple[str, object]]:  # noqa: ANN401  any of the language's dataclasses
    """Return the fields of a value that are not what they are by default."""
    for field in fields(value):
        own = getattr(value, field.name)
        if field.default is MISSING or own != field.default:
            yield written_name(field.name), own


def _value(value: object) -> str:
    """Write a value within a line."""
    match value:
        case int() | Size():
            return f"{value}"
        case str():
            return scalar(strips.compact(value) if len(value) > _LONG else f"{value}")
        case (only,):
            return _one(only)
        case tuple():
            return f"[{', '.join(map(_one, value))}]"
        case Range() if value.whole_pages:
            return _value(value.pages)
        case _:
            return f"{{{', '.join(f'{name}: {_value(own)}' for name, own in _given(value))}}}"


def _one(value: object) -> str:
    """Write one of several values; a number is written as one, also where the language keeps its text."""
    return value if isinstance(value, str) and _NUMBER.fullmatch(value) else _value(value)


def _lines(written: _Fields) -> Iterator[str]:
    """Write fields below each other, what stands beside their names aligned."""
    width = max((len(name) for name, value in written.items() if isinstance(value, str)), default=0) + len(": ")
    for name, value in written.items():
        if isinstance(value, str):
            yield f"{name + ':':<{width}}{value}"
            continue
        yield f"{name}:"
        if isinstance(value, dict):
            yield from (f"  {line}" for line in _lines(value))
            continue
        for item in value:
            yield from (f"  {line}" for line in _item(iter([item]) if isinstance(item, str) else _lines(item)))


def _item(lines: Iterator[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield f"{'  ' if number else '- '}{line}"
