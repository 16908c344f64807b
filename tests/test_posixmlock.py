# SPDX-License-Identifier: Apache-2.0
"""libposixmlock.so under programs and under the suite: what it promises, and that the suite sees where it cannot."""

from __future__ import annotations

import os
import random
import subprocess
from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.errors import UsageError
from lockproof.conformance.judge import locks
from lockproof.conformance.program import Program
from lockproof.runners import shims
from lockproof.runners.target import make_target
from tests.command import lockproof, verdicts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lockproof.conformance.trace import Trace

PAGES = 24
CALLS_OF_A_PROGRAM = 100
CALLS = int(os.environ.get("LOCKPROOF_GENERATED_CALLS", "5000"))
REGIONS = (
    "region a anonymous rw private\nregion b anonymous r private\nregion n anonymous none private\nregion s shared rw shared\n"
)


def layout(generator: random.Random) -> Iterator[str]:
    """Map pages in pieces, with holes between some of them."""
    page = 0
    while page < PAGES:
        count = min(generator.randint(1, 6), PAGES - page)
        letter = generator.choice("aaabbns_")
        if letter != "_":
            yield f"map {letter} {page} {count} {page}"
        page += count


def call(generator: random.Random) -> str:
    """Generate a call."""
    first = generator.randrange(PAGES)
    count = generator.randint(1, PAGES - first)
    start = f"{first}p+{generator.randint(1, 4095)}" if generator.random() < 0.2 else f"{first}p"
    match generator.choices(
        ["mlock", "munlock", "mlock2", "mlockall", "munlockall", "mprotect", "munmap", "mmap"],
        [30, 25, 20, 3, 2, 5, 5, 10],
    )[0]:
        case "mlock2":
            return f"call mlock2 {start} {count * 4096 - 4095} {generator.choice(['0', 'ONFAULT'])}"
        case "mlockall":
            return f"call mlockall {generator.choice(['FUTURE', 'FUTURE,ONFAULT', 'CURRENT,ONFAULT', '8', '0'])}"
        case "munlockall":
            return "call munlockall"
        case "mprotect":
            return f"call mprotect {first}p 1p {generator.choice(['rw', 'r'])}"
        case "munmap":
            return f"call munmap {first}p {min(count, 3)}p"
        case "mmap":
            return f"call mmap {generator.choice('aaabs')} {first} {min(count, 5)} {first}"
        case name:
            return f"call {name} {start} {count * 4096 - 4095}"


def generated(seed: int) -> Program:
    """Generate a program."""
    generator = random.Random(seed)  # noqa: S311  no secret
    lines = [*layout(generator), *(call(generator) for _ in range(CALLS_OF_A_PROGRAM))]
    return Program(f"time 30000\narena {PAGES}\n{REGIONS}" + "".join(f"{line}\n" for line in lines), PAGES, 30.0)


def steps(trace: Trace) -> list[tuple[bool, str | None]]:
    """Give whether each call worked, and what it left locked. Which errno it is the wrapper leaves to the kernel."""
    (execution,) = trace.executions
    assert execution.status == "done", execution.reason
    return [(step.result == "0", locks(step.snapshot)) for step in execution.steps]


def test_generated_calls_do_what_the_model_of_posix_does() -> None:
    programs = [generated(seed) for seed in range(CALLS // CALLS_OF_A_PROGRAM)]
    failed = 0
    with make_target("local+posixmlock").session() as wrapped, make_target("model:posix").session() as model:
        for number, (ours, theirs) in enumerate(zip(wrapped.run(programs), model.run(programs), strict=True)):
            calls = [line for line in programs[number].text.splitlines() if line.startswith("call")]
            for at, (one, other) in enumerate(zip(steps(ours), steps(theirs), strict=True)):
                assert one == other, f"seed {number}, {calls[at]}, step {at} of\n{programs[number].text}"
                failed += not one[0]
    print(f"{CALLS} calls, {failed} of them failed")
    assert failed > CALLS / 10
