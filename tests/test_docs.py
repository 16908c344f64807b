# SPDX-License-Identifier: Apache-2.0
"""What documents show is run again by tests/docs.py; here is tried that it finds what is stale, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import docs

if TYPE_CHECKING:
    from pathlib import Path

TABLE = """\
target  kernel                      PASS  FAIL  UNRESOLVED  UNSUPPORTED  UNTESTED
local   Linux {} x86_64, 4 KiB   549    82           0            3       {}
"""


@pytest.mark.parametrize("document", docs.documents(), ids=lambda path: path.name)
def test_every_block_that_shows_something_says_what_prints_it_or_why_that_is_not_run(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert [block.line for block in docs.blocks(text) if not block.is_explained] == []


def test_blocks_are_found_with_the_comment_before_them() -> None:
    text = (
        "a\n```\nb\n```\n<!-- output: c d -->\n```console\ne\n```\n\n```sh\nf\n```\n<!-- file: g -->\n```yaml\nh\n```\n"
    )
    assert list(docs.blocks(text)) == [
        docs.Block(2, "", "b\n", None),
        docs.Block(6, "console", "e\n", ("output", "c d")),
        docs.Block(10, "sh", "f\n", None),
        docs.Block(14, "yaml", "h\n", ("file", "g")),
    ]
    assert [block.is_explained for block in docs.blocks(text)] == [False, True, True, True]


def test_commands_of_a_block_are_its_lines_with_a_dollar_or_its_comment() -> None:
    assert docs.Block(1, "console", "$ a\nb\n$ c\n$ d\ne\nf\n", None).commands() == [
        ("a", "b\n"),
        ("c", ""),
        ("d", "e\nf\n"),
    ]
    assert docs.Block(1, "", "a\n", ("output", "b")).commands() == [("b", "a\n")]
    assert docs.Block(1, "", "$ a\nb\n", ("not run", "why")).commands() == []
    assert docs.Block(1, "sh", "$ a\n", None).commands() == []


@pytest.mark.parametrize(("shown", "printed"), [
    ("a\n", "a\n"),
    ("a\n\nb", "a\n\nb\n\n"),
    ("took 1.5 s, 3 MiB", "took 22 s, 9.5 MiB"),
    ("results/20261123T103424/", "results/20261126T000000/"),
    ("results/20261123T103424/", "results/20261126T000000-2/"),
    ("Linux 6.18.44-a x86_64", "Linux 6.18.45-fc-b x86_64"),
    (TABLE.format("6.18.44-a", 204), TABLE.format("6.18.44-abcdef", 204)),
    (TABLE.format("6.18.44-a", 204), TABLE.format("6.1.1", 210).replace("549", "543")),
    ("a … c", "a b b c"),
    ("a\n…\nd", "a\nb\nc\nd"),
    ("a\n…\nd", "a\nd"),
    ("…\nd", "b\nd"),
])  # fmt: skip
def test_what_varies_is_no_difference(shown: str, printed: str) -> None:
    assert docs.differences(shown, printed) == []


@pytest.mark.parametrize(("shown", "printed"), [
    ("a\n", "b\n"),
    ("a\n", "a\nb\n"),
    ("a\nb\n", "a\n"),
    ("822 cases", "838 cases"),
    ("  a", "a"),
    ("Linux 6.18.44-a x86_64 1 PASS", "Linux 6.18.44-a x86_64 2 PASS"),
    (TABLE.format("6.18.44-a", 204), TABLE.format("6.18.44-a", 205)),
    (TABLE.format("6.18.44-a", 204), TABLE.format("6.1.1", 205)),
    (TABLE.format("6.18.44-a", 204), "Linux 6.1 says nothing"),
    ("a … c", "a b"),
    ("a\n…\nd", "a\nb\nc"),
    ("a.c", "abc"),
])  # fmt: skip
def test_what_is_stale_is_found(shown: str, printed: str) -> None:
    assert docs.differences(shown, printed) != []


def test_a_document_is_checked_with_its_files_and_can_be_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docs, "TOP", tmp_path)
    document = docs.TOP / "a.md"
    text = "<!-- file: f -->\n```yaml\nx: 1\n```\n```console\n$ cat f\nx: {}\n$ echo 7 s\n5 s\n```\n```\nwho says this\n```\n"
    document.write_text(text.format(2))
    found = docs.check(document, write=True)
    assert [each.splitlines()[0] for each in found] == [
        "a.md:5: cat f",
        "a.md:11: says not what prints it; put <!-- output: COMMAND --> on the line before",
    ]
    assert document.read_text() == text.format(1)
