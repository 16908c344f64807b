# SPDX-License-Identifier: Apache-2.0
"""From YAML to Case: every error of every file in one go, each with file, line and column."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from lockproof.conformance.errors import CaseFileError, Location, Problem, UsageError
from lockproof.conformance.language import for_each as matrix
from lockproof.conformance.language import rules as case_rules
from lockproof.conformance.language import strips
from lockproof.conformance.language.case import Case, Entry, Step, field_names
from lockproof.conformance.language.decoding import Implicit, Table
from lockproof.conformance.language.requirements import Requirement
from lockproof.conformance.language.yaml_nodes import Mapping, Node, Scalar, Sequence, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from importlib.resources.abc import Traversable

__all__ = ["Corpus", "load", "load_requirements", "schema"]

CATALOGUE = "requirements.yaml"

_FOLDER = re.compile(r"[A-Za-z0-9_./-]+")

_STEP_KEYS = field_names(Step)


@dataclass(frozen=True, slots=True)
class Corpus:
    """What was loaded."""

    cases: tuple[Case, ...]
    """In the order of their files and lines."""
    requirements: dict[str, Requirement]
    """The catalogue, by id."""


def load(path: Path | None = None) -> Corpus:
    """Load the cases of a file or of every *.yaml below a folder; None: those that lockproof brings along.

    A folder with a requirements.yaml is the root of its corpus: case names begin below it, also where only a part of
    it is loaded. A corpus without one uses the catalogue of lockproof. Raises UsageError where there are no cases,
    CaseFileError with every mistake in all files.
    """
    root, sources = _sources(path)
    requirements = load_requirements(root)
    problems: list[Problem] = []
    cases = [case for folder, file in sources for case in _cases(folder, file, requirements, problems)]
    problems += _clashes(cases)
    if problems:
        raise CaseFileError(problems)
    return Corpus(tuple(cases), requirements)


def load_requirements(root: Traversable | None = None) -> dict[str, Requirement]:
    """Load the catalogue of a corpus, or that of lockproof where the corpus has none. Raises CaseFileError."""
    file = (root or _builtin()) / CATALOGUE
    if not file.is_file():
        file = _builtin() / CATALOGUE
    problems: list[Problem] = []
    requirements: dict[str, Requirement] = {}
    for node in _items(file, "requirements", problems):
        table = Table(node)
        requirement = table.decode(Requirement, problems)
        if requirement is not None and requirement.id in requirements:
            problems.append(Problem(table.at(("id",)), "id", f"{requirement.id} stands here a second time; remove one"))
        elif requirement is not None:
            requirements[requirement.id] = requirement
    if problems:
        raise CaseFileError(problems)
    return requirements


def schema() -> dict[str, Any]:
    """Give the JSON Schema of a case file, generated from the types.

    Wider than the types in two ways, both of which loading resolves before the types are asked: a single step may be
    written into its case, and `$variable` may stand for any text, number or name.
    """
    generated = TypeAdapter(list[Entry]).json_schema()
    definitions = generated["$defs"]
    entry, step = definitions["Entry"], definitions["Step"]
    entry["properties"] |= step["properties"]
    entry["required"].remove("steps")
    entry["oneOf"] = [{"required": ["steps"]}, {"required": ["call"]}]
    for definition in definitions.values():
        properties = definition.get("properties", {})
        properties |= {
            name: _or_reference(field) for name, field in properties.items() if name not in {"id", matrix.KEY}
        }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "lockproof cases", **generated}


def _or_reference(field: dict[str, Any]) -> dict[str, Any]:
    """Let a reference to a variable stand for a value, or for a part of it."""
    described: dict[str, Any] = {key: field[key] for key in ("description", "default") if key in field}
    value = {key: part for key, part in field.items() if key not in described}
    value |= {key: _or_reference(value[key]) for key in ("items", "additionalProperties") if key in value}
    if "anyOf" in value:
        value["anyOf"] = [_or_reference(option) for option in value["anyOf"]]
    return {"anyOf": [value, {"type": "string", "pattern": r"\$[a-z]"}], **described}


def _builtin() -> Traversable:
    return files("lockproof") / "cases"


def _sources(path: Path | None) -> tuple[Traversable, list[tuple[str, Traversable]]]:
    """Give the root of the corpus and its case files, each with the folder part of its cases' names."""
    if path is None:
        root = _builtin()
        return root, list(_below(root, ""))
    if not os.path.exists(path):  # noqa: PTH110  Path.exists raises where a name is too long
        msg = f"{path}: no such file or folder; name a case file or a folder of them"
        raise UsageError(msg)
    if not _is_text(path):
        msg = f"{path!r}: not UTF-8; call it by a name that is"
        raise UsageError(msg)
    if path.name == CATALOGUE:
        msg = f"{path}: the catalogue of requirements, no case file; name a case file or a folder of them"
        raise UsageError(msg)
    folder = path if path.is_dir() else path.parent
    root = next((up for up in (folder.absolute(), *folder.absolute().parents) if (up / CATALOGUE).is_file()), folder)
    prefix = folder.absolute().relative_to(root.absolute()).as_posix() if root is not folder else "."
    prefix = "" if prefix == "." else f"{prefix}/"
    try:
        found = list(_below(folder, prefix)) if path.is_dir() else [(f"{prefix}{path.stem}", path)]
    except OSError as error:
        msg = f"{error.filename}: cannot be read: {error.strerror}; check the folder"
        raise UsageError(msg) from error
    if not found:
        msg = f"{path}: no case file in it; put a *.yaml file there, or name another folder"
        raise UsageError(msg)
    return root, [(name, file) for name, file in found]


