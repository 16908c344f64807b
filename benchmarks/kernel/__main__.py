# SPDX-License-Identifier: Apache-2.0
"""What the series of native/kernel/patches costs: instructions of the guest, a stock kernel against a patched one.

    python benchmarks/kernel [STOCK PATCHED [PARAMETER]...]
    python benchmarks/kernel behaviour KERNEL [PARAMETER]...
    python benchmarks/kernel threads KERNEL [PARAMETER]...
    python benchmarks/kernel swap KERNEL [PARAMETER]...

STOCK, PATCHED: x86_64 kernels as in qemu:KERNEL, of the same version and configuration; without them those that
`lockproof kernel build debian/7.2 --fault-injection` and the same with `--posixmlock` make. PARAMETER: one of the
patched kernel, such as mlock_force=2, with which each call finds somebody waiting for mmap_lock. Each is booted with
costs.c as init, under QEMU's -icount, where the time stamp counter counts instructions: how busy this machine is does
not matter. The last lines say which bars (BAR below) are missed.

The second command boots one kernel, with those parameters, with behaviour.c as init, and prints what that has seen of
calls where memory is short or huge, and their errors. The third does so with threads.c, on two processors that run side
by side: memory that a userfaultfd serves, and that another thread drops, locks, unlocks and protects meanwhile. The
fourth is swap.c, on two processors, too: memory that is reclaimed while it is locked. All have 256 MiB, and a warning
of the kernel ends them. debug.config is for kernels that watch themselves.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from lockproof.conformance.protocol import kernel_log
from lockproof.runners.architectures import ARCHITECTURES
from lockproof.runners.guest.initramfs import archive
from lockproof.runners.kernels import kernel
from lockproof.runners.qemu import PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).parent
KERNELS = ("debian/7.2+fault-injection", "debian/7.2+posixmlock+fault-injection")
LIMIT = 3600
"""Seconds that a guest may take."""
# QEMU counts each round of a repeated string instruction. Clearing a page takes 512 of 8 bytes; where the processor is
# said to be fast at single bytes, Linux would take 4096, and nothing else of a page fault could be seen beside them.
CPU = "max,-erms,-fsrm"

BAR = 0.93
"""Of the geometric mean of mlock and munlock together."""
POPULATED_BAR = 0.9
"""Of mlock and munlock together where so many pages are there already:"""
POPULATED_PAGES = 16


@dataclass(frozen=True, slots=True)
class Row:
    """A pair of calls, and how many instructions each takes on the stock kernel and on the patched one."""

    call: str
    memory: str
    pages: int
    mappings: int
    place: str
    stock: tuple[int, int]
    patched: tuple[int, int]

    @property
    def ratio(self) -> float:
        """Patched to stock, both calls together."""
        return sum(self.patched) / sum(self.stock)

    def __str__(self) -> str:
        """Return the row of the table."""
        what = f"{self.call:<15}{self.memory:<10}{self.pages:>5}{self.mappings:>9}  {self.place:<7}"
        counts = (f"{old:>10}{new:>10}{new / old:>6.2f}" for old, new in zip(self.stock, self.patched, strict=True))
        return f"{what}{''.join(counts)}{self.ratio:>6.2f}"


def said_by(image: Path, program: str, memory: int = 1024, parameters: str = "", processors: int = 1) -> list[str]:
    """Boot a kernel with a program as init, and return the lines that it prints. Exits where it does not end.

    `program`: its source, beside this file, without `.c`; `memory`: MiB. Instructions are counted on one processor
    only: QEMU lets several take turns then, and nothing would happen at the same time.
    """
    with tempfile.TemporaryDirectory() as folder:
        init, packed = Path(folder, "init"), Path(folder, "init.cpio")
        compiler = ["cc", "-O2", "-static", "-pthread"]
        subprocess.run([*compiler, HERE / f"{program}.c", "-o", init], check=True)
        packed.write_bytes(archive(init.read_bytes()))
        machine = ARCHITECTURES["x86_64"].machine
        clock = ("-icount", "shift=0,sleep=off") if processors == 1 else ("-smp", str(processors))
        command = [
            *(machine.program, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-accel", "tcg"),
            *(*clock, "-machine", "pc", "-cpu", CPU),
            *("-m", str(memory), "-serial", "stdio", "-kernel", str(image), "-initrd", str(packed)),
            *("-append", f"console=ttyS0 {PARAMETERS} {machine.parameters} {parameters}"),
        ]
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=LIMIT, stdin=subprocess.DEVNULL
        )
    lines = done.stdout.splitlines()
    if "done" not in lines:
        sys.exit("\n".join([f"{image}: the init did not come to its end", *kernel_log.excerpt(lines)]))
    return lines[: lines.index("done")]


def counted(image: Path, parameters: str) -> list[list[str]]:
    """Return the lines of costs.c on a kernel, in words."""
    return [line.split() for line in said_by(image, "costs", parameters=parameters)]


def read(lines: list[list[str]]) -> dict[tuple[str, ...], tuple[int, int]]:
    """Return the counts of each row by what it is about."""
    return {tuple(words[1:6]): (int(words[6]), int(words[7])) for words in lines if words[:1] == ["row"]}


def rows(stock: list[list[str]], patched: list[list[str]]) -> list[Row]:
    """Return what was measured on both kernels, side by side."""
    after = read(patched)
    return [
        Row(call, memory, int(pages), int(mappings), place, counts, after[call, memory, pages, mappings, place])
        for (call, memory, pages, mappings, place), counts in read(stock).items()
    ]


def mean(measured: list[Row]) -> float:
    """Return the geometric mean of the ratios."""
    return float(prod(row.ratio for row in measured) ** (1 / len(measured)))


def missed(measured: list[Row]) -> list[str]:
    """Return a line for each bar that is missed."""
    pairs = [row for row in measured if row.call == "mlock"]
    lines = [f"the mean of mlock and munlock is above {BAR}"] if mean(pairs) > BAR else []
    for row in measured:
        name = f"{row.call}, {row.memory}, {row.pages} pages, {row.mappings} mappings, {row.place}"
        filled = row.call == "mlock" and row.memory == "populated" and row.pages >= POPULATED_PAGES
        bar = POPULATED_BAR if filled else 1.0
        if round(row.ratio, 2) > bar:
            lines.append(f"{name}: {row.ratio:.2f} is above {bar:.2f}")
    return lines


def show(program: str, name: str, parameters: list[str], processors: int) -> None:
    """Print what a program has seen on a kernel."""
    asked = " ".join(("panic_on_warn=1", *parameters))
    print("\n".join(said_by(kernel.find(name).image, program, 256, asked, processors)))


def compare(names: Sequence[str], parameters: str = "") -> None:
    """Measure, and print the table. `parameters`: of the patched kernel."""
    images = [kernel.find(name).image for name in names]
    with ThreadPoolExecutor(max_workers=min(len(names), len(os.sched_getaffinity(0)))) as pool:
        stock, patched = pool.map(counted, images, ("", parameters))
    measured = rows(stock, patched)
    facts = dict(words for words in stock if len(words) == len(("reading", "4")))
    print(f"stock: {names[0]}, patched: {names[1]}")
    print(f"instructions, medians; {facts['reading']} of reading the counter are taken off, and of")
    print(f"1000000 instructions in a loop it sees {facts['million']}\n")
    print(f"{'':<48}{'locking':^26}{'unlocking':^26}  both")
    both = f"{'stock':>10}{'patched':>10} ratio"
    print(f"{'call':<15}{'memory':<10}pages mappings  {'place':<7}{both}{both} ratio")
    print("\n".join(map(str, measured)))
    print("\ngeometric means of the ratios of both calls together")
    for call in dict.fromkeys(row.call for row in measured):
        print(f"{call:<15}{mean([row for row in measured if row.call == call]):>6.3f}")
    below = missed(measured)
    print("\n".join(["", "missed:", *below] if below else ["", "no bar is missed"]))


def main() -> None:
    """Do what is asked for."""
    match sys.argv[1:]:
        case ["behaviour", name, *parameters]:
            show("behaviour", name, parameters, processors=1)
        case ["threads" | "swap" as program, name, *parameters]:
            show(program, name, parameters, processors=2)
        case []:
            compare(KERNELS)
        case [stock, patched, *parameters] if stock not in {"behaviour", "threads", "swap"}:
            compare([stock, patched], " ".join(parameters))
        case _:
            sys.exit((__doc__ or "").split("\n\n")[1])


if __name__ == "__main__":
    main()
