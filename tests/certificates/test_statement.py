# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from lockproof.conformance.certificates.statement import LARGEST, TEMPLATE, read_statement
from lockproof.conformance.errors import UsageError
from tests.certificates.certified import STATEMENT


def test_a_statement_is_read() -> None:
    made = read_statement(STATEMENT + b"disclaims: [mlock2, hugetlb]\n", "s.yaml")
    assert (made.who, made.version, made.disclaims, made.interpretations) == (
        "Example Corp",
        "1",
        ("mlock2", "hugetlb"),
        (),
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (STATEMENT + b"interpretations: [size-max]\n", "s.yaml:5:18: interpretations: String should match pattern"),
        (TEMPLATE.encode(), "s.yaml:2:5: who: empty; fill it in"),
        (b"who: me\n", "s.yaml:1:1: product: missing; `lockproof certify` writes all lines where there is no file"),
        (STATEMENT + b"disclaims: mlock2\n", "s.yaml:5:12: disclaims: Input should be a valid tuple"),
        (STATEMENT + b"more: 1\n", "s.yaml:5:7: more: Unexpected keyword argument"),
        (b"- a\n", "s.yaml: no statement; remove it, and `lockproof certify` writes the lines that are to be filled in"),
        (b"", "s.yaml: no statement; remove it, and `lockproof certify` writes the lines that are to be filled in"),
        (b"a: [\n", "s.yaml:2:1: "),
        (b"x" * (LARGEST + 1), f"s.yaml: {LARGEST + 1} bytes; a statement has at most {LARGEST}"),
    ],
)  # fmt: skip
def test_what_is_no_statement_gets_one_clear_line(content: bytes, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_statement(content, "s.yaml")
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)
