# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from lockproof.conformance.repro.lines import WIDTH, indented, packed


def test_short_statements_share_a_line() -> None:
    assert packed(["a();", "b();"]) == ["a(); b();"]


def test_what_is_part_of_another_statement_keeps_its_line() -> None:
    assert packed(["for (;;)", "\ta();", "b();"]) == ["for (;;)", "\ta();", "b();"]


def test_a_line_does_not_grow_beyond_the_width() -> None:
    assert packed(["a();" * (WIDTH // 4), "b();"]) == ["a();" * (WIDTH // 4), "b();"]


def test_every_line_of_a_part_is_indented() -> None:
    assert indented(["a();\nb();"]) == ["\ta();", "\tb();"]
