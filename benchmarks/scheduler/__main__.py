# SPDX-License-Identifier: Apache-2.0
"""What a run on a cluster costs, against the same run on one machine: python benchmarks/scheduler [TARGET [CASE]].

The cluster is on this machine: a scheduler and workers of one thread, each a process of its own, started before. Two
workers on two cores are the speed-up that there can be; one worker is what the way there and back costs.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from distributed import LocalCluster

LOCKPROOF = Path(sys.executable).with_name("lockproof")


def run(folder: str, name: str, arguments: list[str]) -> float:
    """Return the seconds of a run; anything but 0 and 1 ends the benchmark."""
    began = time.monotonic()
    command = [str(LOCKPROOF), "run", "--results", f"{folder}/{name}", *arguments]
    if subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode not in {0, 1}:
        sys.exit(f"{' '.join(command)} failed")
    return time.monotonic() - began


def verdicts(folder: str, name: str) -> tuple[dict[str, str], int]:
    """Return what became of each case, and the bytes of the results."""
    (found,) = Path(folder, name).glob("*/results.jsonl")
    content = found.read_bytes()
    results = map(json.loads, content.splitlines())
    return {result["case"]: result["verdict"]["status"] for result in results}, len(content)


def main() -> None:
    """Measure one machine, and a cluster of one and of two workers."""
    target = sys.argv[1] if len(sys.argv) > 1 else "local"
    arguments = ["-t", target, *sys.argv[2:]]
    with tempfile.TemporaryDirectory() as folder:
        alone = run(folder, "alone", [*arguments, "-j", "1"])
        expected, size = verdicts(folder, "alone")
        print(f"{target}, {len(expected)} cases, {size / 1e6:.1f} MB of results\n")
        print(f"{'':24}{'seconds':>9}{'speed-up':>10}   verdicts")
        print(f"{'one machine, -j 1':24}{alone:9.1f}{1:10.2f}")
        for count in (1, 2):
            cluster = LocalCluster(  # type: ignore[no-untyped-call]
                n_workers=count, threads_per_worker=1, dashboard_address=":0", silence_logs=50
            )
            with cluster as local:
                seconds = run(folder, f"{count}", [*arguments, "--scheduler", local.scheduler_address])
            same = "the same" if verdicts(folder, f"{count}")[0] == expected else "OTHERS"
            name = f"{count} worker{'s' * (count > 1)}"
            print(f"{name:24}{seconds:9.1f}{alone / seconds:10.2f}   {same}")


if __name__ == "__main__":
    main()
