# SPDX-License-Identifier: Apache-2.0
"""Few combinations of many variables: every pair of values of two variables is in one of them, always the same ones."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

__all__ = ["covering"]

_Choice = dict[str, str]
_Pair = tuple[tuple[str, str], tuple[str, str]]


def covering(axes: Mapping[str, Sequence[str]], permitted: Callable[[Mapping[str, str]], bool]) -> Iterator[_Choice]:
    """Return combinations that have every pair of values which a permitted one can have.

    `permitted` is asked of parts of combinations too: once it refuses one, it has to refuse all that have that part.
    Of each combination the first pair that is missing is taken, then of each variable the value that adds most pairs;
    of several the one that was taken least, then the first that is written.
    """
    missing = dict.fromkeys(_all_pairs(axes))
    taken: dict[tuple[str, str], int] = {}
    while missing:
        first = next(iter(missing))
        found = _complete(dict(first), axes, permitted, missing, taken)
        if found is None:
            del missing[first]
            continue
        for item in found.items():
            taken[item] = taken.get(item, 0) + 1
        for pair in _pairs(found, axes):
            missing.pop(pair, None)
        yield {variable: found[variable] for variable in axes}


def _all_pairs(axes: Mapping[str, Sequence[str]]) -> Iterator[_Pair]:
    if len(axes) == 1:
        yield from (((variable, value), (variable, value)) for variable, values in axes.items() for value in values)
    for one, other in combinations(axes, 2):
        yield from (((one, first), (other, second)) for first in axes[one] for second in axes[other])


def _pairs(choice: Mapping[str, str], axes: Mapping[str, Sequence[str]]) -> Iterator[_Pair]:
    items = [(variable, choice[variable]) for variable in axes if variable in choice]
    yield from [(item, item) for item in items] if len(axes) == 1 else combinations(items, 2)


def _complete(
    choice: _Choice,
    axes: Mapping[str, Sequence[str]],
    permitted: Callable[[Mapping[str, str]], bool],
    missing: Mapping[_Pair, None],
    taken: Mapping[tuple[str, str], int],
) -> _Choice | None:
    """Return the choice with a value of every variable, None where nothing permitted has it."""
    if not permitted(choice):
        return None
    variable = next((variable for variable in axes if variable not in choice), None)
    if variable is None:
        return choice

    def cost(value: str) -> tuple[int, int]:
        new = sum(pair in missing for pair in _pairs(choice | {variable: value}, axes))
        return -new, taken.get((variable, value), 0)

    for value in sorted(axes[variable], key=cost):
        found = _complete(choice | {variable: value}, axes, permitted, missing, taken)
        if found is not None:
            return found
    return None
