# SPDX-License-Identifier: Apache-2.0
"""A guest of lockproof against the least guest there is: the same kernel, the same QEMU, a bare C init.

    python benchmarks/guest KERNEL [EXECUTIONS]

KERNEL is an x86_64 one as in qemu:KERNEL. Executions: the loop of benchmarks/throughput/floor.c inside the guest,
against the same case through lockproof, both without the boot. Boot: from the start of QEMU to its end with an init
that locks a page and powers off, against the start of lockproof to its first verdict. Floors and lockproof take turns,
because machines drift; the numbers to quote are the ratios of the medians.
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lockproof.runners.architectures import ARCHITECTURES
from lockproof.runners.guest.initramfs import archive
from lockproof.runners.kernels import kernel
from lockproof.runners.qemu import PARAMETERS

HERE = Path(__file__).parent
THROUGHPUT = HERE.parent / "throughput"
LOCKPROOF = Path(sys.executable).with_name("lockproof")
ROUNDS = 5
LIMIT = 300
"""Seconds that a guest may take."""


def make_floor(scratch: Path) -> Path:
    """Compile the bare init, and give the archive with it."""
    loop, init, packed = scratch / "floor.o", scratch / "init", scratch / "init.cpio"
    compiler = ["cc", "-O2"]
    subprocess.run([*compiler, "-c", "-Dmain=floor_main", THROUGHPUT / "floor.c", "-o", loop], check=True)
    subprocess.run([*compiler, "-static", HERE / "init.c", loop, "-o", init], check=True)
    packed.write_bytes(archive(init.read_bytes()))
    return packed


def bare(image: Path, init: Path, executions: int = 0) -> tuple[float, float]:
    """Boot the bare init: seconds that QEMU took, and seconds of the loop inside."""
    machine = ARCHITECTURES["x86_64"].machine
    asked = f" EXECUTIONS={executions}" if executions else ""
    command = [
        *(machine.program, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-accel", "tcg"),
        *("-machine", "pc", "-cpu", machine.cpu, "-m", str(machine.memory), "-serial", "stdio"),
        *("-kernel", str(image), "-initrd", str(init)),
        *("-append", f"console=ttyS0 {PARAMETERS} {machine.parameters}{asked}"),
    ]
    began = time.monotonic()
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=LIMIT, stdin=subprocess.DEVNULL)
    seconds = time.monotonic() - began
    if "mlock gave 0" not in done.stdout:
        sys.exit(f"the bare init did not come up: {done.stdout[-500:]}")
    found = re.search(r"^(\d+\.\d+)\r?$", done.stdout, re.MULTILINE)
    return seconds, float(found[1]) if found else 0.0


def first_verdict(name: str, scratch: str) -> float:
    """Return the seconds from the start of lockproof to its first verdict."""
    options = ["--cases", str(THROUGHPUT / "case.yaml"), "--results", scratch, "-v"]
    began = time.monotonic()
    with subprocess.Popen([LOCKPROOF, "run", "-t", f"qemu:{name}", *options], stdout=subprocess.PIPE, text=True) as run:
        for line in run.stdout or ():
            if "hole-after-prefix" in line:
                seconds = time.monotonic() - began
                run.communicate()
                return seconds
    sys.exit(f"lockproof gave no verdict on {name}")


def executed(name: str, executions: int, scratch: str) -> float:
    """Return the seconds of so many executions through lockproof, as it records them: without boot and start."""
    options = ["--cases", str(THROUGHPUT / "case.yaml"), "--repeat", str(executions), "--results", scratch]
    done = subprocess.run(
        [LOCKPROOF, "run", "-t", f"qemu:{name}", *options], capture_output=True, text=True, check=False
    )
    found = re.search(r"^(\S*/\d{8}T\S+?)/ has ", done.stdout, re.MULTILINE)
    if not found:
        sys.exit(f"lockproof failed on {name}: {done.stdout}{done.stderr}")
    lines = Path(found[1], "results.jsonl").read_text(encoding="utf-8").splitlines()
    if len(lines) != executions:
        sys.exit(f"{len(lines)} results instead of {executions}")
    return float(sum(json.loads(line)["seconds"] for line in lines))


def main() -> None:
    """Measure and print the table."""
    if len(sys.argv) == 1:
        sys.exit((__doc__ or "").split("\n\n")[1].strip())
    found = kernel.find(sys.argv[1])
    executions = int(sys.argv[2]) if len(sys.argv) > 2 else 2000  # noqa: PLR2004
    with tempfile.TemporaryDirectory() as scratch:
        init = make_floor(Path(scratch))
        boots, loops, verdicts, cases = [], [], [], []
        for _ in range(ROUNDS):
            boots.append(bare(found.image, init)[0])
            verdicts.append(first_verdict(found.name, scratch))
            loops.append(bare(found.image, init, executions)[1])
            cases.append(executed(found.name, executions, scratch))
    print(f"{found.name}, TCG, {ROUNDS} rounds, {executions} executions of hole-after-prefix\n")
    print(f"{'':34}{'floor':>18}{'lockproof':>20}{'ratio':>8}")
    for what, floor, ours, unit in (
        ("boot to the first verdict", boots, verdicts, 1.0),
        ("an execution", loops, cases, executions / 1e6),
    ):
        name = f"{what}, {'s' if unit == 1.0 else 'us'}"
        print(f"{name:34}{_spread(floor, unit):>18}{_spread(ours, unit):>20}{_ratio(ours, floor):8.2f}")


def _spread(seconds: list[float], unit: float) -> str:
    digits = 2 if unit == 1.0 else 0
    low, middle, high = (value / unit for value in (min(seconds), statistics.median(seconds), max(seconds)))
    return f"{middle:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


def _ratio(ours: list[float], floor: list[float]) -> float:
    return statistics.median(ours) / statistics.median(floor)


if __name__ == "__main__":
    main()
