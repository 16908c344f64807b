# SPDX-License-Identifier: Apache-2.0
"""What is accessed, resized and moved ends on the models as on kernels: the same on all, or as on the model's own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.exploring.agreement import compare
from lockproof.conformance.judging.judge import judge
from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.language.loading import load_requirements, load_text
from lockproof.conformance.protocol.program import compile_case
from lockproof.runners.target import make_target

if TYPE_CHECKING:
    from lockproof.conformance.language.case import Case
    from lockproof.conformance.protocol.trace import Trace

MODELS = ("linux-5.10", "linux-6.1", "linux-6.12", "linux-6", "linux-7.1")
GUESTS = {
    "debian/5.10": "linux-5.10",
    "debian/6.1": "linux-6.1",
    "debian/6.12": "linux-6.12",
    "debian/7.2": "linux-7.1",
}
RUNNING = tuple(int(number) for number in os.uname().release.split(".")[:2])
KERNELS = [
    pytest.param("local", "linux-6", marks=pytest.mark.skipif(not (6, 17) <= RUNNING < (7, 1), reason="another Linux")),
    *(pytest.param(f"qemu:{kernel}", model, marks=pytest.mark.qemu(kernel)) for kernel, model in GUESTS.items()),
]  # fmt: skip

ON_ALL = """
- id: past-the-end-of-a-file
  about: It is SIGBUS where access is permitted.
  checks: [mmap.past-end]
  for-each:
    of:
      file: {kind: file, file-pages: 1}
      shared-file: {kind: file, share: shared, file-pages: 1}
      memfd: {kind: memfd, file-pages: 1}
      shm: {kind: shm, file-pages: 1}
  map: ff
  regions: {f: $of}
  call: touch
  range: .^
  expect: {result: SIGBUS}
- id: past-the-end-of-what-grew
  about: Shared memory that grows beyond its object is as the end of a file.
  checks: [mmap.past-end]
  map: s_
  regions: {s: {kind: shared}}
  steps:
  - {call: mremap, range: ^., to: ^^}
  - {call: touch, range: .^, expect: {result: SIGBUS}}
- id: shrinks-over-two-mappings
  about: A range of two locked mappings is cut down to its first page.
  checks: [linux.mremap]
  map: aab_
  locked: LLL_
  call: mremap
  range: ^^^.
  to: ^...
  expect: {result: 0, locked: L___}
- id: same-size-over-two-mappings
  about: A range of two locked mappings that stays as it is stays locked.
  checks: [linux.mremap]
  map: aab_
  locked: LLL_
  call: mremap
  range: ^^^.
  to: ^^^.
  expect: {result: 0, locked: LLL_}
- id: heap-beside-mapping
  about: A heap under MCL_FUTURE does not grow up to the next mapping.
  checks: [linux.brk]
  map: h__r
  regions: {h: {kind: heap}}
  steps:
  - {call: mlockall, flags: FUTURE}
  - {call: brk, range: ^^^., expect: {result: ENOMEM, locked: unchanged}}
  - {call: brk, range: ^^.., expect: {result: 0, locked: .L_.}}
- id: stack-beside-mapping
  about: A locked stack does not grow into the guard gap of the mapping below it.
  checks: [linux.stack-growth]
  map: a___s
  locked: .___L
  regions: {s: {kind: stack}}
  call: touch
  range: ...^.
  expect: {result: SIGSEGV}
- id: stack-beside-no-access
  about: Memory without access, and another stack, are no obstacle.
  checks: [linux.stack-growth]
  for-each: {of: {none: {protection: none}, stack: {kind: stack}}}
  map: m___s
  locked: .___L
  regions: {m: $of, s: {kind: stack}}
  call: touch
  range: ...^.
  expect: {result: 0, locked: .__LL}