def _is_text(path: Path) -> bool:
    try:
        str(path.absolute()).encode()
    except UnicodeEncodeError:
        return False
    return True


def _below(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.is_dir():
            yield from _below(item, f"{prefix}{item.name}/")
        elif item.name.endswith(".yaml") and not (prefix == "" and item.name == CATALOGUE):
            yield prefix + item.name.removesuffix(".yaml"), item


def _display(file: Traversable) -> str:
    path = Path(str(file))
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _items(file: Traversable, what: str, problems: list[Problem]) -> Iterator[Mapping]:
    """Give the mappings that the list in a file consists of."""
    name = _display(file)
    try:
        content = file.read_bytes()
    except OSError as error:
        problems.append(Problem(Location(name, 1, 1), "", f"cannot be read: {error.strerror}; check the file"))
        return
    node, found = read(content, name)
    problems += found
    if node is None and not found:
        problems.append(Problem(Location(name, 1, 1), "", f"no {what} in it; write a list, or remove the file"))
    if node is None:
        return
    if not isinstance(node, Sequence):
        problems.append(Problem(node.at, "", f"not a list; begin each of the {what} with '- id: '"))
        return
    for item in node.items:
        if isinstance(item, Mapping):
            yield item
        else:
            problems.append(Problem(item.at, "", "not a mapping; write '- id: ' and the fields below it"))


def _cases(
    folder: str, file: Traversable, requirements: dict[str, Requirement], problems: list[Problem]
) -> Iterator[Case]:
    if not _FOLDER.fullmatch(folder):
        message = f"{folder!r} cannot be part of a name; call files and folders by letters, digits, '-', '_' and '.'"
        problems.append(Problem(Location(_display(file), 1, 1), "", message))
    for item in _items(file, "cases", problems):
        for suffix, node in matrix.combinations(item, problems):
            table = Table(_with_steps(node, problems))
            layout = node.get("map")
            entry = table.decode(Entry, problems, requirements=requirements, pages=_pages(layout))
            if entry is None:
                continue
            mistakes = list(case_rules.check(entry, requirements))
            problems += [Problem(table.at(path), table.name(path), message) for path, message in mistakes]
            if not mistakes:
                yield case_rules.resolve(entry, f"{folder}/{entry.id}{suffix}", item.at, requirements)


def _with_steps(entry: Mapping, problems: list[Problem]) -> Mapping:
    """Make the one step that is written into its case a list of steps."""
    own = tuple((key, value) for key, value in entry.entries if key.text in _STEP_KEYS)
    steps = next((key for key, _ in entry.entries if key.text == "steps"), None)
    if not own:
        return entry
    if steps is not None:
        key = own[0][0]
        problems.append(Problem(key.at, key.text, "stands beside `steps`; write it into one of the steps"))
        return Mapping(entry.at, tuple(pair for pair in entry.entries if pair not in own))
    rest = tuple(pair for pair in entry.entries if pair not in own)
    return Mapping(entry.at, (*rest, (Scalar(entry.at, "steps"), Implicit(entry.at, (Mapping(entry.at, own),)))))


def _pages(layout: Node | None) -> int | None:
    try:
        return len(strips.expand(layout.text)) if isinstance(layout, Scalar) else None
    except ValueError:
        return None  # decoding says what is wrong with it


def _clashes(cases: Iterable[Case]) -> Iterator[Problem]:
    """Find names that are the same, or become so in readers of reports, where other characters in a row are one '-'."""
    seen: dict[str, Case] = {}
    for case in cases:
        first = seen.setdefault(re.sub(r"[^A-Za-z0-9]+", "-", case.name), case)
        if first is not case:
            where = f"{first.source.file}:{first.source.line}"
            what = (
                "has the same name"
                if first.name == case.name
                else f"is called {first.name}, which reports cannot tell apart"
            )
            yield Problem(case.source, "id", f"{case.name}: the case at {where} {what}; choose another id")
