# SPDX-License-Identifier: Apache-2.0
"""What became of one execution of a case on a target: a value, and a line of results.jsonl.

A line holds facts only: the verdict with its findings, and the lines that the target wrote, as they came. What people
read is drawn from these by reports.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Annotated

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from lockproof.conformance.errors import first_mistake
from lockproof.conformance.judging.verdict import Verdict  # noqa: TC001  pydantic reads the annotations
from lockproof.conformance.protocol.trace import Trace, read_trace

if TYPE_CHECKING:
    from lockproof.conformance.language.case import Case

__all__ = ["Key", "Result", "read_result", "result_line", "source_in_corpus"]

Key = tuple[str, str, int]
"""Target, case and repetition: what a result is the result of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one execution of a case on a target."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    target: str
    case: str
    repetition: int
    """Counts from 1."""
    verdict: Verdict
    checks: tuple[str, ...]
    profile: str
    source: str
    """`file:line` of the case."""
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """Wall-clock time, that of the target and of lockproof together."""
    trace: tuple[str, ...] = field(default=(), repr=False)
    """The lines that the target wrote, each a JSON object: the evidence. Empty where the case was not run."""

    @property
    def key(self) -> Key:
        """What it is the result of."""
        return (self.target, self.case, self.repetition)

    def evidence(self, case: Case) -> Trace:
        """Return the trace of the case. Raises TargetError where the lines are none."""
        return read_trace(self.trace, len(case.map))


def source_in_corpus(case: str, line: int | str) -> str:
    """Return file and line of a case that lockproof brings along, the same wherever that is installed."""
    stem = case.partition("[")[0].rpartition("/")[0]
    return f"cases/{stem}.yaml:{line}"


@cache
def _results() -> TypeAdapter[Result]:
    return TypeAdapter(Result)


_TRACE = b',"trace":['
"""Is not in a JSON text but before the lines of the trace: within a string its quotation marks would be escaped."""
_DECODER = json.JSONDecoder()


def result_line(result: Result) -> bytes:
    """Return the line of a result. Its trace is last, and each line in it stands as the target wrote it."""
    facts = _results().dump_json(result, exclude={"trace"})
    return b"".join((facts[:-1], _TRACE, ",".join(result.trace).encode(), b"]}\n"))


def read_result(line: bytes) -> Result:
    """Return the result that a line was written of. Raises ValueError where the line is none."""
    facts, found, rest = line.rstrip(b"\n").partition(_TRACE)
    if not found or not rest.endswith(b"]}"):
        msg = "it does not end with a trace"
        raise ValueError(msg)
    try:
        result = _results().validate_json(facts + b"}")
    except ValidationError as error:
        raise ValueError(first_mistake(error)) from error
    return replace(result, trace=_objects(rest[:-2].decode()))


def _objects(text: str) -> tuple[str, ...]:
    """Return the JSON objects in a row that commas divide, each as it stands there."""
    found: list[str] = []
    at = 0
    while at < len(text):
        try:
            end = _DECODER.raw_decode(text, at)[1]
        except RecursionError as error:
            msg = "a line of its trace is nested too deep"
            raise ValueError(msg) from error
        if text[end : end + 1] not in {"", ","}:
            msg = "no comma between two lines of its trace"
            raise ValueError(msg)
        found.append(text[at:end])
        at = end + 1
    return tuple(found)
