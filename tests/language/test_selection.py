# SPDX-License-Identifier: Apache-2.0
"""Which cases a name or pattern means."""

from __future__ import annotations

import pytest

from lockproof.conformance.errors import UsageError
from lockproof.conformance.language.selection import select
from tests.helpers import corpus

CASES = corpus(
    "- {id: hole, for-each: {of: [a, b]}, about: A., checks: [mlock.errors], map: $of, call: munlockall, expect: {result: 0}}\n"
    "- {id: hole-two, about: A., checks: [mlock.errors], map: a, call: munlockall, expect: {result: 0}}\n",
    "mlock/no-change.yaml",
).cases
HOLES = ["mlock/no-change/hole[of=a]", "mlock/no-change/hole[of=b]"]
TWO = ["mlock/no-change/hole-two"]


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        ([], HOLES + TWO),
        (["mlock"], HOLES + TWO),
        (["mlock/no-change/"], HOLES + TWO),
        (["mlock/no-change/hole"], HOLES),
        (["mlock/no-change/hole[of=b]"], HOLES[1:]),
        (["*two", "mlock/no-change/hole[of=a]"], HOLES[:1] + TWO),
        (["mlock/no-change/hole[of=?]"], HOLES),
    ],
)
def test_a_pattern_names_a_case_a_leading_part_or_what_it_matches(patterns: list[str], names: list[str]) -> None:
    assert [case.name for case in select(CASES, patterns)] == names


@pytest.mark.parametrize("pattern", ["mlock/no", "hole", "mlock/no-change/hole[of=c]", "mlock/no-change/hole[of=[ab]]"])
def test_a_pattern_that_names_none_is_refused(pattern: str) -> None:
    with pytest.raises(UsageError, match="no case is called so"):
        select(CASES, ["mlock", pattern])
