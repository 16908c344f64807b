# SPDX-License-Identifier: Apache-2.0
"""Combinations in pairs: every pair that is permitted is in one of them, and they are few."""

from __future__ import annotations

from itertools import combinations, product
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from lockproof.conformance.language.for_each import combinations as cases_of
from lockproof.conformance.language.pairs import covering
from lockproof.conformance.language.yaml_nodes import Mapping, Scalar, read

if TYPE_CHECKING:
    from collections.abc import Mapping as Labels

AXES = st.dictionaries(
    st.sampled_from("abcde"), st.sets(st.sampled_from("12345"), min_size=1).map(sorted), min_size=1, max_size=5
)


def everything(axes: dict[str, list[str]]) -> list[dict[str, str]]:
    """Return every combination."""
    return [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]


def pairs(choice: Labels[str, str]) -> set[tuple[tuple[str, str], ...]]:
    """Return what a combination covers."""
    return set(combinations(sorted(choice.items()), min(2, len(choice))))


@given(AXES, st.lists(st.dictionaries(st.sampled_from("abcde"), st.sampled_from("12345"), min_size=1, max_size=3)))
def test_every_pair_of_a_permitted_combination_is_in_one_and_no_other_is_made(
    axes: dict[str, list[str]], refused: list[dict[str, str]]
) -> None:
    def permitted(choice: Labels[str, str]) -> bool:
        return not any(part.items() <= choice.items() for part in refused)

    found = list(covering(axes, permitted))
    possible = [choice for choice in everything(axes) if permitted(choice)]
    assert all(choice in possible for choice in found)
    assert set().union(*map(pairs, found)) == set().union(*map(pairs, possible))
    assert found == list(covering(axes, permitted))


def test_they_are_few() -> None:
    axes = {f"v{number}": [str(value) for value in range(4)] for number in range(8)}
    assert len(list(covering(axes, lambda _: True))) <= 40  # of 65536; at least 16


def expanded(text: str) -> tuple[list[str], list[str]]:
    """Return the names of a case's combinations, and what is wrong."""
    node, _ = read(text.encode(), "f.yaml")
    assert isinstance(node, Mapping)
    found, problems = cases_of(node)
    return [each.suffix for each in found], [f"{problem.field}: {problem.message}" for problem in problems]


def test_a_case_asks_for_pairs_and_leaves_some_out() -> None:
    names, problems = expanded("{combine: pairs, except: [{a: 1, b: [x, y]}], for-each: {a: [1, 2], b: [x, y, z]}}")
    assert (sorted(names), problems) == (["[a=1,b=z]", "[a=2,b=x]", "[a=2,b=y]", "[a=2,b=z]"], [])


def test_all_combinations_are_made_without_those_that_are_left_out() -> None:
    names, problems = expanded("{except: [{a: 1}], for-each: {a: [1, 2], b: [x, y], c: [q]}}")
    assert (names, problems) == (["[a=2,b=x,c=q]", "[a=2,b=y,c=q]"], [])


def test_neither_is_part_of_the_case() -> None:
    node, _ = read(b"{about: $a, combine: all, except: [{a: 1}], for-each: {a: [1, 2]}}", "f.yaml")
    assert isinstance(node, Mapping)
    ((_, case),), _ = cases_of(node)
    assert [(key.text, value.text) for key, value in case.entries if isinstance(value, Scalar)] == [("about", "2")]


def test_mistakes_are_told() -> None:
    assert expanded("{combine: some, for-each: {a: [1]}}")[1] == ["combine: neither all nor pairs; write one of them"]
    assert expanded("{except: {a: 1}, for-each: {a: [1]}}")[1] == [
        "except: no list of combinations; write [{variable: label}]"
    ]
    assert expanded("{except: [{a: 3}], for-each: {a: [1]}}")[1] == [
        "except: a has no value 3; write labels that for-each gives it"
    ]
