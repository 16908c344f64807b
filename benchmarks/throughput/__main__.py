# SPDX-License-Identifier: Apache-2.0
"""Time of one case, run again and again through the whole of lockproof, against a bare C loop of the same system calls.

    python benchmarks/throughput [EXECUTIONS]

Everything in one run on one machine, start-up of lockproof included; the floor is taken before and after, because
machines drift. The number to quote is the ratio. Memory is the peak of lockproof's process: flat means that it does
not grow with the number of executions.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
FLOOR = ("-O2", "-static", "-Wl,-z,noseparate-code", "-Wl,-z,norelro")
"""As the probe is compiled and linked (native/probe/meson.build)."""
LOCKPROOF = Path(sys.executable).with_name("lockproof")


class Measurement(NamedTuple):
    """What a number of executions took."""

    seconds: float
    peak: int
    """MiB of the process itself."""


def floor(program: Path, executions: int) -> float:
    """Give the seconds of the bare loop."""
    return float(subprocess.run([program, str(executions)], check=True, capture_output=True, text=True).stdout)


def lockproof(target: str, executions: int, results: str) -> Measurement:
    """Run the case through lockproof; 0 and 1 are both answers, anything else ends the benchmark."""
    options = ["--cases", str(HERE / "case.yaml"), "--repeat", str(executions), "--results", results]
    command = [str(LOCKPROOF), "run", "-t", target, *options]
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    if os.waitstatus_to_exitcode(status) not in {0, 1}:
        sys.exit(f"{' '.join(command)} failed")
    return Measurement(seconds, usage.ru_maxrss // 1024)


def main() -> None:
    """Measure and print the table."""
    executions = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as scratch:
        program = Path(scratch, "floor")
        subprocess.run(["cc", *FLOOR, HERE / "floor.c", "-o", program], check=True)
        before = floor(program, executions)
        tenth = lockproof("local", executions // 10, scratch)
        local = lockproof("local", executions, scratch)
        after = floor(program, executions)
        model_tenth = lockproof("model:posix", executions // 10, scratch)
        model = lockproof("model:posix", executions, scratch)
    bare = (before + after) / 2
    print(f"{executions} executions of hole-after-prefix, -j 1, on {os.uname().sysname} {os.uname().release}\n")
    print(f"{'':24}{'seconds':>9}{'us each':>9}{'ratio':>8}{'each s':>9}   peak memory at 1/10 and all")
    rows = (("bare C loop (the floor)", bare, ""), ("local", local.seconds, f"{tenth.peak} and {local.peak} MiB"),
            ("model:posix", model.seconds, f"{model_tenth.peak} and {model.peak} MiB"))  # fmt: skip
    for name, seconds, memory in rows:
        each = seconds / executions
        figures = f"{seconds:9.2f}{each * 1e6:9.0f}{seconds / bare:8.2f}{executions / seconds:9.0f}"
        print(f"{name:24}{figures}   {memory}".rstrip())
    print(f"\nThe floor took {before:.2f} s before and {after:.2f} s after.")


if __name__ == "__main__":
    main()
