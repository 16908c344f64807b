# SPDX-License-Identifier: Apache-2.0
"""How large the evidence of a certificate is, and how long it takes to verify, against reading it only.

    python benchmarks/certificate [TARGET...]

A certificate is made of each target (`local` and `model:posix` without one) and verified by the command. The floor
unpacks the same traces and parses their JSON, once, in a process that does nothing else. Seconds are of the processor.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

LOCKPROOF = str(Path(sys.executable).with_name("lockproof"))
STATEMENT = "who: A benchmark\nproduct: None\nversion: '1'\ncontact: nobody@example.org\n"
FLOOR = """
import json, sys, zstandard
with open(sys.argv[1], "rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as traces:
    for line in traces.read().splitlines():
        for each in json.loads(line):
            json.loads(each) if isinstance(each, str) else each
"""


def spent(*command: str) -> tuple[float, float]:
    """Run a command, and return the seconds that it took: of the processor, and on the clock."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, time.monotonic() - began


def measure(target: str, folder: Path) -> None:
    """Print the row of a target."""
    made = folder / target.replace(":", "-").replace("/", "-")
    command = [LOCKPROOF, "certify", "-t", target, "-o", str(made), "--key", str(folder / "key"), "--statement"]
    command += [str(folder / "STATEMENT.yaml"), "--results", str(folder / "results")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not made.is_dir():
        sys.exit(f"{target}: {done.stderr.strip()}")
    traces = made / "traces.jsonl.zst"
    bare, _ = spent(sys.executable, "-c", FLOOR, str(traces))
    verified, clock = spent(LOCKPROOF, "certificate", "verify", str(made))
    whole = sum(file.stat().st_size for file in made.iterdir())
    sizes = f"{traces.stat().st_size / 1024:>10.1f} {whole / 1024:>10.1f}"
    print(f"{target:<20} {sizes} {bare:>8.2f} {verified:>8.2f} {clock:>8.2f} {verified / bare:>7.1f}")


def main() -> None:
    """Measure each target."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "STATEMENT.yaml").write_text(STATEMENT)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key"], check=True)
        heads = ("traces KiB", "folder KiB", "floor s", "verify s", "clock s", "ratio")
        print(" " * 20 + "".join(f" {head:>{width}}" for head, width in zip(heads, (10, 10, 8, 8, 8, 7), strict=True)))
        for target in sys.argv[1:] or ("local", "model:posix"):
            measure(target, folder)


if __name__ == "__main__":
    main()
