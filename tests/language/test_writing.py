# SPDX-License-Identifier: Apache-2.0
"""What is written is loaded again as the same, whatever the case, and looks as a person would write it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from lockproof.conformance.errors import Location
from lockproof.conformance.language.calls import Call
from lockproof.conformance.language.case import (
    Case,
    Kind,
    Limits,
    Outcome,
    Range,
    Region,
    Size,
    Step,
    flatten,
)
from lockproof.conformance.language.fields import ERRNOS, SIGNALS
from lockproof.conformance.language.loading import load, load_text
from lockproof.conformance.language.requirements import Aspect, Modality, Profile, Requirement
from lockproof.conformance.language.schema import schema
from lockproof.conformance.language.strips import marked
from lockproof.conformance.language.writing import id_of, scalar, write
from tests.helpers import case_of

ALL = Requirement(
    id="all.aspects",
    modality=Modality.UNSPECIFIED,
    profile=Profile.LINUX,
    statement="A.",
    source="x",
    observes=(*Aspect,),
)
MAYBE = st.booleans()
OWN_OBJECT = (Kind.FILE, Kind.SHM, Kind.MEMFD)
ONE_PAGE_SIZE = (Kind.HUGETLB, Kind.SECRETMEM)
PROTECTIONS = ("none", "r", "w", "x", "rw", "rx", "wx", "rwx")
WORDS = {
    "region": "abnyz", "protection": PROTECTIONS, "advice": ("dontneed", "willneed"), "image": ("self", "missing"),
}  # fmt: skip


def reloaded(case: Case) -> Case:
    (again,) = load_text(write(case), {ALL.id: ALL}).cases
    return replace(again, name=case.name, source=case.source)


def strip(pages: int, letters: str) -> st.SearchStrategy[str]:
    return st.text(letters, min_size=pages, max_size=pages)


@st.composite
def sizes(draw: st.DrawFn) -> Size:
    return Size.parse(draw(st.from_regex(r"-?([0-9]{1,9}p([+-][0-9]{1,9})?|[0-9]{1,9})", fullmatch=True)))


@st.composite
def regions(draw: st.DrawFn, layout: str, later: set[str]) -> dict[str, Region]:
    made: dict[str, Region] = {}
    for letter in sorted({*layout, *later} - {"_"}):
        kind = draw(st.sampled_from([kind for kind in Kind if kind is not Kind.HEAP]))
        earlier = [name for name, region in made.items() if region.kind is kind and kind in OWN_OBJECT]
        made[letter] = Region(
            kind=kind,
            protection=draw(st.sampled_from(PROTECTIONS)),
            share=draw(st.sampled_from((None, "private", "shared"))),
            file_pages=draw(st.none() | st.integers(0, 9)) if kind in OWN_OBJECT else None,
            guard=draw(st.none() | strip(layout.count(letter), "G.")) if letter in layout else None,
            alias=draw(st.sampled_from([None, *earlier])),
            huge=draw(st.sampled_from((None, "always", "never"))) if kind not in ONE_PAGE_SIZE else None,
        )
    return made


@st.composite
def ranges(draw: st.DrawFn, pages: int, *, bytewise: bool) -> Range:
    first = draw(st.integers(0, pages - 1))
    at = marked(first, draw(st.integers(1, pages - first)), pages)
    if not bytewise:
        return Range(pages=at)
    offsets = st.integers(-5000, 5000)
    return Range(pages=at, start=draw(offsets), end=draw(offsets), length=draw(st.none() | sizes()))


def flags(call: Call) -> st.SearchStrategy[tuple[str, ...]]:
    number = st.sampled_from(("0", "17", "0x40000000")).map(lambda text: (text,))
    return number | st.lists(st.sampled_from(call.signature.flags), min_size=1, max_size=3).map(tuple)


@st.composite
def outcomes(draw: st.DrawFn, pages: int, call: Call, *, unchanged: bool) -> Outcome:
    results = draw(st.lists(st.sampled_from(["0", "any", *sorted(ERRNOS), *sorted(SIGNALS)]), min_size=1, max_size=4))
    words = ["any", "unchanged"] if unchanged else ["any"]
    settles = words if call is Call.SETTLE else ["any"]
    return Outcome(
        result=tuple(results),
        locked=draw(st.sampled_from(words) | strip(pages, "LF._?")),
        resident=draw(st.just("any") | strip(pages, "R._?")),
        elsewhere=draw(st.sampled_from((None, "none", "all", "any", *words[1:]))),
        mappings=draw(st.sampled_from(words)),
        accounting=draw(st.sampled_from(("exact", "any"))),
        mlocked=draw(st.sampled_from(settles)) if unchanged else "any",
        vm_areas=draw(st.sampled_from(settles)) if unchanged else "any",
        page_faults=draw(st.sampled_from(("none", "some", "any"))) if call is Call.TOUCH else "any",
    )


def argument(name: str, call: Call, pages: int) -> st.SearchStrategy[Any]:
    if name in {"range", "to"}:
        return ranges(pages, bytewise=call.signature.bytewise)
    if name == "flags":
        return flags(call)
    if name == "child":
        return steps(pages, call)
    if name in {"soft", "hard"}:
        return st.just("unlimited") | sizes()
    return st.sampled_from(WORDS[name])


@st.composite
def steps(draw: st.DrawFn, pages: int, within: Call | None = None) -> tuple[Step, ...]:
    # test_more_calls.py: their region has to be of a kind. test_orders.py: what the calls do has to be known.
    # test_mistakes.py: something has to show that memory was taken.
    elsewhere = {Call.FTRUNCATE, Call.SHMCTL, Call.THREADS, Call.RECLAIM}
    able = [call for call in Call if within not in call.signature.not_within and call not in elsewhere]
    made = []
    for number in range(draw(st.integers(1, 3))):
        call = draw(st.sampled_from(able))
        named = [*call.signature.needs, *(name for name in call.signature.may_have if draw(MAYBE))]
        unchanged = not (within is Call.FORK and number == 0)
        expect = draw(st.lists(outcomes(pages, call, unchanged=unchanged), max_size=3))
        arguments = {name: draw(argument(name, call, pages)) for name in named}
        made.append(Step(call=call, expect=tuple(expect), **arguments))
    return tuple(made)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    mapped = draw(st.text("abnoy_", min_size=1, max_size=8) | st.just("a" * 80 + "_"))
    made = draw(steps(len(mapped)))
    if not any(step.expect for step in flatten(made)):
        made = (*made[:-1], replace(made[-1], expect=(Outcome(),)))
    if made[-1].call.signature.swept and not any(step.fault for step in flatten(made)):
        lasting = () if made[-1].call is Call.FORK else ("from-each-allocation",)  # a child would fail as well
        fault = draw(st.sampled_from((None, "each-allocation", *lasting)))
        made = (*made[:-1], replace(made[-1], fault=fault))
    later = {step.region for step in flatten(made) if step.region}
    return Case(
        name=draw(st.from_regex(r"[A-Za-z0-9]+(/[A-Za-z0-9_-]+)?(\[[a-z]=[a-z0-9.-]+\])?", fullmatch=True)),
        source=Location("nowhere", 1, 1),
        about=draw(st.text(st.characters(codec="utf-8"), min_size=1)),
        checks=(ALL.id,),
        profile=Profile.LINUX,
        map=mapped,
        regions=draw(regions(mapped, later)),
        locked=draw(
            st.tuples(*(st.just("_") if page == "_" else st.sampled_from("LF.") for page in mapped)).map("".join)
        ),
        limits=draw(
            st.builds(
                Limits,
                memlock=st.none() | st.just("unlimited") | sizes(),
                mappings=st.none() | st.integers(0, 9),
                memory=st.none() | st.integers(0, 900),
            )
        ),
        privilege=draw(st.sampled_from((None, "privileged", "unprivileged"))),
        steps=made,
        closing=draw(MAYBE) and not any(step.fault for step in flatten(made)),
    )


@settings(max_examples=400, deadline=None)
@given(cases())
def test_a_case_that_is_written_is_loaded_as_the_same(case: Case) -> None:
    assert reloaded(case) == case


def test_the_whole_corpus_is_loaded_as_it_is_written() -> None:
    corpus = load()
    text = write(*corpus.cases)
    assert [error.message for error in Draft202012Validator(schema()).iter_errors(yaml.safe_load(text))] == []
    again = load_text(text).cases
    assert [case.name for case in again] == [f"cases/{id_of(case.name)}" for case in corpus.cases]
    as_judged = [replace(case, readings={}, written=()) for case in corpus.cases]
    assert [replace(b, name=a.name, source=a.source) for a, b in zip(corpus.cases, again, strict=True)] == as_judged


BARE = "map: aaa\ncall: mlock\nrange: ^^^\nexpect: {result: 0}"


def test_a_step_alone_is_written_into_its_case_with_strips_below_each_other() -> None:
    assert write(
        case_of(
            "map: aaa___bbb\nlocked: ...___.L.\ncall: mlock\nrange: .^^^^^...\nexpect:\n- {result: 0}\n"
            "- {result: [ENOMEM, EAGAIN], locked: unchanged}"
        )
    ) == (
        """\
