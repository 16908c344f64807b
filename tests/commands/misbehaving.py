# SPDX-License-Identifier: Apache-2.0
"""A probe that says a true hello, and then misbehaves as its argument says. Its second argument is a true probe."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time

SNAPSHOT = '{"locked":{"smaps":"..."},"resident":null,"mappings":null,"accounted":null,"elsewhere":null}'


def hello(probe: str) -> str:
    """Return what the probe says of this machine."""
    done = subprocess.run([probe], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    return done.stdout


def lines(kind: str) -> itertools.chain[str]:
    """Return endless lines."""
    match kind:
        case "executions":
            one = f'{{"before":{SNAPSHOT}}}\n{{"execution":0,"status":"done"}}\n'
        case "steps":
            one = f'{{"before":{SNAPSHOT}}}\n'
        case "refusals":
            one = '{"refused":"p0","line":1,"reason":"' + "x" * 1000 + '"}\n'
        case "one-line":
            one = "x" * 65536
        case _:
            raise ValueError(kind)
    return itertools.chain.from_iterable(itertools.repeat([one * 100]))


def main(kind: str, probe: str) -> None:
    """Misbehave."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if kind != "no-hello":
        sys.stdout.write(hello(probe))
        sys.stdout.flush()
    sys.stdin.readline()
    if kind == "closed":
        os.close(1)
    elif kind == "errors":
        while True:
            sys.stderr.write("x" * 65536)
    elif kind not in {"silent", "no-hello"}:
        for text in lines(kind):
            sys.stdout.write(text)
    while True:
        time.sleep(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
