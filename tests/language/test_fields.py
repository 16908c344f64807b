# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lockproof.conformance.language.fields import Size


@given(st.from_regex(r"-?([0-9]{1,15}p([+-][0-9]{1,18})?|[0-9]{1,18})", fullmatch=True))
def test_a_size_that_is_written_is_read_as_the_same(text: str) -> None:
    size = Size.parse(text)
    assert Size.parse(f"{size}") == size


def test_no_pages_less_some_bytes_count_down_from_the_top() -> None:
    assert Size.parse("0p-5") == Size.parse("-5")
    assert Size.parse("-0p-5") == Size.parse("5")
