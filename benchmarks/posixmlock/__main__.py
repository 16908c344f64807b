# SPDX-License-Identifier: Apache-2.0
"""What libposixmlock.so costs.

    python benchmarks/posixmlock [LIBRARY]

LIBRARY: another build of it, to compare with.

First calls that fail, and what is made near locks on fault, without the wrapper and with it, in a process with little
resident memory and in one with much. Then pairs of mlock and munlock that succeed, raw and through the wrapper in turn
in one process, so that both meet the same machine. The number to quote of those is the ratio of their medians; the same
program without the wrapper, whose ratio is that of two equal things, says how far to trust it.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from lockproof.runners import shims

HERE = Path(__file__).parent
ROUNDS = {1: 20000, 16: 10000, 4096: 200}  # by pages
BEFORE = {"nothing": 0, "the first half": -1, "every other page": 2}
RESIDENT = (16, 2048)  # MiB


def compiled(name: str, folder: Path) -> Path:
    """Return the program, compiled."""
    subprocess.run(["cc", "-O2", "-o", folder / name, HERE / f"{name}.c"], check=True)
    return folder / name


def said_by(program: Path, *arguments: object, preload: str) -> str:
    """Return what a program prints."""
    command = [str(program), *map(str, arguments)]
    environment = os.environ | {"LD_PRELOAD": preload}
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def costs(program: Path, mebibytes: int, preload: str) -> dict[str, float]:
    """Return the microseconds of each row of costs.c, in a process with so much resident memory."""
    lines = said_by(program, mebibytes, preload=preload).splitlines()
    return {name: float(microseconds) for name, _, microseconds in (line.partition("\t") for line in lines)}


def print_costs(program: Path, library: str) -> None:
    """Print a row for each kind of call."""
    columns = [costs(program, mebibytes, preload) for mebibytes in RESIDENT for preload in ("", library)]
    print("microseconds                              16 MiB resident           2 GiB resident")
    print("                                             raw    wrapped          raw    wrapped")
    for name in columns[0]:
        raw, wrapped, more_raw, more_wrapped = (column[name] for column in columns)
        print(f"{name:<38}{raw:>10.1f}{wrapped:>11.1f}{more_raw:>13.1f}{more_wrapped:>11.1f}")


def print_pairs(program: Path, library: str) -> None:
    """Print a row for each number of pages and what of them is locked before."""
    print("locked before       pages   raw us   wrapped us   ratio   without the wrapper")
    for name, locked in BEFORE.items():
        for pages, rounds in ROUNDS.items():
            plain, same = map(float, said_by(program, pages, locked, rounds, preload="").split())
            raw, wrapped = map(float, said_by(program, pages, locked, rounds, preload=library).split())
            print(f"{name:<18}{pages:>7}{raw:>9.2f}{wrapped:>13.2f}{wrapped / raw:>8.2f}{same / plain:>22.2f}")


def main() -> None:
    """Measure, and print two tables."""
    library = sys.argv[1] if len(sys.argv) > 1 else shims.path("posixmlock")
    print(f"mlock and munlock on {platform.system()} {platform.release()}, medians\n")
    with tempfile.TemporaryDirectory() as folder:
        print_costs(compiled("costs", Path(folder)), library)
        print()
        print_pairs(compiled("pairs", Path(folder)), library)


if __name__ == "__main__":
    main()
