# SPDX-License-Identifier: Apache-2.0
"""Every mistake in a case is one line that says where it is, what is wrong, and what to write instead."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockproof.conformance.errors import CaseFileError
from lockproof.conformance.language.loading import load_text
from tests.helpers import catalogue
from tests.language.valid import VALID, with_line


def problems_in(text: str) -> list[str]:
    """Load the text of `f.yaml`, and return the lines of the error."""
    with pytest.raises(CaseFileError) as caught:
        load_text(text, catalogue(), file="f.yaml")
    assert str(caught.value) == "\n".join(map(str, caught.value.problems))
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (with_line("  locked: .L", "\tlocked: .L"), "5:1: a tab; indent with blanks"),
        (with_line("  map:    aaa__bbb\n", ""), "1:3: map: is missing; write it"),
        (with_line("  map:    aaa__bbb\n  locked: .L.__...", f"  map:    {'ab' * 150}").replace(".^^^^^^.", "^*300"),
         "4:11: map: 300 mappings are too many; write at most 256"),
        (with_line("  call:   mlock\n", ""), "1:3: call: is missing; write it"),
        (with_line("  call:   mlock\n  range:  .^^^^^^.\n  expect:\n    - {result: ENOMEM, locked: unchanged}\n", ""),
         "1:3: call: is missing; write a call, or steps"),
        (with_line("  locked: .L", "  loked: .L"), "5:3: loked: is no field here; did you mean locked?"),
        (with_line("{result: ENOMEM,", "{reslt: ENOMEM,"),
         "11:8: expect[0].reslt: is no field here; did you mean result?"),
        (with_line("kind: file,", "kid: file,"), "7:9: regions.b.kid: is no field here; did you mean kind?"),
        (with_line(".L.__...", ".L.__"),
         "5:11: locked: 5 pages, but the map has 8; write one character for each page of the map"),
        (with_line(".^^^^^^.", "^"), "9:11: range: 1 page, but the map has 8; write one character for each page of the map"),
        (with_line(".^^^^^^.", ".^^^^^^.."),
         "9:11: range: 9 pages, but the map has 8; write one character for each page of the map"),
        (with_line("locked: unchanged", "locked: .L.__...."),
         "11:32: expect[0].locked: 9 pages, but the map has 8; write one character for each page of the map"),
        (with_line(".^^^^^^.", "........"),
         "9:11: range: a range over no page; mark its pages with ^ (for an empty range mark one and write length: 0)"),
        (with_line(".^^^^^^.", ".^^..^^."), "9:11: range: a range in several pieces; mark neighbouring pages with ^"),
        (with_line("mlock.errors]", "mlock.error]"),
         "3:29: checks[1]: 'mlock.error' is no requirement; did you mean mlock.errors?"),
        (with_line("mlock.errors]", "nothing]"),
         ("3:29: checks[1]: 'nothing' is no requirement; write one of: linux.layout, mlock.errors, mlock.in-memory, "
         "mlock.no-change, mlock.open, quality.system")),
        (with_line("{result: ENOMEM, locked: unchanged}", '{result: any, locked: "?*8"}'),
         "11:7: expect[0]: permits everything, so that no target fails; state what is permitted"),
        (with_line("{result: ENOMEM,", "{when: failed, result: ENOMEM,"),
         ("11:14: expect[0].when: no call before it may both succeed and fail; permit both at an earlier step, or "
          "remove it")),
        (with_line("  call:   mlock\n  range:  .^^^^^^.\n",
                   "  call: fork\n  child: [{call: mlock, range: .^^^^^^., expect: {locked: unchanged}}]\n"),
         ("9:50: child[0].expect[0]: a child does not begin with its parent's locks; observe them in a step before this "
          "one")),
        (with_line("    b: {", "    bb: {"), "7:9: regions.bb: 'bb' is no letter; call a region by one of A-Z or a-z"),
        (with_line("call:   mlock", "call:   mlok"), "8:11: call: 'mlok' is not known; did you mean mlock?"),
        (with_line("ENOMEM", "ENOMEN"), "11:16: expect[0].result: 'ENOMEN' is no result; did you mean ENOMEM?"),
        (with_line("ENOMEM", "-1"), "11:16: expect[0].result: '-1' is no result; no known name is similar"),
        (with_line("call:   mlock\n", "call:   mlock2\n  flags: ONFAUL\n"),
         "9:10: flags: 'ONFAUL' is no flag of mlock2; did you mean ONFAULT? (A number will do too.)"),
        (with_line("call:   mlock\n", "call:   mlock2\n  flags: 0b1\n"),
         "9:10: flags: '0b1' is no flag of mlock2; write one of: ONFAULT (A number will do too.)"),
        (with_line("call:   mlock\n", "call:   mlock2\n  flags: 2147483648\n"),
         "9:10: flags: '2147483648' is no flag of mlock2; write one of: ONFAULT (A number will do too.)"),
        (with_line("call:   mlock\n", "call:   mlock\n  flags: ONFAULT\n"),
         "9:10: flags: mlock has none; it takes range"),
        (with_line("call:   mlock\n", "call:   munlockall\n"), "9:11: range: munlockall has none; it takes no argument"),
        (with_line("  range:  .^^^^^^.\n", ""), "1:3: range: is missing; mlock takes range"),
        (with_line("  expect:\n    - {result: ENOMEM, locked: unchanged}\n", ""),
         "1:3: expect: is missing, so that the case judges nothing; write the permitted outcomes"),
        (with_line("  map:    aaa__bbb", "  map:    aaa__bb1"),
         "4:11: map: '1' names no region; write a letter for a page of a region, _ for a hole"),
        (with_line("    b: {", "    c: {"),
         "7:8: regions.c: no page of the map is 'c'; use the letter in the map, or remove the region"),
        (with_line("kind: file,", "kind: fil,"), "7:15: regions.b.kind: 'fil' is not known; did you mean file?"),
        (with_line("kind: file, file-pages: 2", "file-pages: 2"),
         "7:21: regions.b.file-pages: anonymous memory has no file; write kind: file, shm or memfd"),
        (with_line("kind: file, file-pages: 2", "guard: G."),
         "7:16: regions.b.guard: a strip of 2, but region b has 3; write one character for each page"),
        (with_line("kind: file, file-pages: 2", "kind: file, alias: a"),
         "7:28: regions.b.alias: 'a' is no earlier region of kind file, shm or memfd; write the letter of one"),
        (with_line("    b: {kind: file, file-pages: 2}", "    a: {kind: shm}\n    b: {kind: file, alias: a}"),
         "8:28: regions.b.alias: 'a' is of kind shm; write kind: shm here too"),
        (with_line("file-pages: 2", "file-pages: 2097153"),
         "7:33: regions.b.file-pages: 2097153 is too large; write at most 2097152"),
        (with_line("{kind: file, file-pages: 2}", "file"),
         "7:8: regions.b: is no mapping; write fields and their values"),
        (with_line(".L.__...", ".L.L_..."), "5:11: locked: page 3 is a hole in the map; write _ there"),
        (with_line(".L.__...", ".L_L_..."), "5:11: locked: page 2 is mapped; write L, F or . there"),
        (with_line(".L.__...", ".M.__..."),
         "5:11: locked: 'M' has no meaning in this strip; write one of L F . _ for each page"),
        (with_line("mlock.errors]", "linux.layout]"),
         ("3:11: checks: requirements of several profiles (mlock.no-change is posix, linux.layout is linux); write a "
         "case for each profile")),
        (with_line("locked: unchanged}", "resident: any, mappings: unchanged}"),
         ("11:7: expect[0]: says something about `mappings`, of which no requirement in checks speaks; no other "
         "of the profile does; remove it")),
        (with_line("locked: unchanged}", "resident: R*8}"),
         ("11:7: expect[0]: says something about `resident`, of which no requirement in checks speaks; add one that "
         "does (mlock.in-memory) to checks")),
        (with_line("id: leaf", "id: le/af"),
         "1:7: id: 'le/af' is no name here; write one that matches ^[A-Za-z0-9][A-Za-z0-9_-]*$"),
        (with_line("about: A case.", "about: ''"), "2:10: about: is empty; write at least one"),
        (with_line("checks: [mlock.no-change, mlock.errors]", "checks: []"), "3:11: checks: is empty; write at least one"),
        (with_line("range:  .^^^^^^.", "range:  {pages: .^^^^^^., start: 010}"),
         "9:36: range.start: '010' is no whole number; write 100, -1 or 0x64"),
        (with_line("range:  .^^^^^^.", "range:  {pages: .^^^^^^., start: 1000000000}"),
         "9:36: range.start: 1000000000 is too large; write a number of at most 9 digits, or 8 behind 0x"),
        (with_line("range:  .^^^^^^.", f"range:  {{pages: .^^^^^^., start: {'9' * 6000}}}"),
         f"9:36: range.start: {'9' * 60}… is too large; write a number of at most 9 digits, or 8 behind 0x"),
        (with_line("range:  .^^^^^^.", f"range:  {{pages: .^^^^^^., length: {'9' * 30}p}}"),
         f"9:37: range.length: {'9' * 30}p is too large; write at most 15 digits of pages, and 18 of bytes"),
        (with_line("range:  .^^^^^^.", "range:  .^*1000000000"),
         "9:11: range: '.^*1000000000' has too many pages; write a strip of at most 2097152"),
        (with_line("range:  .^^^^^^.", "range:  {pages: .^^^^^^., length: 1q}"),
         ("9:37: range.length: '1q' is no size; write 4096 (bytes), 4p (pages), 4p-1, or -1 (down from the top of "
         "memory)")),
        (with_line("call:   mlock\n  range:  .^^^^^^.", "call: touch\n  range: {pages: .^^^^^^., end: 1}"),
         "9:10: range: touch takes whole pages; write only the strip"),
        (with_line("call:   mlock\n  range:  .^^^^^^.", "call: mmap\n  range: .^^^^^^.\n  region: é"),
         "10:11: region: 'é' is no letter; write the letter of a region"),
        (with_line("call:   mlock\n  range:  .^^^^^^.", "call: observe\n  fault: each-allocation"),
         "9:10: fault: the allocations of observe cannot be made to fail; write it at another call"),
        (with_line("  range:", "  fault: all-allocations\n  range:"),
         ("9:10: fault: 'all-allocations' is not known; did you mean each-allocation?")),
        (with_line("kind: file, file-pages: 2", "huge: sometimes"),
         "7:15: regions.b.huge: 'sometimes' is not known; write one of: always, never"),
        (with_line("kind: file, file-pages: 2", "kind: hugetlb, huge: always"),
         "7:30: regions.b.huge: hugetlb memory has pages of one size only; remove it"),
        (with_line("  call:   mlock", "  limits: {memory: 1p}\n  call:   mlock"),
         "8:20: limits.memory: '1p' is no whole number; write 100, -1 or 0x64"),
        (with_line("  call:   mlock", "  closing: yes\n  call:   mlock"),
         "8:12: closing: 'yes' is neither true nor false; write one of them"),
        (with_line("  call:   mlock", "  closing: true\n  fault: each-allocation\n  call:   mlock"),
         "9:10: fault: a closing case has none, it looks at what others left; remove it, or closing"),
        (with_line("call:   mlock\n  range:  .^^^^^^.", "call: settle\n  fault: each-allocation"),
         "9:10: fault: the allocations of settle cannot be made to fail; write it at another call"),
        (with_line("  call:   mlock\n  range:  .^^^^^^.\n", "  call: fork\n  fault: from-each-allocation\n  child: [{call: observe}]\n"),
         "9:10: fault: what lasts would last in the child as well; write a fault that comes once"),
        (with_line("call:   mlock\n", "call:   settle\n"), "9:11: range: settle has none; it takes no argument"),
        (with_line("  call:   mlock\n  range:  .^^^^^^.\n", "  call: fork\n  child: [{call: settle}]\n"),
         "9:18: child[0].call: the system is not at rest while a child runs; settle after the fork"),
        (with_line("call:   mlock\n  range:  .^^^^^^.", "call: reclaim"),
         ("10:5: expect: reclaim has one outcome, with `resident` and a `.` in it for a page that was there and can go: "
         "without one nothing shows that memory was taken")),
        (with_line("mlock.no-change, mlock.errors]", "quality.system]").replace(
            "{result: ENOMEM, locked: unchanged}", "{mlocked: unchanged}"),
         "11:17: expect[0].mlocked: mlock does not see it; write it at a step `call: settle`"),
        (with_line("mlock.no-change, mlock.errors]", "linux.layout]").replace(
            "{result: ENOMEM, locked: unchanged}", "{page-faults: none}"),
         "11:21: expect[0].page-faults: mlock does not see it; write it at a step `call: touch`"),
        (VALID + "- text\n", "12:3: not a mapping; write '- id: ' and the fields below it"),
        ("id: leaf\n", "1:1: not a list; begin each of the cases with '- id: '"),
        ("", "1:1: no cases in it; write a list, or remove the file"),
        ("# nothing\n", "1:1: no cases in it; write a list, or remove the file"),
        ("- &a [x]\n- [*a, *a]\n",
         ("2:4: *a is an alias, which case files do not have; write the value itself, or quote a text that begins "
          "with *")),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_that_says_where_what_and_what_instead(content: str, problem: str) -> None:
    assert problems_in(content) == [f"f.yaml:{problem}"]


def test_a_call_beside_steps_is_refused() -> None:
    steps = "  steps:\n  - {call: mlockall, flags: CURRENT, expect: {result: 0}}\n"
    before, _, _ = VALID.partition("  range:")
    assert problems_in(before + steps) == ["f.yaml:8:3: call: stands beside `steps`; write it into one of the steps"]


def test_a_child_does_not_fork_and_only_one_step_has_a_fault() -> None:
    text = VALID[: VALID.index("  call:")] + (
        "  steps:\n"
        "  - call: fork\n"
        "    child:\n"
        "    - {call: fork, child: [{call: observe}]}\n"
        "  - {call: munlock, range: '^*8', fault: each-allocation}\n"
        "  - {call: mlock, range: '^*8', fault: each-allocation, expect: {result: 0}}\n"
    )
    assert problems_in(text) == [
        "f.yaml:11:14: steps[0].child[0].call: a child does not fork again; write the steps after the fork",
        "f.yaml:13:40: steps[2].fault: a second fault; write one for each case",
    ]


def test_two_cases_with_one_name_are_refused() -> None:
    assert problems_in(VALID + VALID) == [
        "f.yaml:12:3: id: f/leaf: the case at f.yaml:1 has the same name; choose another id"
    ]


def test_values_that_differ_only_by_a_sign_make_names_that_reports_confuse() -> None:
    text = VALID + "  for-each: {n: ['1', '-1']}\n"
    assert problems_in(text) == [
        (
            "f.yaml:1:3: id: f/leaf[n=-1]: the case at f.yaml:1 is called f/leaf[n=1], which reports cannot tell apart; "
            "choose another id"
        )
    ]


def test_a_mistake_in_every_combination_is_said_once() -> None:
    text = with_line("call:   mlock\n", "call:   $call\n  for-each: {call: [mlock, munlock], x: [1, 2]}\n").replace(
        ".^^^^^^.", "........"
    )
    assert problems_in(text) == [
        (
            "f.yaml:10:11: range: a range over no page; mark its pages with ^ (for an empty range mark one and write "
            "length: 0)"
        )
    ]


TEXTS = st.sampled_from(
    ["", "a", "aaa", "^^^", "LLL", "0", "-1", "{}", "mlock", "fork", "$x", "any", "1p", "mlock.errors", "~", "G"]
)
KEYS = st.sampled_from(
    ["id", "about", "checks", "map", "regions", "locked", "limits", "as", "for-each", "steps", "call", "range", "flags", "child", "fault", "expect", "pages", "result", "resident", "a", "kind", "guard", "memlock", "x"]
)  # fmt: skip
DATA = st.recursive(
    TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6), max_leaves=20
)


@given(st.dictionaries(KEYS, DATA, max_size=10))
def test_no_shape_of_data_raises_anything_but_a_case_file_error(entry: object) -> None:
    try:
        load_text(json.dumps([entry]), catalogue())
    except CaseFileError as error:
        assert all("\n" not in str(problem) for problem in error.problems)  # noqa: PT017
