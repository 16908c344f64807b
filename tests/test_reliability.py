# SPDX-License-Identifier: Apache-2.0
"""docs/reliability.md names tests that exist."""

from __future__ import annotations

import re

from tests.places import CHECKOUT

NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


def test_every_test_that_the_table_names_exists() -> None:
    text = (CHECKOUT / "docs" / "reliability.md").read_text().partition("\n## By hand\n")[0]
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    rows = [row for row in rows if not row.startswith("| what can go wrong")]
    assert len(rows) >= 30
    assert [row for row in rows if not NAMED.search(row)] == []
    named = [match for row in rows for match in NAMED.findall(row)]
    missing = [f"{file}::{test}" for file, test in named if f"def {test}(" not in text_of(file)]
    assert missing == []


def text_of(file: str) -> str:
    path = CHECKOUT / "tests" / file
    return path.read_text() if path.exists() else ""
