# SPDX-License-Identifier: Apache-2.0
"""How a target is used (Target, Session), what a target can do (TargetInfo), and the TARGET grammar.

TARGET is `KIND`, `KIND:ARGUMENT` or, with options, `KIND+OPTION…`: `local`, `model:posix`, `command:ssh host ./probe`,
`local+posixmlock`, `qemu:debian/6.12+smp=2` (options.py). The kinds are the entry
points of the group `lockproof.runners`, each a module with the two functions of `Runner`, so that another package
adds a runner with one file and one line.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping  # noqa: TC003  pydantic reads the annotations
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from lockproof.conformance.errors import LockproofError, TargetError, UsageError, first_mistake, suggest
from lockproof.runners.options import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydantic import TypeAdapter

    from lockproof.conformance.protocol.program import Program
    from lockproof.conformance.protocol.trace import Trace

__all__ = [
    "Runner",
    "Session",
    "StartedTarget",
    "SystemCounts",
    "Target",
    "TargetInfo",
    "are_targets",
    "kinds",
    "known_targets",
    "make_target",
    "runner_of",
    "started",
]

_GROUP = "lockproof.runners"
_VENDORS = (
    ("debian", re.compile(r".*\bDebian (?P<package>\d\S*)")),
    ("ubuntu", re.compile(r"(?P<base>\d+(?:\.\d+)+-\d+)\S* #(?P<build>\S+)-Ubuntu\b")),
    ("fedora", re.compile(r"(?P<package>\d\S*\.fc\d+)\.\w+ ")),
    ("redhat", re.compile(r"(?P<package>\d\S*\.el\d+\w*)\.\w+ ")),
    ("suse", re.compile(r"(?P<package>\d+(?:\.\d+)+-[\d.]+)-default ")),
    ("gvisor", re.compile(r"4\.4\.0 #1 SMP Sun Jan 10 15:06:54 PST 2016$")),
)
"""Who built a kernel, and how that one's release and version, as uname prints them, tell the version of its package.

Debian's and gVisor's were seen; the others are the forms in which these vendors publish the names of their kernels.
"""
_SMALLEST_PAGE, _LARGEST_PAGE = 1024, 1 << 24  # bytes


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

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    protocol: Literal[1]
    system: str
    release: str
    version: str
    machine: str
    build_id: str = ""
    """Of the kernel, which tells it from others of its release; empty: not known."""
    probe: str = ""
    """Build id of the probe itself; empty: a model, or a probe that was linked without."""
    config: tuple[str, str] | None = None
    """A file with the kernel's configuration, and its SHA-256; None: the target has none that can be read."""
    command_line: str = ""
    """What the kernel was started with; empty: not known."""
    processors: int | None = None
    """That the kernel runs; None: not known."""
    page_size: int
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
    refused: Mapping[str, str] = field(default_factory=dict)
    """Calls, kinds of memory and ways to look that gave an error when they were tried, with its name."""
    trouble: Mapping[str, str] = field(default_factory=dict)
    """Trials that did not come to an end, so that they found nothing out, and what became of each."""
    reclaim: tuple[str, ...] = ()
    """Kinds of memory that the kernel can be made to take back from a process."""
    mcl_onfault: bool = False
    """Whether mlockall takes MCL_ONFAULT."""
    thp: int | None = None
    """Pages in a transparent huge page; None: the target makes none where it is asked to."""
    page_faults: bool = False
    """Whether the page faults of an access are counted."""
    packaged: tuple[str, str] = ("", "")
    """Vendor and version of the package that the kernel came in, as that says; empty: not known."""

    def __post_init__(self) -> None:
        """Raise ValueError where what it says cannot be."""
        if not _SMALLEST_PAGE <= self.page_size <= _LARGEST_PAGE:
            msg = f"pages of {self.page_size} bytes"
            raise ValueError(msg)

    @classmethod
    def from_hello(cls, line: str | bytes) -> TargetInfo:
        """Read the first line of a probe or model. Raises TargetError where it is none."""
        from pydantic import ValidationError  # noqa: PLC0415  see _hello

        try:
            found: dict[str, TargetInfo] = _hello().validate_json(line)
        except ValidationError as error:
            msg = f"no hello of a probe ({first_mistake(error)}): {line!r:.200}"
            raise TargetError(msg) from error
        if not found:
            msg = f"no hello of a probe (nothing in it): {line!r:.200}"
            raise TargetError(msg)
        return found["hello"]

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> TargetInfo:
        """Read what `as_json` gave."""
        info: TargetInfo = _hello().validate_python({"hello": fields})["hello"]
        return info

    @property
    def kernel(self) -> str:
        """The kernel as a person would name it: system, release, architecture."""
        return f"{self.system} {self.release} {self.machine}"

    @property
    def vendor(self) -> str:
        """Who built the kernel, as far as it tells; empty: not known."""
        return self._built[0]

    @property
    def package(self) -> str:
        """The version of the vendor's package with the kernel; empty: not known."""
        return self._built[1]

    @property
    def _built(self) -> tuple[str, str]:
        if self.packaged[0]:
            return self.packaged
        for vendor, pattern in _VENDORS if self.system == "Linux" else ():
            if match := pattern.match(f"{self.release} {self.version}"):
                found = match.groupdict()
                return vendor, found.get("package") or ".".join(found.values())
        return "", ""

    @property
    def identity(self) -> tuple[object, ...]:
        """What must not change within a run, for its results to be about one target."""
        what = (self.system, self.release, self.version, self.machine, self.build_id, self.command_line)
        return (*what, self.page_size, self.privileged)

    def as_json(self) -> dict[str, Any]:
        """Return the fields as plain data."""
        return asdict(self)


