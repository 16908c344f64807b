# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lockproof.conformance.errors import Location
from lockproof.conformance.language.yaml_nodes import Mapping, Node, Scalar, Sequence, read


def root(text: str) -> Node:
    node, problems = read(text.encode(), "f.yaml")
    assert node is not None
    assert problems == []
    return node


def problems_in(content: str | bytes) -> list[str]:
    _, problems = read(content.encode() if isinstance(content, str) else content, "f.yaml")
    return [str(problem) for problem in problems]


def at(line: int, column: int) -> Location:
    return Location("f.yaml", line, column)


def test_every_key_and_value_has_its_position() -> None:
    assert root("- id: x\n  é é: [a,  bc]\n") == Sequence(
        at(1, 1),
        (
            Mapping(
                at(1, 3),
                (
                    (Scalar(at(1, 3), "id"), Scalar(at(1, 7), "x")),
                    (
                        Scalar(at(2, 3), "é é"),
                        Sequence(at(2, 8), (Scalar(at(2, 9), "a"), Scalar(at(2, 13), "bc"))),
                    ),
                ),
            ),
        ),
    )


@pytest.mark.parametrize(
    "text",
    ["no", "on", "yes", "~", "null", "=", "<<", "017", "0o17", "0x1F", "6.12", "1_000", "12:30", "1e3", ".L.", "._",
     ".__", "___", "a*1000", "true", "2026-11-23", "^^^", "???", ".inf"],
)  # fmt: skip
def test_a_scalar_is_the_text_that_was_written(text: str) -> None:
    node = root(f"- {text}\n- key: {text}\n")
    assert isinstance(node, Sequence)
    assert node.items[0] == Scalar(at(1, 3), text)
    assert isinstance(node.items[1], Mapping)
    assert node.items[1].get("key") == Scalar(at(2, 8), text)


def test_a_mapping_gives_the_value_of_a_key_or_none() -> None:
    node = root("{a: 1, b: 2}")
    assert isinstance(node, Mapping)
    assert node.get("b") == Scalar(at(1, 11), "2")
    assert node.get("c") is None


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "\ufeff"])
def test_a_file_without_content_has_no_node_and_no_problem(text: str) -> None:
    assert read(text.encode(), "f.yaml") == (None, [])


def test_all_duplicate_keys_are_reported_at_once() -> None:
    node, problems = read(b"a: 1\nb: {c: 1, c: 2}\na: 3\na: 4\n", "f.yaml")
    assert [str(problem) for problem in problems] == [
        "f.yaml:2:11: 'c' stands here a second time, first in line 2; remove one of them",
        "f.yaml:3:1: 'a' stands here a second time, first in line 1; remove one of them",
        "f.yaml:4:1: 'a' stands here a second time, first in line 1; remove one of them",
    ]
    assert isinstance(node, Mapping)
    assert node.get("a") == Scalar(at(1, 4), "1")


def test_an_alias_bomb_is_refused_at_its_first_alias() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert problems_in(bomb) == [
        (
            "f.yaml:2:8: *a is an alias, which case files do not have; write the value itself, or quote a text that "
            "begins with *"
        )
    ]


@pytest.mark.parametrize(
    ("text", "tag"),
    [("- !!int 3", "tag:yaml.org,2002:int"), ("- !mine [a]", "!mine"),
     ("- !!python/object/apply:os.system [true]", "tag:yaml.org,2002:python/object/apply:os.system")],
)  # fmt: skip
def test_a_tag_is_refused(text: str, tag: str) -> None:
    assert problems_in(text) == [f"f.yaml:1:3: {tag} is a tag, which case files do not have; remove it"]


@pytest.mark.parametrize(("opening", "column"), [("[", 34), ("- ", 67), ("{a: ", 130), ("? ", 67)])
def test_deep_nesting_is_refused(opening: str, column: int) -> None:
    assert problems_in(opening * 900) == [f"f.yaml:1:{column}: nested deeper than 32 levels; write it flatter"]


@pytest.mark.parametrize("opening", ["[", "- ", "{a: ", "? "])
def test_nesting_that_is_too_deep_for_the_parser_itself_is_refused_in_the_same_words(opening: str) -> None:
    (problem,) = problems_in(opening * 50_000)
    assert re.fullmatch(r"f\.yaml:1:\d+: nested deeper than 32 levels; write it flatter", problem)


def test_thirty_two_levels_are_not_too_deep() -> None:
    assert problems_in("[" * 33 + "]" * 33) == []


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("a:\n\t- b\n", "2:1: a tab; indent with blanks"),
        ("é: [1,\n\t- x", "2:2: a tab; indent with blanks"),
        ("- a: 1\n\tb: 2\n", "2:1: a tab; indent with blanks"),
        ("- é: é\x01", "1:7: a control character; remove it"),
        ("a: b\nc: \x00", "2:4: a control character; remove it"),
        ("ééé: \ufffe", "1:6: a control character; remove it"),
        (b"a: \xff", "1:4: byte 0xff is not UTF-8; save the file as UTF-8"),
        (b"- a\n- \xc3\xa9\xe9", "2:4: byte 0xe9 is not UTF-8; save the file as UTF-8"),
        ("a".encode("utf-16"), "1:1: byte 0xff is not UTF-8; save the file as UTF-8"),
        (b"a: \xed\xa0\x80", "1:4: byte 0xed is not UTF-8; save the file as UTF-8"),
        ("- a\n---\n- b\n", "2:1: a second document; write one list in each file"),
        ("{a: 1, ? [x] : 2}", "1:10: a key is not a text; write a name before the colon"),
        (
            "a: b: c",
            (
                "1:5: mapping values are not allowed in this context; check the indentation, colons and brackets here "
                "and in the line before"
            ),
        ),
        (
            "a: [b\n",
            (
                "2:1: did not find expected ',' or ']'; check the indentation, colons and brackets here and in the "
                "line before"
            ),
        ),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place(content: str | bytes, problem: str) -> None:
    assert problems_in(content) == [f"f.yaml:{problem}"]


def test_a_byte_order_mark_is_ignored() -> None:
    assert root("\ufeff- a") == Sequence(at(1, 1), (Scalar(at(1, 3), "a"),))


@given(st.binary() | st.text(alphabet="-:[]{}&*!|>'\"%@`#,?~ \n\t\r\x85\u2028aé\ufeff\x00").map(str.encode))
@example(b"%YAML 2.0\n---\na")
@example(b"? a\n? b")
@example(b"!<")
@example(b"\xfe\xff")
def test_no_bytes_raise_an_exception(content: bytes) -> None:
    node, problems = read(content, "f.yaml")
    assert node is None or isinstance(node, Scalar | Sequence | Mapping)
    for problem in problems:
        assert problem.location.line >= 1
        assert problem.location.column >= 1
        assert "; " in problem.message
