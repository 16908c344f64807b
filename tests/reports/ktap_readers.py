# SPDX-License-Identifier: Apache-2.0
"""How KTAP is read: strictly by Documentation/dev-tools/ktap.rst, and as LKFT, openQA and netdev's CI read that of selftests.

The latter from what they were seen to do: Linaro/test-definitions automated/linux/kselftest/parse-output.py with
tap.py, OpenQA::Parser::Format::KTAP, and linux-netdev/nipa contest/remote/lib/results.py.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

__all__ = ["Test", "lkft", "nested", "netdev", "openqa"]

_RESULT = re.compile(r"(ok|not ok) ([0-9]+) ([^#]*?)(?: # (.*))?")
_TAP = re.compile(r"(not )?ok ([0-9]+)? ?([^#]*)(?:#(.*))?")


@dataclass
class Test:
    """A test as the specification has it."""

    __test__ = False

    name: str
    word: str = ""
    """`ok`, `not ok` or `skip`."""
    directive: str = ""
    tests: list[Test] = field(default_factory=list)


def nested(text: str) -> Test:
    """Read the dialect of the specification; an assertion fails where a line is not as it has to be."""
    assert text.endswith("\n")
    assert text.isprintable() or set(re.sub("[^\x00-\x1f\x7f]", "", text)) == {"\n"}
    lines = text.split("\n")[:-1]
    root = Test("")
    rest = _block(lines, "", root)
    assert rest == []
    return root


def _block(lines: list[str], indent: str, group: Test) -> list[str]:
    """Read a block of tests, and return the lines behind it."""
    assert lines.pop(0) == f"{indent}KTAP version 1"
    while lines[0].startswith(f"{indent}# "):
        header = re.fullmatch(f"{indent}# Subtest: (.*)", lines.pop(0))
        group.name = header[1] if header else group.name
    (count,) = re.fullmatch(rf"{indent}1\.\.([0-9]+)", lines.pop(0)).groups()  # type: ignore[union-attr]
    for number in range(1, int(count) + 1):
        test = Test("")
        if lines[0] == f"{indent}  KTAP version 1":
            lines = _block(lines, f"{indent}  ", test)
        while lines[0].startswith(f"{indent}# "):
            assert not lines[0].startswith(f"{indent}# Subtest: ")
            assert "#" not in lines.pop(0)[len(indent) + 1 :]
        found = re.fullmatch(indent + _RESULT.pattern, lines.pop(0))
        assert found is not None
        assert int(found[2]) == number
        assert test.name in ("", found[3])
        assert "#" not in (found[4] or "")
        test.name, test.directive = found[3], found[4] or ""
        test.word = "skip" if test.directive.startswith("SKIP") else found[1]
        group.tests.append(test)
    return lines


def lkft(text: str) -> dict[str, str]:
    """Return the names and results that LKFT makes of the dialect of selftests; a name twice is an error."""
    found: dict[str, str] = {}
    for name, result in _flattened("", text):
        assert name not in found
        found[name] = result
    return found


def _flattened(prefix: str, text: str) -> list[tuple[str, str]]:
    results = []
    inner = ""
    for line in text.split("\n"):
        match = _TAP.fullmatch(line)
        if match:
            directive = (match[4] or "").strip()
            skipped = not match[1] and directive.lower().startswith("skip")
            name = f"{match[3].strip().removeprefix('selftests:')} {directive[4:] if skipped else ''}".strip()
            slug = prefix + re.sub("(^_|_$)", "", re.sub("[^A-Za-z0-9_-]+", "_", name))
            results += _flattened(f"{slug}_", inner)
            results.append((slug, "skip" if skipped else "fail" if match[1] else "pass"))
            inner = ""
        elif line.startswith("#"):
            inner += f"{line[1:].strip()}\n"
    return results


def openqa(text: str) -> dict[str, list[tuple[str, str]]]:
    """Return what openQA shows of the dialect of selftests: steps by test; what is outside of a test is lost."""
    found: dict[str, list[tuple[str, str]]] = {}
    steps: list[tuple[str, str]] | None = None
    for line in text.split("\n"):
        if re.match(r"# selftests: lockproof: \S+$", line):
            steps = []
        elif (end := re.match(r"(?:not )?ok [0-9]+ selftests: lockproof: (\S+)", line)) and steps is not None:
            found[end[1]], steps = steps, None
        elif (step := re.match(r"# (not ok|ok) [0-9]+ ([^#]*?)(?: #.*)?$", line)) and steps is not None:
            steps.append((step[2], step[1]))
    return found


def netdev(text: str) -> Counter[str]:
    """Count the cases that netdev's CI sees within the tests; words that override a result are an error."""
    assert not re.search(r" FAIL:|\[FAIL\]|SKIP:|\[SKIP\]", text)
    counts = Counter({"pass": 0})
    for line in text.split("\n"):
        match = re.fullmatch(r"# (not )?ok (\d+)( -)? ([^#]*[^ ])( +# )?([^ ].*)?", line)
        if match:
            skipped = (match[6] or "").upper().startswith("SKIP")
            counts["skip" if skipped else "fail" if match[1] else "pass"] += 1
    return counts
