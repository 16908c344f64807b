# SPDX-License-Identifier: Apache-2.0
"""Tables as text."""

from __future__ import annotations

import pytest

from lockproof.conformance.columns import aligned


def test_cells_stand_below_each_other_and_no_line_ends_with_a_blank() -> None:
    assert aligned([("n", "call", ""), ("10", "mlock", "x"), ("", "", "")]) == ["n   call", "10  mlock  x", ""]


def test_no_rows_are_no_lines() -> None:
    assert aligned([]) == []


def test_a_row_with_another_number_of_cells_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="zip"):
        aligned([("a", "b"), ("c",)])
