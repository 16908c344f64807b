# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from lockproof.conformance.language.case import Size
from lockproof.conformance.repro.expressions import arguments, at, mmap, size_of
from tests.helpers import case_of


@pytest.mark.parametrize(
    ("text", "in_c"),
    [
        ("0", "0"),
        ("4096", "4096"),
        ("2p", "2 * p"),
        ("2p-1", "2 * p - 1"),
        ("2p+1", "2 * p + 1"),
        ("-1", "(size_t)-(1)"),
        ("-1p", "(size_t)-(1 * p)"),
    ],
)
def test_a_size_is_written_in_pages_and_bytes(text: str, in_c: str) -> None:
    assert size_of(Size.parse(text)) == in_c


def test_the_first_page_needs_no_offset() -> None:
    assert [at(page) for page in (0, 3)] == ["a", "a + 3 * p"]


@pytest.mark.parametrize(
    ("step", "in_c"),
    [
        ("{call: mlock, range: {pages: .^^, start: 1, end: -2}}", "a + 1 * p + 1, 2 * p - 3"),
        ("{call: mlock, range: {pages: .^^, length: 0}}", "a + 1 * p, 0"),
        ("{call: mlockall, flags: [CURRENT, ONFAULT]}", "MCL_CURRENT | MCL_ONFAULT"),
        ("{call: mlock2, range: ^^^, flags: ONFAULT}", "a, 3 * p, MLOCK_ONFAULT"),
        ("{call: mlock2, range: ^^^, flags: 0x8}", "a, 3 * p, 0x8"),
        ("{call: mprotect, range: ^^^, protection: rx}", "a, 3 * p, PROT_READ | PROT_EXEC"),
        ("{call: madvise, range: ^.., advice: dontneed}", "a, 1 * p, MADV_DONTNEED"),
        ("{call: mremap, range: ^.., to: .^^}", "a, 1 * p, 2 * p, MREMAP_MAYMOVE | MREMAP_FIXED, a + 1 * p"),
    ],
)
def test_a_call_has_the_arguments_of_its_step(step: str, in_c: str) -> None:
    case = case_of(f"map: aaa\nsteps: [{step}, {{call: munlockall, expect: {{result: 0}}}}]")
    assert arguments(case.steps[0]) == in_c


def test_memory_with_an_object_is_mapped_from_it() -> None:
    case = case_of(
        "map: ab\nregions: {a: {kind: shm}, b: {kind: shm, alias: a}}\ncall: munlockall\nexpect: {result: 0}"
    )
    assert mmap("b", case.regions["b"], first=1, count=1, page=0) == "MAP(1, 1, RW, MAP_SHARED, fa, 0)"
