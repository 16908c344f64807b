# SPDX-License-Identifier: Apache-2.0
"""targets.toml: names for targets with their machines and environments, and groups of them (docs/targets.md).

A name stands for a TARGET text, and that text is what results go by: what a file calls a machine changes nothing.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import ConfigDict, Field, Strict, StringConstraints, TypeAdapter, ValidationError

from lockproof.conformance.errors import CaseFileError, Location, Problem, UsageError, suggest
from lockproof.conformance.files import read_input
from lockproof.runners.options import MACHINE, TAKES, kind_of, with_options
from lockproof.runners.target import are_targets, kinds

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FILE", "TargetsFile", "find", "load", "resolve", "resolve_one", "schema"]

FILE = "targets.toml"
_CONFIG = ConfigDict(extra="forbid")
_Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
_Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedTarget:
    """A target, and what it runs on and with."""

    __pydantic_config__ = _CONFIG

    target: Annotated[str, Field(description="A TARGET text, such as qemu:debian/6.12.", min_length=1)]
    memory: Annotated[int | None, Strict(), Field(description="MiB.", ge=64)] = None
    smp: Annotated[int | None, Strict(), Field(description="Processors.", ge=1, le=255)] = None
    cpu: Annotated[str | None, Field(description="Their model, as QEMU calls it.")] = None
    accel: Annotated[str | None, Field(description="tcg or kvm; left out: KVM where it works.")] = None
    append: Annotated[str | None, Field(description="More on the command line of the kernel.")] = None
    environment: Annotated[
        Mapping[_Variable, str], Field(description="Of what a command: target starts; it stands in results.")
    ] = field(default_factory=dict)

    @property
    def machine(self) -> dict[str, str]:
        """The options of the machine that are written."""
        return {key: str(value) for key in MACHINE if (value := getattr(self, key)) is not None}

    @property
    def text(self) -> str:
        """The TARGET text. Raises UsageError where the target takes no such options."""
        if self.environment:
            given = " ".join(f"{name}={shlex.quote(value)}" for name, value in sorted(self.environment.items()))
            return f"command:env {given} {self.target.removeprefix('command:')}"
        return with_options(self.target, self.machine)


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetsFile:
    """Names of targets, and of groups of them."""

    __pydantic_config__ = _CONFIG

    targets: Annotated[Mapping[_Name, NamedTarget], Field(description="By their names.")] = field(default_factory=dict)
    groups: Annotated[
        Mapping[_Name, Annotated[list[str], Field(min_length=1)]],
        Field(description="Names, TARGET texts and @groups; -t @NAME means all of them."),
    ] = field(default_factory=dict)

    def texts(self, name: str) -> list[str]:
        """Return the TARGET texts that a name, a @group or a TARGET text stands for, each once, in their order.

        The file has no mistakes.
        """
        found: dict[str, None] = {}
        seen: set[str] = set()
        waiting = [name]
        while waiting:  # a group is looked into once, however many lead to it
            each = waiting.pop()
            if not each.startswith("@"):
                found[self.targets[each].text if each in self.targets else each] = None
            elif each not in seen:
                seen.add(each)
                waiting += reversed(self.groups[each[1:]])
        return list(found)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the file, generated from the types."""
    made = TypeAdapter(TargetsFile).json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": "lockproof targets"}


def find() -> Path | None:
    """Return the nearest targets.toml of the working directory and the folders above it."""
    here = Path.cwd()
    return next((folder / FILE for folder in (here, *here.parents) if (folder / FILE).is_file()), None)


def resolve(names: Sequence[str], path: Path | None = None) -> tuple[str, ...]:
    """Return the TARGET texts that names stand for; `path`: the file, else that found by `find` where it is needed.

    Raises UsageError where there is no such name, CaseFileError where the file has mistakes.
    """
    if path is None and are_targets(names):
        return tuple(names)
    path, there = path or find(), kinds()
    if path is None:
        wrong = next(name for name in names if kind_of(name) not in there)
        hint = suggest(kind_of(wrong), there)
        msg = f"target {wrong!r}: no kind of target, and there is no {FILE} here or above that could name it; {hint}"
        raise UsageError(msg)
    made = load(path)
    for name in names:
        if (why := _unknown(name, made, there)) is not None:
            msg = f"target {name!r}: {why} ({path})"
            raise UsageError(msg)
    return tuple(dict.fromkeys(text for name in names for text in made.texts(name)))


def resolve_one(name: str, path: Path | None = None) -> str:
    """Return the TARGET text that a name stands for. Raises as `resolve`, and UsageError where they are several."""
    texts = resolve([name], path)
    if len(texts) != 1:
        msg = f"target {name!r}: stands for {len(texts)} targets, and one is asked for; name one of {', '.join(texts)}"
        raise UsageError(msg)
    return texts[0]


