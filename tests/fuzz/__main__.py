# SPDX-License-Identifier: Apache-2.0
"""Random inputs into the readers: python -m tests.fuzz --inputs 1000000 --seed 1 [READER]...

An input that makes a reader raise what it does not say, or take more than some seconds of the processor or a GiB more
than Python, is written to tests/fuzz/corpus/READER, and read again first each time.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import signal
import sys
import time
import traceback
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from tests.fuzz.mutations import mutated
from tests.fuzz.readers import READERS

if TYPE_CHECKING:
    from types import FrameType

    from tests.fuzz.readers import Reader

CORPUS = Path(__file__).with_name("corpus")
_LIMIT = 10.0  # seconds of the processor for one input
_MEMORY = 3 << 30  # bytes of addresses


class _HangError(Exception):
    """A reader takes too long."""


def _hang(_number: int, _frame: FrameType | None) -> None:
    raise _HangError


def _fails(reader: Reader, content: bytes) -> str:
    """Say what is wrong with how a reader takes an input; empty: nothing."""
    signal.setitimer(signal.ITIMER_VIRTUAL, _LIMIT)
    try:
        reader.read(content)
    except reader.raises as error:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        said = str(error)
        return "" if said.strip() else f"{type(error).__name__} says nothing"
    except Exception:  # noqa: BLE001  what is looked for
        return traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return ""


def _fuzz(name: str, inputs: int, seed: int, seconds: float) -> int:
    """Try one reader; the number of inputs that are wrong."""
    reader, random = READERS[name], Random(f"{name} {seed}")  # noqa: S311  no secret
    seeds = reader.seeds()
    kept = [path.read_bytes() for path in sorted((CORPUS / name).glob("*"))]
    began, wrong, done = time.monotonic(), 0, 0
    for content in (*seeds, *kept):
        if why := _fails(reader, content):
            sys.stdout.write(f"{name}: a seed or an input that was kept: {why}\n")
            wrong += 1
    while done < inputs and time.monotonic() - began < seconds:
        done += 1
        content = mutated(random, seeds)
        if why := _fails(reader, content):
            wrong += 1
            path = CORPUS / name / hashlib.sha256(content).hexdigest()[:16]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            sys.stdout.write(f"{name}: {path}\n{why}\n")
            sys.stdout.flush()
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    spent = time.monotonic() - began
    sys.stdout.write(f"{name}: {done} inputs in {spent:.0f} s, {wrong} wrong, {largest} MiB at most so far\n")
    sys.stdout.flush()
    return wrong


def main() -> int:
    """Try readers, and return 1 where an input is taken wrongly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("readers", nargs="*", metavar="READER", help=f"{', '.join(READERS)}; default: all")
    parser.add_argument("--inputs", type=int, default=1000, help="for each reader")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="for each reader, at most")
    given = parser.parse_args()
    signal.signal(signal.SIGVTALRM, _hang)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    wrong = [_fuzz(name, given.inputs, given.seed, given.seconds) for name in given.readers or READERS]
    return int(any(wrong))


if __name__ == "__main__":
    sys.exit(main())
