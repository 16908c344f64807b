# SPDX-License-Identifier: Apache-2.0
"""Many rounds of chaos by hand: python -m tests.chaos --rounds 200 --seed 1 --target local."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.chaos.disturbed import Asked, disturb, undisturbed


def main() -> int:
    """Run rounds, print what happened, and return 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1, help="of the first round; each has the next number")
    parser.add_argument("--target", default="local")
    parser.add_argument("--scheduler", action="store_true", help="on a cluster of this machine")
    parser.add_argument("--repeat", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="no round begins after that")
    given = parser.parse_args()
    asked = Asked(target=given.target, repeat=given.repeat, has_disk=os.geteuid() == 0, has_cluster=given.scheduler)
    happened: Counter[str] = Counter()
    began, done, wrong = time.monotonic(), 0, 0
    with tempfile.TemporaryDirectory(prefix="lockproof-chaos-") as folder:
        expected = undisturbed(Path(folder) / "undisturbed", asked)
        for seed in range(given.seed, given.seed + given.rounds):
            if time.monotonic() - began > given.seconds:
                break
            made = disturb(Path(folder) / str(seed), asked, seed, expected)
            happened += made.happened
            done += 1
            wrong += bool(made.wrong)
            for what in made.wrong:
                sys.stdout.write(f"seed {seed}: {what}\n")
                sys.stdout.flush()
    sys.stdout.write(f"{done} rounds on {given.target} from seed {given.seed}, {len(expected)} results each, ")
    sys.stdout.write(f"in {time.monotonic() - began:.0f} s: {wrong} wrong\n")
    sys.stdout.writelines(f"  {count:5} {what}\n" for what, count in sorted(happened.items()))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
