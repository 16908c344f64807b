# SPDX-License-Identifier: Apache-2.0
"""Advices, changing limits and objects, and what mremap can do besides: from YAML to a program, and to what it does."""

from __future__ import annotations

from typing import get_args

import pytest

from lockproof.conformance.errors import CaseFileError
from lockproof.conformance.judging.judge import judge
from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.language.fields import Advice
from lockproof.conformance.language.loading import load_text
from lockproof.conformance.language.writing import write
from lockproof.conformance.protocol.program import compile_case
from lockproof.runners.target import make_target
from tests.helpers import case_of, catalogue

ALL = """
map: aafs__
regions:
  f: {kind: file, share: shared}
  s: {kind: sysv}
steps:
  - {call: madvise, advice: populate-read, range: ^^....}
  - {call: mremap, flags: DONTUNMAP, range: ^^...., to: ....^^}
  - {call: mremap, range: {pages: ..^..., length: 0}, to: ....^.}
  - {call: setrlimit, soft: 1p, hard: 2p}
  - {call: ftruncate, region: f, file-pages: 0}
  - {call: shmctl, region: s, command: lock}
  - {call: shmctl, region: s, command: unlock, expect: {result: 0}}
  - {call: vfork}
  - {call: vfork, image: self}
  - {call: vfork, image: missing}
  - {call: posix_spawn}
  - {call: posix_spawn, image: missing, expect: {result: ENOENT}}
"""
LINES = """\
call madvise 0p 2p populate-read
call mremap 0 2 4 2 DONTUNMAP
call mremap 2 0 4 1
call setrlimit 1p 2p
call ftruncate f 0
call shmctl s lock
call shmctl s unlock
call vfork none
call vfork self
call vfork missing
call posix_spawn self
call posix_spawn missing
"""


def test_each_becomes_a_line_of_the_program() -> None:
    assert compile_case(case_of(ALL)).text.endswith(LINES)


def test_what_is_written_is_loaded_again_as_the_same() -> None:
    case = case_of(ALL)
    (again,) = load_text(write(case), catalogue()).cases
    assert again.steps == case.steps
    assert again.regions == case.regions


@pytest.mark.parametrize("target", ["local", "model:posix", "model:linux-6"])
def test_a_target_does_each_of_them(target: str) -> None:
    case = case_of(ALL)
    with make_target(target).session() as session:
        (trace,) = session.run([compile_case(case)])
    assert judge(case, trace, catalogue()).status is Status.PASS


@pytest.mark.parametrize("advice", get_args(Advice))
def test_every_advice_is_known_to_the_probe_and_the_models(advice: str) -> None:
    case = case_of(f"map: a\ncall: madvise\nadvice: {advice}\nrange: ^\nexpect: {{locked: .}}")
    for target in ("local", "model:posix"):
        with make_target(target).session() as session:
            (trace,) = session.run([compile_case(case)])
        assert judge(case, trace, catalogue()).status is Status.PASS


def test_the_locks_of_secret_memory_are_neither_set_up_nor_compared() -> None:
    case = case_of("map: sa\nlocked: LL\nregions: {s: {kind: secretmem}}\ncall: observe\nexpect: {locked: '?L'}")
    assert case.earlier == "?L"
    assert "lock 0" not in compile_case(case).text
    assert "lock 1 1 eager" in compile_case(case).text


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        (
            "call: ftruncate\nregion: a\nfile-pages: 1",
            "region: a is of kind anonymous; ftruncate wants one of kind file or ",
        ),
        ("call: shmctl\nregion: a\ncommand: lock", "region: a is of kind anonymous; shmctl wants one of kind sysv"),
        ("call: setrlimit\nsoft: 1p", "hard: is missing; setrlimit takes soft and hard"),
        (
            "call: mremap\nrange: {pages: ^., length: 1}\nto: .^",
            "range: mremap takes whole pages; write only the strip",
        ),
        ("call: madvise\nrange: ^.\nadvice: page-out", "advice: 'page-out' is not known; did you mean pageout?"),
    ],
)
def test_a_mistake_is_told_in_one_line(step: str, problem: str) -> None:
    with pytest.raises(CaseFileError, match=problem.replace("?", r"\?")):
        case_of(f"map: aa\n{step}\nexpect: {{result: 0}}")
