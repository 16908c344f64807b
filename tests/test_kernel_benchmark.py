# SPDX-License-Identifier: Apache-2.0
"""What benchmarks/kernel makes of the counts of two kernels."""

from __future__ import annotations

import runpy
from pathlib import Path

BENCHMARK = runpy.run_path(str(Path(__file__).parents[1] / "benchmarks" / "kernel" / "__main__.py"))


def lines(*counts: str) -> list[list[str]]:
    """Return what the init prints, in words."""
    return [line.split() for line in ("reading 4", *(f"row {each}" for each in counts), "done")]


def missed(stock: list[list[str]], patched: list[list[str]]) -> list[str]:
    """Return the bars that are missed."""
    found: list[str] = BENCHMARK["missed"](BENCHMARK["rows"](stock, patched))
    return found


def test_a_row_that_costs_more_than_before_is_named_with_its_ratio() -> None:
    stock = lines("mlock fresh 1 1 whole 100 100", "mlockall fresh 1 1 whole 100 100")
    patched = lines("mlock fresh 1 1 whole 80 80", "mlockall fresh 1 1 whole 100 110")
    assert missed(stock, patched) == ["mlockall, fresh, 1 pages, 1 mappings, whole: 1.05 is above 1.00"]


def test_rows_are_compared_by_what_they_are_about_and_not_by_their_order() -> None:
    first, second = "mlock fresh 1 1 whole 100 100", "mlock fresh 16 1 whole 900 900"
    assert missed(lines(first, second), lines("mlock fresh 16 1 whole 700 700", "mlock fresh 1 1 whole 90 90")) == []


def test_a_populated_range_of_16_pages_has_to_cost_less_than_nine_tenths() -> None:
    stock, patched = lines("mlock populated 16 1 whole 100 100"), lines("mlock populated 16 1 whole 92 92")
    assert missed(stock, patched) == ["mlock, populated, 16 pages, 1 mappings, whole: 0.92 is above 0.90"]


def test_a_mean_above_its_bar_is_named() -> None:
    stock, patched = lines("mlock fresh 1 1 whole 100 100"), lines("mlock fresh 1 1 whole 95 95")
    assert missed(stock, patched) == ["the mean of mlock and munlock is above 0.93"]
