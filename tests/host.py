# SPDX-License-Identifier: Apache-2.0
"""What of a machine could be left other than it was: python -m tests.host before.json looks, and compares if it is there."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

__all__ = ["differences", "look"]

Host = dict[str, list[str]]

_SETTINGS = (
    "/proc/sys/vm/*",
    "/proc/sys/kernel/*",
    "/proc/sys/debug/*",
    "/sys/kernel/mm/transparent_hugepage/*",
    "/sys/kernel/mm/hugepages/*/nr_hugepages",
    "/sys/kernel/debug/fail*/*",
    "/sys/fs/cgroup/cgroup.subtree_control",
)
_COUNTERS = {
    *(
        "ns_last_pid",
        "pid_max",
        "threads-max",
        "nr_pdflush_threads",
        "stat_refresh",
        "random",
        "sched_domain",
        "tainted",
    ),
    *("perf_event_max_sample_rate", "hung_task_detect_count"),
}
"""What changes by itself, or as others start processes."""
_SHARED = "/dev/shm"  # noqa: S108  it is only looked at
_OURS = ("lockproof", "posixmlock")


def look(mark: str = "") -> Host:
    """Return what there is, by kind: settings, mounts, cgroups, files, and processes of lockproof.

    `mark`: what is in the environment of processes that are meant; empty: they are told by their names.
    """
    return {
        "settings": [f"{path}: {_text(path)}" for pattern in _SETTINGS for path in _glob(pattern)],
        "mounts": sorted(line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()),
        "cgroups": [str(path) for path in _folders(Path("/sys/fs/cgroup"))],
        "shared memory": [path.name for path in _glob(f"{_SHARED}/*")],
        "temporary files": [path.name for path in _glob(f"{tempfile.gettempdir()}/*") if _is_ours(path.name)],
        "processes": _processes(mark.encode()),
    }


def differences(before: Host, after: Host) -> list[str]:
    """Say what is there and was not, and what was there and is not."""
    found = []
    for kind in before:
        found += [f"{kind}: + {each}" for each in after[kind] if each not in before[kind]]
        found += [f"{kind}: - {each}" for each in before[kind] if each not in after[kind]]
    return found


def _glob(pattern: str) -> list[Path]:
    return sorted(path for path in Path("/").glob(pattern.lstrip("/")) if path.name not in _COUNTERS)


def _text(path: Path) -> str:
    with suppress(OSError, UnicodeDecodeError):
        if path.is_file():
            return path.read_text().strip()
    return ""


def _folders(top: Path) -> list[Path]:
    return sorted(path for path in top.rglob("*") if path.is_dir()) if top.is_dir() else []


def _is_ours(name: str) -> bool:
    return any(word in name for word in _OURS)


def _processes(mark: bytes) -> list[str]:
    """Return the command lines of processes with the mark, or else of probes and guests."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended
            words = (folder / "cmdline").read_bytes().split(b"\0")
            names = {os.path.basename(word) for word in words[:4]}  # noqa: PTH119  bytes
            is_named = any(name.startswith((b"lockproof", b"qemu-system", b"runsc")) for name in names)
            if mark in (folder / "environ").read_bytes() if mark else is_named:
                found.append(b" ".join(words).decode(errors="replace"))
    return sorted(found)


def main(file: Path) -> int:
    """Look, and compare with what was there where a look before was kept; 1 where there is a difference."""
    if not file.exists():
        file.write_text(json.dumps(look()))
        return 0
    found = differences(json.loads(file.read_text()), look())
    sys.stdout.writelines(f"{each}\n" for each in found or ["the machine is as it was"])
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
