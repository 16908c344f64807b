# SPDX-License-Identifier: Apache-2.0
"""A target that has run already: its session hands out the traces that were recorded, and starts nothing."""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockproof.conformance.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lockproof.conformance.protocol.program import Program
    from lockproof.conformance.protocol.trace import Trace
    from lockproof.runners.target import TargetInfo

__all__ = ["RecordedTarget"]


@dataclass(frozen=True, slots=True)
class RecordedTarget:
    """See runners.target.Target."""

    name: str
    info: TargetInfo
    about: str
    traces: Sequence[tuple[Program, Trace]]

    @property
    def files(self) -> Mapping[str, str]:
        """See runners.target.Target; nothing of what ran is here."""
        return {}

    @contextmanager
    def session(self) -> Iterator[_RecordedSession]:
        """See runners.target.Target."""
        yield _RecordedSession(self)


class _RecordedSession:
    """See runners.target.Session."""

    def __init__(self, target: RecordedTarget) -> None:
        self.info = target.info
        self.about = target.about
        # Two cases may have one program; its traces are handed out in the order in which they were made.
        self._traces: dict[str, deque[Trace]] = {}
        for program, trace in target.traces:
            self._traces.setdefault(program.text, deque()).append(trace)

    def run(self, programs: Iterable[Program]) -> Iterator[Trace]:
        """See runners.target.Session. Raises TargetError where a program has no trace left."""
        for program in programs:
            traces = self._traces.get(program.text)
            if not traces:
                msg = "the folder has no trace of the program"
                raise TargetError(msg)
            yield traces.popleft()

    def give_up(self) -> None:
        """See runners.target.Session. It waits for nothing."""
