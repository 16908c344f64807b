# SPDX-License-Identifier: Apache-2.0
"""What libposixmlock.so adds to mlock and munlock that succeed.

    python benchmarks/posixmlock

A pair of raw system calls and a pair through the wrapper are made in turn by one process, so that both meet the same
machine. The number to quote is the ratio of their medians; the same program without the wrapper, whose ratio is that
of two equal things, says how far to trust it.
"""

from __future__ import annotations

import os
import platform
import subprocess
import tempfile
from pathlib import Path

from lockproof.runners import shims

HERE = Path(__file__).parent
ROUNDS = {1: 20000, 16: 10000, 4096: 200}  # by pages
BEFORE = {"nothing": 0, "the first half": -1, "every other page": 2}


def pairs(program: Path, pages: int, locked: int, preload: str) -> tuple[float, float]:
    """Return the microseconds of a raw pair, and of one by the functions that are found."""
    environment = os.environ | {"LD_PRELOAD": preload}
    command = [str(program), str(pages), str(locked), str(ROUNDS[pages])]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    raw, other = map(float, done.stdout.split())
    return raw, other


def main() -> None:
    """Measure, and print a table."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "pairs"
        subprocess.run(["cc", "-O2", "-o", program, HERE / "pairs.c"], check=True)
        print(f"mlock and munlock on {platform.system()} {platform.release()}, medians\n")
        print("locked before       pages   raw us   wrapped us   ratio   without the wrapper")
        for name, locked in BEFORE.items():
            for pages in ROUNDS:
                plain, same = pairs(program, pages, locked, "")
                raw, wrapped = pairs(program, pages, locked, shims.path("posixmlock"))
                print(f"{name:<18}{pages:>7}{raw:>9.2f}{wrapped:>13.2f}{wrapped / raw:>8.2f}{same / plain:>22.2f}")


if __name__ == "__main__":
    main()
