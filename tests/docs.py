# SPDX-License-Identifier: Apache-2.0
"""What README and docs show of lockproof: run again, and compared. `python -m tests.docs [--write] [FILE]...`.

A fenced block without a language, or of `console`, shows what a command prints. Its lines that begin with `$ ` are the
commands, or the line before the block names it:

    <!-- output: lockproof run | head -n 3 -->
    <!-- not run: WHY -->          it cannot be run here, or takes too long
    <!-- file: mine.yaml -->       no output, but a file that the commands of the same document read

They run in a folder of their own, with no more of the checkout in it than results/baselines.

What varies is not compared: … within a line stands for any text, a line … for any lines; times, sizes of memory, names
of runs, and releases of kernels behind their first two numbers. Where the kernel is another one than that which the
document shows, the sums of its counts are compared.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TOP = Path(__file__).parent.parent
_COMMENT = re.compile(r"<!-- (output|not run|file): (.+) -->")
_SHOWS = ("", "console")
_LIMIT = 900  # seconds
_VARIES = (
    (re.compile(r"\b\d{8}T\d{6}(?:-\d+)?\b"), "RUN"),  # a second one in the same second has a number
    (re.compile(r"\b\d+(?:\.\d+)?(?:e-\d+)? (s|ms|us|MiB|KiB/s|million/s)\b"), r"N \1"),
    (re.compile(r'"seconds":[\d.e-]+'), '"seconds":N'),
    (re.compile(r"\bLinux (\d+\.\d+)[^ ,]*"), r"Linux \1"),
)
_RELEASE = re.compile(r"\bLinux (\d+\.\d+)")
_COUNTS = re.compile(r"^(\S+) .*?((?:\s+\d+){5})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a document."""

    line: int
    """Of its first fence, counted from 1."""
    language: str
    text: str
    comment: tuple[str, str] | None
    """Kind and argument of the comment on the line before."""

    @property
    def shows(self) -> bool:
        """Whether it shows what something prints."""
        return self.language in _SHOWS

    def commands(self) -> list[tuple[str, str]]:
        """Return its commands, each with what it is said to print."""
        if self.comment is not None:
            kind, argument = self.comment
            return [(argument, self.text)] if kind == "output" else []
        parts = re.split(r"^\$ (.*)\n", self.text, flags=re.MULTILINE)
        return list(zip(parts[1::2], parts[2::2], strict=True)) if self.shows and not parts[0] else []

    @property
    def is_explained(self) -> bool:
        """Whether it shows nothing, says how it comes about, or why that is not tried."""
        return not self.shows or self.comment is not None or bool(self.commands())


def blocks(text: str) -> Iterator[Block]:
    """Yield the fenced blocks of a document."""
    lines = text.splitlines(keepends=True)
    start = None
    for number, line in enumerate(lines):
        if line.startswith("```"):
            if start is None:
                start = number
                continue
            before = _COMMENT.fullmatch(lines[start - 1].strip()) if start else None
            comment = (before[1], before[2]) if before else None
            yield Block(start + 1, lines[start][3:].strip(), "".join(lines[start + 1 : number]), comment)
            start = None


def documents() -> list[Path]:
    """Return the documents that show what lockproof prints."""
    return [TOP / "README.md", *sorted((TOP / "docs").glob("*.md"))]


def differences(shown: str, printed: str) -> list[str]:
    """Return in what an output differs from what is shown of it, as lines of a diff; none: it does not."""
    if set(_RELEASE.findall(shown)) != set(_RELEASE.findall(printed)):
        before, after = (
            [f"{target} {sum(map(int, counts.split()))}" for target, counts in _COUNTS.findall(text)]
            for text in (shown, printed)
        )
        return _diff(before, after) if before != after else []
    wanted, seen = _plain(shown), _plain(printed)
    pattern = "".join("(?:.*\n)*?" if line == "…" else f"{_any(line)}\n" for line in wanted)
    return [] if re.fullmatch(pattern, "".join(f"{line}\n" for line in seen)) else _diff(wanted, seen)


def _any(line: str) -> str:
    return ".*".join(map(re.escape, line.split("…")))


def _plain(text: str) -> list[str]:
    """Return the lines of a text without what varies; columns move with the names of kernels in them."""
    for pattern, instead in _VARIES:
        text = pattern.sub(instead, text)
    lines = [line.rstrip() for line in text.strip("\n").split("\n")]
    return [re.sub(r" {2,}", " ", line) if "Linux " in line or "kernel" in line else line for line in lines]


def _diff(shown: Sequence[str], printed: Sequence[str]) -> list[str]:
    return list(difflib.unified_diff(shown, printed, "shown", "printed", lineterm="", n=1))


def printed(command: str, folder: Path) -> str:
    """Run a command of a document in a folder, and return what it prints."""
    environment = {key: value for key, value in os.environ.items() if key not in {"COLUMNS", "FORCE_COLOR"}}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace", check=False, timeout=_LIMIT,
    )  # fmt: skip
    return done.stdout


def check(document: Path, *, write: bool = False) -> list[str]:
    """Run what a document shows, and return what is wrong with it; `write`: put what was printed into it, too."""
    wrong: list[str] = []
    text = document.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "results").mkdir()
        (Path(name) / "results" / "baselines").symlink_to(TOP / "results" / "baselines")
        for block in blocks(text):
            where = f"{document.relative_to(TOP)}:{block.line}"
            if not block.is_explained:
                wrong.append(f"{where}: says not what prints it; put <!-- output: COMMAND --> on the line before")
            if block.comment is not None and block.comment[0] == "file":
                (Path(name) / block.comment[1]).write_text(block.text, encoding="utf-8")
            for command, shown in block.commands():
                print(f"{where}: {command}", flush=True)  # noqa: T201
                new = printed(command, Path(name))
                if found := differences(shown, new):
                    wrong.append("\n".join([f"{where}: {command}", *found]))
                    if write and "…" not in shown:
                        text = text.replace(shown, new.strip("\n") + "\n")
    if write:
        document.write_text(text, encoding="utf-8")
    return wrong


def main() -> int:
    """Check documents; 1 where one shows what is not so."""
    parser = argparse.ArgumentParser(prog="python -m tests.docs", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--write", action="store_true", help="put what is printed into the documents, but for what has …"
    )
    parser.add_argument("documents", nargs="*", type=Path, metavar="FILE", default=documents())
    asked = parser.parse_args()
    wrong = [each for document in asked.documents for each in check(document.resolve(), write=asked.write)]
    print("\n".join(wrong) or "Nothing is stale.")  # noqa: T201
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