- id: folder-leaf
  about: A case.
  checks: [mlock.no-change, mlock.errors]
  map:    aaa___bbb
  locked: ...___.L.
  call:   mlock
  range:  .^^^^^...
  expect:
    - {result: 0}
    - {result: [ENOMEM, EAGAIN], locked: unchanged}"""
    )


def test_what_a_child_does_is_written_below_it() -> None:
    case = case_of(
        "map: aa\nsteps:\n- {call: mlockall, flags: [CURRENT, FUTURE]}\n"
        "- {call: fork, child: [{call: observe, expect: {locked: ..}}]}"
    )
    assert (
        write(case).partition("  steps:\n")[2]
        == """\
    - call:  mlockall
      flags: [CURRENT, FUTURE]
    - call: fork
      child:
        - call:   observe
          expect: {locked: ..}"""
    )


def test_a_long_strip_is_written_with_run_lengths() -> None:
    assert "  map:    a*300\n" in write(case_of(BARE.replace("aaa", "a*300").replace("^^^", "^*300")))


def test_several_cases_are_a_list() -> None:
    text = write(replace(case_of(BARE), name="one"), replace(case_of(BARE), name="f/two[n=-1]"))
    assert [entry["id"] for entry in yaml.safe_load(text)] == ["one", "f-two-n-1"]


@pytest.mark.parametrize(
    "text", ["no", "null", "1.5", "0x1", "2006-01-01", "~", "qemu: x", "a, b", "[", "?.L", "", " a ", "#"]
)
def test_a_text_that_could_be_taken_for_something_else_is_quoted(text: str) -> None:
    assert scalar(text).startswith('"')
    assert yaml.safe_load(f"{{a: {scalar(text)}, b: [{scalar(text)}]}}") == {"a": text, "b": [text]}


@pytest.mark.parametrize(
    "text", ["mlock.eagain:result", "mlock/errors/hole", "...__LF.", ".^^^.", "^*300", "unchanged"]
)
def test_a_word_and_a_strip_stand_plain(text: str) -> None:
    assert scalar(text) == text
    assert yaml.safe_load(f"{{a: {text}, b: [{text}]}}") == {"a": text, "b": [text]}


@given(st.text(st.characters(codec="utf-8")))
def test_any_text_is_read_as_it_was(text: str) -> None:
    assert yaml.safe_load(f"[{scalar(text)}, {{a: {scalar(text)}}}]") == [text, {"a": text}]
