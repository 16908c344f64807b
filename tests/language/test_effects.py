# SPDX-License-Identifier: Apache-2.0
"""`done` in an outcome: the strips that follow from what the calls are for."""

from __future__ import annotations

import pytest

from lockproof.conformance.errors import CaseFileError
from tests.helpers import case_of

DONE = "expect: {result: 0, locked: done, resident: done}"


@pytest.mark.parametrize(
    ("steps", "locked", "resident"),
    [
        ("{call: mlock, range: .^^._., X}", ".LLF_.", "?RR?_?"),
        ("{call: mlock2, flags: 0, range: .^^._., X}", ".LLF_.", "?RR?_?"),
        ("{call: mlock2, flags: ONFAULT, range: .^^._., X}", ".FFF_.", "????_?"),
        ("{call: munlock, range: ..^^_., X}", ".L.._.", "any"),
        ("{call: munmap, range: ..^^_., X}", ".L___.", "any"),
        ("{call: mlockall, flags: CURRENT, X}", "LLLL_L", "RRRR_R"),
        ("{call: mlockall, flags: [CURRENT, ONFAULT], X}", "FFFF_F", "????_?"),
        ("{call: mlockall, flags: FUTURE, X}", ".LLF_.", "?RR?_?"),
        ("{call: munlockall, X}", "...._.", "any"),
        ("{call: mlockall, flags: FUTURE}, {call: mmap, region: a, range: ...^^., X}", ".LLLL.", "???RR?"),
        ("{call: mlockall, flags: [FUTURE, ONFAULT]}, {call: mmap, region: a, range: ....^., X}", ".LLFF.", "??????"),
        ("{call: mmap, region: a, flags: LOCKED, range: ....^., X}", ".LLFL.", "????R?"),
        ("{call: mmap, region: a, range: ....^., X}", ".LLF..", "??????"),
        ("{call: munlockall}, {call: touch, range: ^^...., X}", "...._.", "any"),
        ("{call: mremap, range: .^^..., to: ....^^, X}", ".__FLL", "?__?RR"),
    ],
)
def test_a_call_does_what_it_is_for(steps: str, locked: str, resident: str) -> None:
    steps = steps.replace("_.,", "..,").replace("X", DONE)
    case = case_of(f"checks: [mlock.no-change, mlock.in-memory]\nmap: aaaa_b\nlocked: .LLF_.\nsteps: [{steps}]")
    (outcome,) = case.steps[-1].expect
    assert (outcome.locked, outcome.resident) == (locked, resident)


@pytest.mark.parametrize(
    "steps",
    [
        f"{{call: mlock, range: {{pages: .^^, start: 100}}, {DONE}}}",
        f"{{call: brk, range: ^^^, {DONE}}}",
        f"{{call: fork, child: [{{call: observe}}]}}, {{call: mlock, range: ^^^, {DONE}}}",
        f"{{call: mremap, flags: DONTUNMAP, range: ^.., to: ..^, {DONE}}}",
    ],
)
def test_what_nobody_knows_is_a_mistake(steps: str) -> None:
    with pytest.raises(CaseFileError, match=r"steps\[[01]\]\.expect.*locked: what is done by this .*; write a strip"):
        case_of(f"map: aaa\nregions: {{a: {{kind: heap}}}}\nsteps: [{steps}]")
