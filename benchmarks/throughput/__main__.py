# SPDX-License-Identifier: Apache-2.0
"""What an execution costs, against a bare C loop of the same system calls, and where the time of a run goes.

    python benchmarks/throughput [EXECUTIONS]

Everything in one run on one machine; the floor is taken before and after, because machines drift. The number to quote
is the ratio. `probe alone` is the probe, fed with the same programs from a file. Start-up is the time of a run of one
execution; it is taken off the others. Memory is the peak of lockproof's process: flat means that it does not grow with
the number of executions. The last lines are about the whole corpus, each case once.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lockproof.conformance.judging.applicability import unmet
from lockproof.conformance.language.loading import load
from lockproof.conformance.protocol.program import compile_case
from lockproof.runners.target import make_target

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE = Path(__file__).parent
CASE = HERE / "case.yaml"
LOCKPROOF = Path(sys.executable).with_name("lockproof")
# As the probe is built (native/probe/meson.build): a process of few mappings forks faster.
FLOOR = ("-O2", "-static", "-Wl,-z,noseparate-code", "-Wl,-z,norelro")


class Measurement(NamedTuple):
    """What a run took."""

    seconds: float
    peak: int
    """MiB of the process itself."""


def floor(program: Path, executions: int) -> float:
    """Return the seconds of the bare loop."""
    return float(subprocess.run([program, str(executions)], check=True, capture_output=True, text=True).stdout)


def lockproof(target: str, results: str, *options: str) -> Measurement:
    """Run cases through lockproof, one at a time; 0 and 1 are both answers, anything else ends the benchmark."""
    command = [str(LOCKPROOF), "run", "-t", target, "-j", "1", "--results", results, *options]
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    if os.waitstatus_to_exitcode(status) not in {0, 1}:
        sys.exit(f"{' '.join(command)} failed")
    return Measurement(seconds, usage.ru_maxrss // 1024)


def probe(programs: Iterable[str], scratch: Path) -> tuple[float, int]:
    """Feed programs to the probe from a file; the seconds, and how many executions it reported."""
    path = str(files("lockproof") / "native" / "lockproof-probe")
    (scratch / "programs").write_text(
        "".join(f"program p{number}\n{text}end\n" for number, text in enumerate(programs))
    )
    with (scratch / "programs").open("rb") as feed, (scratch / "traces").open("wb") as traces:
        began = time.monotonic()
        subprocess.run([path], stdin=feed, stdout=traces, check=True)
        seconds = time.monotonic() - began
    return seconds, (scratch / "traces").read_bytes().count(b'{"execution":')


def one_case(executions: int, scratch: Path) -> None:
    """Measure one case, again and again, and print the table."""
    program = scratch / "floor"
    subprocess.run(["cc", *FLOOR, HERE / "floor.c", "-o", program], check=True)
    (case,) = load(CASE).cases
    text, results = compile_case(case).text, str(scratch)

    def run(target: str, count: int) -> Measurement:
        return lockproof(target, results, "--cases", str(CASE), "--repeat", str(count))

    before = floor(program, executions)
    hello, _ = probe([text], scratch)
    alone = probe([text] * executions, scratch)[0] - hello
    start, tenth, local = (run("local", count) for count in (1, executions // 10, executions))
    after = floor(program, executions)
    model_start, model_tenth, model = (run("model:posix", count) for count in (1, executions // 10, executions))
    bare = (before + after) / 2
    print(f"{executions} executions of hole-after-prefix, -j 1, on {os.uname().sysname} {os.uname().release}\n")
    print(f"{'':24}{'seconds':>9}{'us each':>9}{'ratio':>8}{'each s':>9}   start-up   peak memory at 1/10 and all")
    rows = (
        ("bare C loop (the floor)", bare, ""),
        ("probe alone", alone, f"{hello:8.3f} s"),
        ("local", local.seconds - start.seconds, f"{start.seconds:8.2f} s   {tenth.peak} and {local.peak} MiB"),
        (
            "model:posix",
            model.seconds - model_start.seconds,
            f"{model_start.seconds:8.2f} s   {model_tenth.peak} and {model.peak} MiB",
        ),
    )
    for name, seconds, more in rows:
        figures = f"{seconds:9.2f}{seconds / executions * 1e6:9.0f}{seconds / bare:8.2f}{executions / seconds:9.0f}"
        print(f"{name:24}{figures}   {more}".rstrip())
    print(f"\nThe floor took {before:.2f} s before and {after:.2f} s after.")


def whole_corpus(scratch: Path) -> None:
    """Measure the whole corpus, each case once, and print where the time goes."""
    cases = load().cases
    with make_target("local").session() as session:
        able = [case for case in cases if unmet(case, session.info) is None]
    start = lockproof("local", str(scratch), "--cases", str(CASE)).seconds
    print(f"\nthe whole corpus once, -j 1, start-up of {start:.2f} s included\n")
    print(f"{'':24}{'cases':>9}{'executions':>12}{'probe alone':>13}{'lockproof':>11}   share of the probe")
    for name, chosen in (("all profiles", able), ("posix", [case for case in able if case.profile == "posix"])):
        alone, executions = probe((compile_case(case).text for case in chosen), scratch)
        names = [] if chosen is able else [case.name for case in cases if case.profile == "posix"]
        whole = lockproof("local", str(scratch), *names).seconds
        print(f"{name:24}{len(chosen):9}{executions:12}{alone:11.2f} s{whole:9.2f} s   {alone / whole:.0%}")


def main() -> None:
    """Measure both, in a folder of their own."""
    executions = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as scratch:
        one_case(executions, Path(scratch))
        whole_corpus(Path(scratch))


if __name__ == "__main__":
    main()
