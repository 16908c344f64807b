# SPDX-License-Identifier: Apache-2.0
"""From YAML to Case: every error of every file in one go, each with file, line and column."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from lockproof.conformance.errors import CaseFileError, Location, Problem, UsageError
from lockproof.conformance.files import read_input
from lockproof.conformance.language import strips
from lockproof.conformance.language.case import Case, Step, WrittenCase
from lockproof.conformance.language.decoding import Implicit, Table
from lockproof.conformance.language.fields import field_names
from lockproof.conformance.language.for_each import combinations
from lockproof.conformance.language.interpretations import Interpretation, decided, mistakes, parse, reading_of
from lockproof.conformance.language.readings import read_by
from lockproof.conformance.language.requirements import Requirement
from lockproof.conformance.language.rules import check, resolve
from lockproof.conformance.language.yaml_nodes import Mapping, Node, Scalar, Sequence, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from importlib.resources.abc import Traversable

__all__ = ["Corpus", "load", "load_interpretations", "load_requirements", "load_text"]

CATALOGUE, INTERPRETATIONS = "requirements.yaml", "interpretations.yaml"
_NO_CASES = {
    CATALOGUE: "the catalogue of requirements",
    INTERPRETATIONS: "the interpretations of the standard",
}
"""Files in the root of a corpus that are none of cases."""

_STEM = re.compile(r"[A-Za-z0-9_./-]+")

_STEP_KEYS = field_names(Step)
_Item = TypeVar("_Item", Requirement, Interpretation)


@dataclass(frozen=True, slots=True)
class Corpus:
    """What was loaded."""

    cases: tuple[Case, ...]
    """In the order of their files and lines."""
    requirements: dict[str, Requirement]
    """The catalogue, by id."""
    interpretations: dict[str, Interpretation] = field(default_factory=dict)
    """By id."""
    readings: tuple[str, ...] = ()
    """What cases are judged by besides what was decided, each as `ID=CHOICE`."""

    def read_by(self, asked: Iterable[str]) -> Corpus:
        """Return the corpus as it is judged by other readings, each `ID=CHOICE`.

        Raises UsageError where there is no such reading, or where two of one interpretation are asked for.
        """
        taken: dict[str, str] = {}
        for text in asked:
            try:
                name, choice = parse(text, self.interpretations)
            except ValueError as error:
                msg = f"reading {text!r}: {error}"
                raise UsageError(msg) from error
            if taken.setdefault(name, choice) != choice:
                msg = f"reading {text!r}: {reading_of(name, taken[name])} is asked for too; take one reading of {name}"
                raise UsageError(msg)
        usual = decided(self.interpretations)
        other = tuple(reading_of(name, taken[name]) for name in usual if taken.get(name, usual[name]) != usual[name])
        cases = tuple(read_by(case, usual | taken) for case in self.cases)
        return replace(self, cases=cases, readings=other)


def load(path: Path | None = None) -> Corpus:
    """Load the cases of a file or of every *.yaml below a folder; None: those that lockproof brings along.

    A folder with a requirements.yaml is the root of its corpus: case names begin below it, also where only a part of
    it is loaded. A corpus without one uses the catalogue of lockproof. Raises UsageError where there are no cases,
    CaseFileError with every mistake in all files.
    """
    root, sources = _sources(path)
    corpus = Corpus((), load_requirements(root), load_interpretations(root))
    cases: list[Case] = []
    problems: list[Problem] = []
    for stem, file in sources:
        items, unreadable = _read(file, "cases")
        some, wrong = _cases(stem, _display(file), items, corpus)
        cases += some
        problems += unreadable + wrong
    return _with_cases(corpus, cases, problems)


def load_text(text: str, requirements: dict[str, Requirement] | None = None, *, file: str = "cases.yaml") -> Corpus:
    """Load the cases of a text; `file` names it in their names and places.

    Without requirements the catalogue of lockproof. Raises CaseFileError with every mistake.
    """
    corpus = Corpus((), load_requirements() if requirements is None else requirements, load_interpretations())
    items, unreadable = _items(text.encode(), file, "cases")
    cases, problems = _cases(file.removesuffix(".yaml"), file, items, corpus)
    return _with_cases(corpus, cases, unreadable + problems)


def load_requirements(root: Traversable | None = None) -> dict[str, Requirement]:
    """Load the catalogue of a corpus by id, or that of lockproof where the corpus has none. Raises CaseFileError."""
    return _load_list(root, CATALOGUE, "requirements", Requirement, lambda _: ())


def load_interpretations(root: Traversable | None = None) -> dict[str, Interpretation]:
    """Load the interpretations of a corpus by id, or those of lockproof where it has none. Raises CaseFileError."""
    return _load_list(root, INTERPRETATIONS, "interpretations", Interpretation, mistakes)


def _load_list(
    root: Traversable | None,
    name: str,
    what: str,
    type_: type[_Item],
    check: Callable[[_Item], Iterable[tuple[tuple[str, ...], str]]],
) -> dict[str, _Item]:
    """Load a list of items with ids; `what`: how they are called, `check`: finds what their types cannot say."""
    file = (root or _builtin()) / name
    nodes, problems = _read(file if file.is_file() else _builtin() / name, what)
    found: dict[str, _Item] = {}
    for node in nodes:
        table = Table(node)
        item, wrong = table.decode(type_)
        problems += wrong
        if item is None:
            continue
        problems += [table.problem(path, message) for path, message in check(item)]
        if item.id in found:
            problems.append(table.problem(("id",), f"{item.id} stands here a second time; remove one"))
        found.setdefault(item.id, item)
    if problems:
        raise CaseFileError(problems)
    return found


def _with_cases(corpus: Corpus, cases: list[Case], problems: list[Problem]) -> Corpus:
    if wrong := [*problems, *_clashes(cases)]:
        raise CaseFileError(wrong)
    return replace(corpus, cases=tuple(cases))


def _builtin() -> Traversable:
    return files("lockproof") / "cases"


def _sources(path: Path | None) -> tuple[Traversable, list[tuple[str, Traversable]]]:
    """Find the root of the corpus, and its case files, each with what the names of its cases begin with."""
    if path is None:
        root = _builtin()
        return root, list(_below(root, ""))
    if not os.path.exists(path):  # noqa: PTH110  Path.exists raises where a name is too long
        msg = f"{path}: no such file or folder; name a case file or a folder of them"
        raise UsageError(msg)
    if not _is_text(path):
        msg = f"{path!r}: not UTF-8; call it by a name that is"
        raise UsageError(msg)
    if path.name in _NO_CASES:
        msg = f"{path}: {_NO_CASES[path.name]}, no case file; name a case file or a folder of them"
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


def _below(folder: Traversable, prefix: str, read: set[Path] | None = None) -> Iterator[tuple[str, Traversable]]:
    """Find case files below a folder, each with what the names of its cases begin with.

    `read`: folders in which they were found already. Raises UsageError where a link leads to one of these.
    """
    read = set() if read is None else read
    if isinstance(folder, Path):
        if (real := folder.resolve()) in read:
            msg = f"{folder}: leads to {real}, whose cases are read already; remove the link"
            raise UsageError(msg)
        read.add(real)
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.is_dir():
            yield from _below(item, f"{prefix}{item.name}/", read)
        elif item.name.endswith(".yaml") and not (prefix == "" and item.name in _NO_CASES):
            yield prefix + item.name.removesuffix(".yaml"), item


def _display(file: Traversable) -> str:
    path = Path(str(file))
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _read(file: Traversable, what: str) -> tuple[list[Mapping], list[Problem]]:
    """Read the mappings that the list in a file consists of, and what is wrong with it."""
    name = _display(file)
    try:
        content = read_input(file) if isinstance(file, Path) else file.read_bytes()
    except OSError as error:
        return [], [Problem(Location(name, 1, 1), "", f"cannot be read: {error.strerror}; check the file")]
    return _items(content, name, what)


def _items(content: bytes, name: str, what: str) -> tuple[list[Mapping], list[Problem]]:
    node, problems = read(content, name)
    if node is None and not problems:
        return [], [Problem(Location(name, 1, 1), "", f"no {what} in it; write a list, or remove the file")]
    if node is None:
        return [], problems
    if not isinstance(node, Sequence):
        return [], [*problems, Problem(node.at, "", f"not a list; begin each of the {what} with '- id: '")]
    items = [item for item in node.items if isinstance(item, Mapping)]
    others = [item for item in node.items if not isinstance(item, Mapping)]
    problems += [Problem(item.at, "", "not a mapping; write '- id: ' and the fields below it") for item in others]
    return items, problems


def _cases(stem: str, file: str, items: list[Mapping], corpus: Corpus) -> tuple[list[Case], list[Problem]]:
    """Return the cases of a file, whose names begin with the stem, and all mistakes in them."""
    cases: list[Case] = []
    problems: list[Problem] = []
    if not _STEM.fullmatch(stem):
        message = f"{stem!r} cannot be part of a name; call files and folders by letters, digits, '-', '_' and '.'"
        problems.append(Problem(Location(file, 1, 1), "", message))
    for item in items:
        combined, wrong = combinations(item)
        problems += wrong
        for suffix, node in combined:
            case, wrong = _case(stem, suffix, node, corpus)
            problems += wrong
            cases += [] if case is None else [case]
    return cases, problems


def _case(stem: str, suffix: str, node: Mapping, corpus: Corpus) -> tuple[Case | None, list[Problem]]:
    requirements, interpretations = corpus.requirements, corpus.interpretations
    whole, problems = _with_steps(node)
    table = Table(whole)
    known = {"requirements": requirements, "interpretations": interpretations}
    written, wrong = table.decode(WrittenCase, **known, pages=_pages(node.get("map")))
    problems += wrong
    if written is None:
        return None, problems
    mistakes = [table.problem(path, message) for path, message in check(written, requirements, interpretations)]
    if mistakes:
        return None, problems + mistakes
    return resolve(written, f"{stem}/{written.id}{suffix}", node.at, requirements, interpretations), problems


def _with_steps(node: Mapping) -> tuple[Mapping, list[Problem]]:
    """Return the case with a list of steps, also where its only step is written into it, and what is wrong there."""
    own = tuple((key, value) for key, value in node.entries if key.text in _STEP_KEYS)
    if not own:
        return node, []
    rest = tuple((key, value) for key, value in node.entries if key.text not in _STEP_KEYS)
    if node.get("steps") is not None:
        key = own[0][0]
        wrong = Problem(key.at, key.text, "stands beside `steps`; write it into one of the steps")
        return Mapping(node.at, rest), [wrong]
    steps = Implicit(node.at, (Mapping(node.at, own),))
    return Mapping(node.at, (*rest, (Scalar(node.at, "steps"), steps))), []


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
