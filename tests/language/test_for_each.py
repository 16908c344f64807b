# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from lockproof.conformance.language.for_each import combinations
from lockproof.conformance.language.yaml_nodes import Mapping, Node, Scalar, read


def expanded(text: str) -> tuple[list[tuple[str, object]], list[str]]:
    """Return each combination's suffix and its fields as plain data, and the mistakes."""
    node, found = read(text.encode(), "f.yaml")
    assert isinstance(node, Mapping)
    assert found == []
    combined, problems = combinations(node)
    return [(suffix, plain(entry)) for suffix, entry in combined], [str(problem) for problem in problems]


def plain(node: Node) -> object:
    match node:
        case Scalar(_, text):
            return text
        case Mapping(_, entries):
            return {key.text: plain(value) for key, value in entries}
        case _:
            return [plain(item) for item in node.items]


def problems_in(text: str) -> list[str]:
    return expanded(text)[1]


def test_without_a_matrix_there_is_one_entry_with_the_plain_name() -> None:
    assert expanded("{a: $b}") == ([("", {"a": "$b"})], [])


def test_every_combination_is_an_entry_named_by_its_values() -> None:
    entries, problems = expanded("{call: $call, length: $n, for-each: {call: [mlock, munlock], n: [-1, 1p]}}")
    assert problems == []
    assert entries == [
        ("[call=mlock,n=-1]", {"call": "mlock", "length": "-1"}),
        ("[call=mlock,n=1p]", {"call": "mlock", "length": "1p"}),
        ("[call=munlock,n=-1]", {"call": "munlock", "length": "-1"}),
        ("[call=munlock,n=1p]", {"call": "munlock", "length": "1p"}),
    ]


def test_a_label_is_the_name_and_the_value_takes_the_place() -> None:
    assert expanded("{map: $at, for-each: {at: {start: _aa, end: aa_}}}") == (
        [("[at=start]", {"map": "_aa"}), ("[at=end]", {"map": "aa_"})],
        [],
    )


def test_a_field_picks_from_a_value_with_fields() -> None:
    assert expanded("{map: $at.map, x: [$at.n], for-each: {at: {start: {map: _aa, n: {b: 1}}}}}") == (
        [("[at=start]", {"map": "_aa", "x": [{"b": "1"}]})],
        [],
    )


def test_a_reference_alone_stands_for_a_whole_node() -> None:
    assert expanded("{regions: {p: $with}, for-each: {with: {guard: {guard: G}}}}") == (
        [("[with=guard]", {"regions": {"p": {"guard": "G"}}})],
        [],
    )


def test_references_within_a_text_are_replaced() -> None:
    assert expanded("{about: 'x $a$b, $c.d and $', for-each: {a: [1], b: [2], c: {l: {d: 3}}}}") == (
        [("[a=1,b=2,c=l]", {"about": "x 12, 3 and $"})],
        [],
    )


def test_a_reference_in_braces_can_stand_before_a_letter() -> None:
    assert expanded("{about: 'x${a}y${b.c}z', for-each: {a: [1], b: {l: {c: 2}}}}") == (
        [("[a=1,b=l]", {"about": "x1y2z"})],
        [],
    )


def test_a_value_keeps_the_position_where_it_is_written() -> None:
    node, _ = read(b"map: $at\nfor-each:\n  at: [aa]\n", "f.yaml")
    assert isinstance(node, Mapping)
    ([(_, entry)], _) = combinations(node)
    value = entry.get("map")
    assert value is not None
    assert (value.at.line, value.at.column) == (3, 8)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "{call: $cal, for-each: {call: [mlock]}}",
            "1:8: call: $cal is no variable of for-each; did you mean call?",
        ),
        (
            "{steps: [{call: x$zz}], for-each: {call: [mlock], n: [1]}}",
            "1:17: steps[0].call: $zz is no variable of for-each; write one of: call, n",
        ),
        (
            "{map: $at.mop, for-each: {at: {a: {map: a}}}}",
            "1:7: map: the value of $at has no field 'mop'; write one of its fields",
        ),
        (
            "{map: $at.map, for-each: {at: [a]}}",
            "1:7: map: the value of $at has no field 'map'; write one of its fields",
        ),
        (
            "{map: x$at, for-each: {at: {a: {map: a}}}}",
            "1:7: map: $at is no text, and stands within one; let it stand alone",
        ),
        (
            "{for-each: {at: [a b]}}",
            (
                "1:18: for-each.at: 'a b' cannot be part of a name; write label: value, the label of letters, digits, "
                "'-', '_' and '.'"
            ),
        ),
        (
            "{for-each: {at: {'': x}}}",
            (
                "1:18: for-each.at: '' cannot be part of a name; write label: value, the label of letters, digits, "
                "'-', '_' and '.'"
            ),
        ),
        ("{for-each: {at: [a, b, a]}}", "1:24: for-each.at: 'a' stands here twice; remove one"),
        ("{for-each: {At: [a]}}", "1:13: for-each.At: no name for a variable; write small letters, digits and -"),
        ("{for-each: {at: []}}", "1:17: for-each.at: no value; write at least one"),
        (
            "{for-each: {at: x}}",
            "1:17: for-each.at: neither a list of texts nor values with labels; write [value, value] or {label: value}",
        ),
        (
            "{for-each: {at: [[x]]}}",
            "1:17: for-each.at: neither a list of texts nor values with labels; write [value, value] or {label: value}",
        ),
        ("{map: $x, for-each: {}}", "1:21: for-each: no variables; write variable: [value, value]"),
        ("{map: $x, for-each: [a]}", "1:21: for-each: no variables; write variable: [value, value]"),
    ],
)
def test_a_mistake_is_said_with_its_place(text: str, problem: str) -> None:
    assert set(problems_in(text)) == {f"f.yaml:{problem}"}


def test_a_matrix_that_would_fill_the_memory_is_refused() -> None:
    digits = list("0123456789")
    axes = ", ".join(f"{name}: [{', '.join(digits)}]" for name in "abcdefghij")
    assert expanded(f"{{for-each: {{{axes}}}}}") == (
        [],
        ["f.yaml:1:12: for-each: 10000000000 combinations; write several cases of at most 10000"],
    )
