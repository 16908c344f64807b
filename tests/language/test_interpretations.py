# SPDX-License-Identifier: Apache-2.0
"""By which reading of the standard a case is judged; what is wrong in cases/interpretations.yaml, and in outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.errors import CaseFileError, UsageError
from lockproof.conformance.language.loading import load, load_interpretations, load_text
from lockproof.conformance.language.readings import others

if TYPE_CHECKING:
    from pathlib import Path

    from lockproof.conformance.language.case import Case

CASE = """\
- id: leaf
  about: A case.
  checks: [mlock.enomem.unmapped]
  map:    aaa
  call:   mlock
  range:  {pages: .^., length: -1}
  expect:
    - {reading: size-max=not-mapped, result: ENOMEM}
    - {reading: size-max=wraps, result: 0}
    - {result: EINVAL}
"""
GOOD = """\
- id: a
  question: What is meant?
  text: {section: words}
  readings: {one: It is this., two: It is that.}
  systems: {Linux: x, FreeBSD: x, NetBSD: x, illumos: x, gVisor: x}
  decided: one
  because: It is so.
"""


def results(case: Case) -> list[str]:
    return [outcome.result[0] for outcome in case.steps[0].expect]


def test_a_case_has_the_outcomes_of_the_reading_that_was_decided() -> None:
    (case,) = load_text(CASE).cases
    assert (results(case), case.readings) == (["ENOMEM", "EINVAL"], {"size-max": "not-mapped"})
    assert all(outcome.reading is None for outcome in case.steps[0].expect)


def test_another_reading_has_other_outcomes() -> None:
    corpus = load_text(CASE).read_by(["size-max=wraps"])
    (case,) = corpus.cases
    assert (results(case), case.readings) == (["0", "EINVAL"], {"size-max": "wraps"})
    assert corpus.readings == ("size-max=wraps",)
    assert [(name, results(other)) for name, other in others(case)] == [("size-max", ["ENOMEM", "EINVAL"])]


def test_what_was_decided_is_no_other_reading() -> None:
    corpus = load_text(CASE)
    assert corpus.read_by(["size-max=not-mapped"]) == corpus
    assert corpus.read_by(["size-max=wraps"]).read_by([]) == corpus


def test_a_case_that_turns_on_nothing_is_the_same_by_all_readings() -> None:
    corpus = load()
    other = corpus.read_by(["size-max=wraps"])
    changed = [a.name for a, b in zip(corpus.cases, other.cases, strict=True) if a != b]
    assert changed == ["mlock/errors/endless-range[length=-1]", "munlock/errors/endless-range[length=-1]"]


def test_each_interpretation_has_a_case_that_turns_on_it() -> None:
    corpus = load()
    assert {name for case in corpus.cases for name in case.readings} == set(corpus.interpretations)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("size-max=wraps", "size-max=wrap",
         "cases.yaml:9:17: expect[1].reading: 'wrap' is no reading of size-max; did you mean wraps?"),
        ("size-max=wraps", "sizemax=wraps",
         "cases.yaml:9:17: expect[1].reading: 'sizemax' is no interpretation; did you mean size-max?"),
        ("size-max=wraps", "size-max", ("cases.yaml:9:17: expect[1].reading: 'size-max' names no reading; write one of: "
         "size-max=not-mapped, size-max=wraps")),
        ("    - {reading: size-max=wraps, result: 0}\n", "",
         "cases.yaml:8:5: expect: says nothing of size-max=wraps; write an outcome for each reading of size-max"),
    ],
)  # fmt: skip
def test_a_mistake_in_an_outcome_is_one_line_with_its_place(old: str, new: str, said: str) -> None:
    with pytest.raises(CaseFileError) as caught:
        load_text(CASE.replace(old, new))
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("two: It is that.", "Two: x", "4:37: readings.Two: 'Two' is no name here; write small letters and digits, with '-' between words"),
        (", two: It is that.", "", "4:13: readings: one reading is no question; write at least two"),
        ("decided: one", "decided: on", "6:12: decided: 'on' is none of the readings; did you mean one?"),
        ("NetBSD: x, ", "", "5:12: systems: says nothing of NetBSD; write what it does, or that it is not known"),
        ("NetBSD: x, ", "NetBSD: x, Netbsd: x, ", "5:54: systems.Netbsd: 'Netbsd' is no system here; write one of: FreeBSD, Linux, NetBSD, gVisor, illumos"),
        ("{section: words}", "{}", "3:9: text: no clause; write at least one, as section: words"),
        ("words", "w" * 201, "3:19: text.section: String should have at most 200 characters"),
        ("  because: It is so.\n", "", "1:3: because: is missing; write it"),
        ("question:", "qestion:", "2:3: qestion: is no field here; did you mean question?"),
        ("- id: a", "- id: A b", "1:7: id: 'A b' is no name here; write small letters and digits, with '-' between words"),
    ],
)  # fmt: skip
def test_a_mistake_in_an_interpretation_is_one_line_with_its_place(
    old: str, new: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "interpretations.yaml"
    file.write_text(GOOD)
    assert list(load_interpretations(tmp_path)) == ["a"]
    file.write_text(GOOD.replace(old, new))
    with pytest.raises(CaseFileError) as caught:
        load_interpretations(tmp_path)
    assert f"interpretations.yaml:{said}" in str(caught.value).splitlines()


def test_an_interpretation_stands_there_once(tmp_path: Path) -> None:
    (tmp_path / "interpretations.yaml").write_text(GOOD * 2)
    with pytest.raises(CaseFileError, match="a stands here a second time; remove one"):
        load_interpretations(tmp_path)


def test_two_readings_of_one_interpretation_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="size-max=wraps is asked for too; take one reading of size-max"):
        load().read_by(["size-max=wraps", "size-max=not-mapped"])