@cache
def _hello() -> TypeAdapter[Any]:
    # pydantic takes as long to import as a small kernel to boot half-way: targets are started before.
    from pydantic import TypeAdapter  # noqa: PLC0415

    return TypeAdapter(dict[Literal["hello"], TargetInfo])


class Session(Protocol):
    """A target that was started, which may still be on its way up; one thread at a time uses it."""

    @property
    def info(self) -> TargetInfo:
        """What the target can do. The first use waits until it is up; raises TargetError where it does not come up."""

    @property
    def about(self) -> str:
        """One line for people on how it was started, once `info` was had; empty where there is nothing to say."""

    def run(self, programs: Iterable[Program]) -> Iterator[Trace]:
        """Execute programs, taken when there is room for them; exactly one trace for each, in their order.

        Waits, and raises, as `info` does where that was not had yet. A program that the target cannot finish gets a
        trace that says so, and the next ones are run, if need be by starting anew. Raises TargetError where the target
        cannot be started again; programs taken by then get no trace.
        """

    def give_up(self) -> None:
        """Let whoever waits for the target get TargetError within a second; any thread may call it."""


class Target(Protocol):
    """A way to reach a kernel or a model."""

    @property
    def name(self) -> str:
        """The TARGET text that names it, the same on every machine and in every run."""

    @property
    def files(self) -> Mapping[str, str]:
        """The paths of what is run, as far as it comes from here: the `probe`, and the `image` of a kernel."""

    def session(self) -> AbstractContextManager[Session]:
        """Begin to start the target; leaving the context ends it and all its processes.

        Entering the context does not wait for a kernel to boot, `Session.info` does. The thread that enters it has to
        live as long as the session: a guest ends with it. Raises TargetError where nothing can be started.
        """


class StartedTarget:
    """A target that is started before anybody asks for a session: the first one who does gets that one."""

    def __init__(self, target: Target) -> None:
        """Begin to start a target. What goes wrong is raised where the session is asked for."""
        self.name = target.name
        self.files = target.files
        self._target = target
        self._taking = threading.Lock()
        self._stack = ExitStack()
        self._first: Session | LockproofError | None
        try:
            self._first = self._stack.enter_context(target.session())
        except LockproofError as error:
            self._first = error

    @contextmanager
    def session(self) -> Iterator[Session]:
        """See Target."""
        with self._taking:
            first, self._first = self._first, None
        if isinstance(first, LockproofError):
            raise first
        if first is not None:
            with self._stack:
                yield first
        else:
            with self._target.session() as session:
                yield session

    def close(self) -> None:
        """End the target where nobody asked for a session."""
        with self._taking:
            unused, self._first = self._first, None
        if unused is not None:
            self._stack.close()


class Runner(Protocol):
    """A module that knows how to reach one kind of target."""

    def make(self, argument: str) -> Target:
        """Make the target of an argument. Raises UsageError where it names none, or none that is usable here."""

    def names(self) -> tuple[str, ...]:
        """Return the arguments that name a target on every machine; `lockproof targets` asks these."""


def known_targets() -> tuple[str, ...]:
    """Return the targets that have the same name on every machine."""
    found = sorted(entry_points(group=_GROUP), key=lambda entry: entry.name)
    return tuple(_text(entry.name, name) for entry in found for name in entry.load().names())


def kinds() -> frozenset[str]:
    """Return the kinds of targets that there are."""
    return frozenset(entry_points(group=_GROUP).names)


def are_targets(texts: Iterable[str]) -> bool:
    """Tell whether each text is one of a kind of target, and no name that stands for one."""
    there = kinds()
    return all(kind_of(text) in there for text in texts)


def _text(kind: str, argument: str) -> str:
    return f"{kind}{'' if not argument or argument.startswith('+') else ':'}{argument}"


def make_target(text: str) -> Target:
    """Make the target that a TARGET text names. Raises UsageError where there is none, or it is not usable here."""
    runner, argument = runner_of(text)
    return runner.make(argument)


def runner_of(text: str) -> tuple[Runner, str]:
    """Return the runner that a TARGET text means, and the argument for it. Raises UsageError where there is none."""
    if not text.isprintable():  # it is part of every result, and a line of every report
        msg = f"target {text!r}: a character that cannot be printed; write UTF-8"
        raise UsageError(msg)
    kind = kind_of(text)
    argument = text.removeprefix(kind).removeprefix(":")
    found = entry_points(group=_GROUP)
    if kind not in found.names:
        msg = f"target {text!r}: no kind of target is called {kind!r}; {suggest(kind, found.names)}"
        raise UsageError(msg)
    return found[kind].load(), argument


@contextmanager
def started(names: Iterable[str], most: int) -> Iterator[tuple[Target, ...]]:
    """Make the targets of TARGET texts, each once, and begin to start the first ones of them, `most` at most.

    Their users import, read and compile meanwhile. Leaving the context ends those that nobody asked for. Raises
    UsageError as `make_target` does.
    """
    made = map(make_target, dict.fromkeys(names))
    targets = list({target.name: target for target in made}.values())  # several texts may name one
    with ExitStack() as stack:
        ahead = []
        for target in targets[:most]:
            ahead.append(StartedTarget(target))
            stack.callback(ahead[-1].close)
        yield (*ahead, *targets[most:])
