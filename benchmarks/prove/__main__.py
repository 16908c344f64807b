# SPDX-License-Identifier: Apache-2.0
"""States a second of `lockproof prove` on one core, against a bare C loop that only enumerates them."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from lockproof.runners.models import exhaustive, model_names

PAGES = 6


def floor(states_of_a_call: int) -> float:
    """Return the seconds that the bare loop takes for a state."""
    with TemporaryDirectory() as folder:
        program = Path(folder) / "floor"
        subprocess.run(["cc", "-O3", "-o", program, Path(__file__).with_name("floor.c")], check=True)
        done = subprocess.run([program, f"{PAGES}", f"{states_of_a_call}"], capture_output=True, text=True, check=True)
    states, seconds = done.stdout.split()
    return float(seconds) / int(states)


def main() -> None:
    """Measure every model between two runs of the floor."""
    print(f"every state of up to {PAGES} pages, one core\n")
    print(f"{'':<24} {'states':>12} {'seconds':>8} {'million/s':>10} {'ratio':>7}")
    bare = floor(3)
    print(f"{'bare C loop (the floor)':<24} {'':>12} {'':>8} {1e-6 / bare:>10.1f} {1:>7.2f}")
    for model in model_names():
        began = time.monotonic()
        part = exhaustive.explore(model, 0, exhaustive.spaces(PAGES), pages=PAGES, threads=1)
        seconds = time.monotonic() - began
        each = seconds / part.states
        row = f"{part.states:>12} {seconds:>8.2f} {1e-6 / each:>10.2f} {each / bare:>7.1f}"
        print(f"{'model:' + model:<24} {row}")
    print(f"\nThe floor took {bare * 1e9:.2f} ns a state before and {floor(3) * 1e9:.2f} ns after.")


if __name__ == "__main__":
    main()