"""

AS_ITS_KERNEL = """
- id: limit
  about: Moves and cuts want room below the limit of mappings.
  checks: [linux.mremap]
  for-each:
    room: [0, 1, 3, 4, 5, 6]
    what:
      whole:       {range: ^^^......., to: "....^^^..."}
      part:        {range: .^........, to: "....^....."}
      over:        {range: .^........, to: ".......^.."}
      shrinks:     {range: ^^^......., to: ^^........}
      cut-off:     {range: .^^......., to: .^........}
      cut-out:     {range: ^^........, to: ^.........}
      grows:       {range: ^^^......., to: ^^^^......}
      as-it-is:    {range: .^^......., to: .^^.......}
      hole:        {range: "....^.....", to: ".....^...."}
      overlapping: {range: ^^........, to: .^^.......}
  map: aaa____bc_
  limits: {mappings: $room}
  call: mremap
  range: $what.range
  to: $what.to
  expect: {result: 0}
- id: two
  about: What is done to two mappings, or to one and a hole.
  checks: [linux.mremap]
  for-each:
    what:
      moves:         {range: ^^........, to: ".....^^..."}
      moves-hole:    {range: .^^^......, to: ".....^^^.."}
      begins-hole:   {range: ..^^......, to: ".....^^..."}
      shrinks-moved: {range: ^^........, to: ".....^...."}
      grows-moved:   {range: ^^........, to: ".....^^^.."}
      stays-hole:    {range: ..^......., to: ..^.......}
      cuts-hole:     {range: ..^^......, to: ..^.......}
  map: aa_c_rr___
  regions: {r: {protection: r}}
  locked: L._L_LL___
  call: mremap
  range: $what.range
  to: $what.to
  expect: {result: 0}
- id: merges
  about: What grows reaches a mapping that was written to, or never was.
  checks: [linux.mremap]
  for-each: {written: {left: ^^.., right: ...^, first: ^..., last: .^..}}
  map: aa_a
  steps:
  - {call: touch, range: $written}
  - {call: mremap, range: .^.., to: .^^., expect: {result: 0}}
- id: brk
  about: The heap shrinks where nothing of it is left.
  checks: [linux.brk]
  map: hhh_
  regions: {h: {kind: heap}}
  steps:
  - {call: munmap, range: .^^.}
  - {call: brk, range: ^^.., expect: {result: 0}}
- id: map-locked
  about: MAP_LOCKED under MCL_ONFAULT.
  checks: [linux.map-locked]
  map: a__
  steps:
  - {call: mlockall, flags: [FUTURE, ONFAULT]}
  - {call: mmap, region: b, flags: LOCKED, range: .^., expect: {result: 0}}
"""


def traces(target: str, cases: tuple[Case, ...]) -> list[Trace]:
    with make_target(target).session() as session:
        return list(session.run([compile_case(case) for case in cases]))


def assert_all_pass(target: str) -> None:
    cases = load_text(ON_ALL).cases
    verdicts = [judge(*pair, load_requirements()) for pair in zip(cases, traces(target, cases), strict=True)]
    assert [verdict for verdict in verdicts if verdict.status is not Status.PASS] == []


@pytest.mark.parametrize("model", ["posix", *MODELS])
def test_models_end_as_all_kernels_do(model: str) -> None:
    assert_all_pass(f"model:{model}")


@pytest.mark.parametrize(("target", "model"), KERNELS)
def test_a_kernel_ends_as_all_do_and_in_the_rest_as_its_model(target: str, model: str) -> None:
    assert_all_pass(target)
    cases = load_text(AS_ITS_KERNEL).cases
    both = zip(cases, traces(target, cases), traces(f"model:{model}", cases), strict=True)
    agreements = {case.name: compare(case, ours, theirs, page_size=4096) for case, ours, theirs in both}
    assert {name: agreement for name, agreement in agreements.items() if agreement.divergence} == {}


def test_of_two_that_end_a_process_the_signals_are_compared() -> None:
    cases = load_text(ON_ALL).cases[:1]
    (right,), (wrong,) = traces("model:posix", cases), traces("model:posix/past-end-sigsegv", cases)
    divergence = compare(cases[0], wrong, right, page_size=4096).divergence
    assert divergence
    assert divergence.what == "touch: only the target gave SIGSEGV; the other gave SIGBUS"
    assert divergence.choices[0].results == {"SIGBUS"}