def load(path: Path) -> TargetsFile:
    """Read a file. Raises UsageError where it cannot be read, CaseFileError with every mistake in it."""
    try:
        text = read_input(path).decode()
        data = tomllib.loads(text)
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}; name another file with --targets"
        raise UsageError(msg) from error
    except (ValueError, RecursionError) as error:  # not only TOMLDecodeError: a number may have too many digits
        at = re.search(r" \(at line (\d+), column (\d+)\)$", str(error))
        line, column = map(int, at.groups()) if at else (1, 1)
        what = str(error)[: at.start()] if at else str(error)
        raise CaseFileError([Problem(Location(str(path), line, column), "", f"is no TOML: {what}; mend it")]) from error
    lines: dict[tuple[str, ...], int] = {}

    def problem(place: tuple[str | int, ...], message: str) -> Problem:
        if not lines:
            lines.update(_lines(text))
        above = (tuple(map(str, place[:length])) for length in range(len(place), 0, -1))
        line = next((lines[each] for each in above if each in lines), 1)
        written = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
        return Problem(Location(str(path), line, 1), written.removeprefix("."), message)

    try:
        made = TypeAdapter(TargetsFile).validate_python(data)
    except ValidationError as error:
        raise CaseFileError([problem(*_refused(each)) for each in error.errors(include_url=False)]) from error
    if mistakes := [problem(*each) for each in _mistakes(made)]:
        raise CaseFileError(mistakes)
    return made


def _unknown(name: str, made: TargetsFile, there: frozenset[str]) -> str | None:
    """Say why a text names no target, of the kinds that there are; None: it does."""
    if name.startswith("@"):
        return None if name[1:] in made.groups else f"no group is called {name[1:]!r}; {suggest(name[1:], made.groups)}"
    kind = kind_of(name)
    is_there = name in made.targets or kind in there
    return None if is_there else f"no target is called {kind!r}; {suggest(kind, {*made.targets, *there})}"


_Mistakes = Iterable[tuple[tuple[str | int, ...], str]]


def _mistakes(made: TargetsFile) -> _Mistakes:
    """Yield what the types cannot see."""
    there = kinds()
    for name, each in made.targets.items():
        if name in there:
            yield ("targets", name), f"{name!r} is a kind of target; write another name"
        yield from ((("targets", name, *at), message) for at, message in _wrong_target(each, there))
    for group, members in made.groups.items():
        for number, member in enumerate(members):
            if (why := _unknown(member, made, there)) is not None:
                yield ("groups", group, number), why
        if (loop := _loop(group, made)) is not None:
            yield ("groups", group), f"leads back to itself, {' → '.join(f'@{each}' for each in loop)}; break the loop"


def _wrong_target(each: NamedTarget, there: frozenset[str]) -> _Mistakes:
    kind = kind_of(each.target)
    if kind not in there:
        yield ("target",), f"no kind of target is called {kind!r}; {suggest(kind, there)}"
        return
    takes = {*TAKES.get(kind, ()), *(["environment"] if kind == "command" else [])}
    given = [*each.machine, *(["environment"] if each.environment else [])]
    for key in given:
        if key not in takes:
            yield (key,), f"a target {kind} takes none; leave it out"
    if kind in TAKES and takes.issuperset(given):
        try:
            _ = each.text
        except UsageError as error:
            yield (), str(error)


def _loop(group: str, made: TargetsFile) -> list[str] | None:
    """Return the groups by which a group has itself as a member."""
    ways = [[group]]
    seen = set()
    while ways:
        way = ways.pop()
        for member in made.groups.get(way[-1], ()):
            if member == f"@{group}":
                return [*way, group]
            if member.startswith("@") and member not in seen:
                seen.add(member)
                ways.append([*way, member[1:]])
    return None


def _refused(error: Any) -> tuple[tuple[str | int, ...], str]:  # noqa: ANN401  ErrorDetails has no fixed keys
    """Say in our words what pydantic refuses, and where."""
    place = tuple(part for part in error["loc"] if part != "[key]")
    value = error["input"]
    match error["type"]:
        case "unexpected_keyword_argument":
            of = NamedTarget if len(place) > 1 else TargetsFile
            return place, f"is no field here; {suggest(str(place[-1]), [each.name for each in fields(of)])}"
        case "missing":
            return place, "is missing; write it"
        case "dataclass_type" | "mapping_type" | "dict_type":
            return place, "is no table; write fields and their values"
        case "string_pattern_mismatch":
            return place, f"{value!r} is no name here; write one that matches {error['ctx']['pattern']}"
        case "string_type" | "int_type" | "list_type":
            what = {"string_type": "text", "int_type": "whole number", "list_type": "list"}[error["type"]]
            return place, f"{value!r} is no {what}; write one"
        case _:
            return place, f"{value!r}: {error['msg']}"


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """Return the line on which the statement begins that has each field, by the path of the field.

    tomllib tells no places. But a document is statements, each of whole lines, and it says of lines whether they are
    one: what is open, a text or a list over several lines, it does not take.
    """
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    statement, begin = "", 1
    for number, line in enumerate(text.split("\n"), 1):
        statement, begin = (statement, begin) if statement else ("", number)
        statement += line + "\n"
        try:
            made = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue
        is_header = statement.lstrip().startswith("[")
        paths = list(_paths(made))
        for path in paths:
            found.setdefault(path if is_header else (*table, *path), begin)
        table = paths[-1] if is_header and paths else table
        statement = ""
    return found


def _paths(data: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
    for key, value in data.items():
        yield (key,)
        if isinstance(value, dict):
            yield from ((key, *rest) for rest in _paths(value))
