# SPDX-License-Identifier: Apache-2.0
"""What a runner gives (Target, Session), what a target can do (TargetInfo), and the TARGET grammar.

TARGET is `KIND`, `KIND:ARGUMENT` or, with options, `KIND+OPTION…`: `local`, `model:posix`, `command:ssh host ./probe`,
`local+posixmlock`. Options are an argument that begins with their +. The kinds are the entry
points of the group `lockproof.runners`, each a module with the two functions of `Runner`, so that another package
adds a runner with one file and one line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping  # noqa: TC003  pydantic reads the annotations
from contextlib import AbstractContextManager  # noqa: TC003  part of the public protocol
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from lockproof.conformance.errors import TargetError, UsageError, first_mistake, suggest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lockproof.conformance.protocol.program import Program
    from lockproof.conformance.protocol.trace import Trace

__all__ = ["Runner", "Session", "SystemCounts", "Target", "TargetInfo", "known_targets", "make_target"]

_GROUP = "lockproof.runners"


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemCounts:
    """What the whole system has, once it has settled."""

    mlocked: int
    """Pages."""
    vm_areas: int | None
    """Objects in the kernel's cache of mappings; None: not readable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetInfo:
    """What was found by asking the target; the fields of `hello` in native/probe/PROTOCOL.md."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    protocol: Literal[1]
    system: str
    release: str
    version: str
    machine: str
    page_size: Annotated[int, Field(ge=1024, le=1 << 24)]
    """Bytes."""
    bits: Literal[32, 64]
    wraps: bool = True
    """Whether a range can wrap around the end of the addresses: not of a 32-bit process on a 64-bit kernel."""
    calls: tuple[str, ...]
    kinds: tuple[str, ...]
    guard: bool
    lock_observers: tuple[str, ...]
    lock_modes: bool
    """Whether locks on fault are told from eager ones."""
    residency: str | None
    mappings: bool
    accounting: bool
    elsewhere: bool
    faults: Mapping[str, str]
    """What can be made to fail, and by what."""
    knobs: Mapping[str, tuple[str, str]]
    """Settings of the kernel that the faults need, as found and as set."""
    alone: bool
    """Whether nothing else runs on this kernel."""
    taint: int | None
    """What the kernel had against itself at the start (/proc/sys/kernel/tainted); None: not readable."""
    counts: SystemCounts | None
    """What the whole system had at the start; None: not alone, so that it says nothing."""
    privileged: bool
    memlock: int
    """RLIMIT_MEMLOCK in bytes, as high as the probe could raise it; -1: unlimited."""
    own_pages: int | None
    """Pages that the probe itself has mapped, which mlockall locks too; None: not known."""
    max_map_count: int | None
    huge_page: int | None
    """Pages in a huge page of the pool that hugetlb memory comes from; None: no such pool."""

    @classmethod
    def from_hello(cls, line: str | bytes) -> TargetInfo:
        """Read the first line of a probe or model. Raises TargetError where it is none."""
        try:
            hello: TargetInfo = _hello().validate_json(line)["hello"]
        except ValidationError as error:
            msg = f"no hello of a probe ({first_mistake(error)}): {line!r:.200}"
            raise TargetError(msg) from error
        return hello

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> TargetInfo:
        """Read what `as_json` gave."""
        info: TargetInfo = _hello().validate_python({"hello": fields})["hello"]
        return info

    @property
    def kernel(self) -> str:
        """Name the kernel as a person would: system, release, architecture."""
        return f"{self.system} {self.release} {self.machine}"

    @property
    def identity(self) -> tuple[object, ...]:
        """Give what must not change within a run, for its results to be about one target."""
        return (self.system, self.release, self.version, self.machine, self.page_size, self.privileged)

    def as_json(self) -> dict[str, Any]:
        """Give the fields as plain data."""
        return asdict(self)


@cache
def _hello() -> TypeAdapter[Any]:
    return TypeAdapter(dict[Literal["hello"], TargetInfo])


class Session(Protocol):
    """A started target."""

    @property
    def info(self) -> TargetInfo:
        """What the target can do."""

    @property
    def about(self) -> str:
        """One line for people on how it was started; empty where there is nothing to say."""

    def run(self, programs: Iterable[Program]) -> Iterator[Trace]:
        """Execute programs, taken when there is room for them; exactly one trace for each, in their order.

        A program that the target cannot finish gets a trace that says so, and the next ones are run, if need be by
        starting anew. Raises TargetError where the target cannot be started again; programs taken by then get no
        trace.
        """


class Target(Protocol):
    """A way to reach a kernel or a model."""

    @property
    def name(self) -> str:
        """The TARGET text that names it, the same on every machine and in every run."""

    def session(self) -> AbstractContextManager[Session]:
        """Start the target; leaving the context ends it and all its processes. Raises TargetError."""


class Runner(Protocol):
    """A module that knows how to reach one kind of target."""

    def make(self, argument: str) -> Target:
        """Make the target of an argument. Raises UsageError where it names none, or none that is usable here."""

    def names(self) -> tuple[str, ...]:
        """Give the arguments that name a target on every machine; `lockproof targets` asks these."""


def known_targets() -> tuple[str, ...]:
    """Give the targets that have the same name on every machine."""
    found = sorted(entry_points(group=_GROUP), key=lambda entry: entry.name)
    return tuple(_text(entry.name, name) for entry in found for name in entry.load().names())


def _text(kind: str, argument: str) -> str:
    return f"{kind}{'' if not argument or argument.startswith('+') else ':'}{argument}"


def make_target(text: str) -> Target:
    """Make the target that a TARGET text names. Raises UsageError where there is none, or it is not usable here."""
    if not text.isprintable():  # it is part of every result, and a line of every report
        msg = f"target {text!r}: a character that cannot be printed; write UTF-8"
        raise UsageError(msg)
    kind = re.split("[:+]", text, maxsplit=1)[0]
    argument = text.removeprefix(kind).removeprefix(":")
    found = entry_points(group=_GROUP)
    if kind not in found.names:
        msg = f"target {text!r}: no kind of target is called {kind!r}; {suggest(kind, found.names)}"
        raise UsageError(msg)
    runner: Runner = found[kind].load()
    return runner.make(argument)
