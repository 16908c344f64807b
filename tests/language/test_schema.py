# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from lockproof.conformance.language.schema import schema
from tests.places import CASES

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = schema()
VALIDATOR = Draft202012Validator(SCHEMA)
CASE_FILES = sorted(
    path for path in CASES.rglob("*.yaml") if path.name not in {"requirements.yaml", "interpretations.yaml"}
)
CASE = """
- id: leaf
  about: A case.
  checks: [mlock.failure.no-change]
  map: aaa
  call: mlock
  range: ^^^
  expect: {result: 0}
"""


def mistakes(text: str) -> list[str]:
    # As editors do: numbers and booleans are no texts.
    return [error.message for error in VALIDATOR.iter_errors(yaml.safe_load(text))]


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_every_field_has_a_description() -> None:
    definitions: dict[str, Any] = SCHEMA["$defs"]
    fields = {f"{name}.{key}": field for name, type_ in definitions.items() for key, field in
              type_.get("properties", {}).items()}  # fmt: skip
    assert len(fields) > 40
    assert [name for name, field in fields.items() if not field.get("description")] == []


@pytest.mark.parametrize("path", CASE_FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_cases_that_lockproof_brings_along_are_valid(path: Path) -> None:
    assert mistakes(path.read_text(encoding="utf-8")) == []


def test_there_are_cases_to_validate() -> None:
    assert len(CASE_FILES) > 5
    assert mistakes(CASE) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  map: aaa", "  mapp: aaa"),
        ("{result: 0}", "{reslt: 0}"),
        ("{result: 0}", "{result: ENOPE}"),
        ("{result: 0}", "{result: 0, locked: XXX}"),
        ("  map: aaa", "  limits: {memlock: 4q}\n  map: aaa"),
        ("  map: aaa", "  map: a-a"),
        ("range: ^^^", "range: aaa"),
        ("range: ^^^", "range: {pages: ^^^, begin: 0}"),
        ("  map: aaa", "  map: aaa\n  limits: {memloc: 0}"),
        ("  map: aaa", "  map: aaa\n  regions: {a: {kid: shm}}"),
        ("  call: mlock", "  call: mlok"),
        ("  call: mlock\n", ""),
        ("  map: aaa\n", ""),
        ("  about: A case.\n", "  about: ''\n"),
        ("[mlock.failure.no-change]", "[]"),
        ("- id: leaf", "- id: le af"),
        ("- id: leaf", "- id: $x"),
        ("  call: mlock\n", "  call: mlock\n  steps: [{call: mlock}]\n"),
        ("  call: mlock\n", "  call: mlock\n  fault: every-allocation\n"),
        ("  map: aaa", "  map: aaa\n  regions: {a: {huge: maybe}}"),
        ("  map: aaa", "  map: aaa\n  limits: {memory: 4p}"),
        ("  map: aaa", "  map: aaa\n  closing: sure"),
    ],
)
def test_a_mistake_is_not_valid(old: str, new: str) -> None:
    assert CASE.count(old) == 1
    assert mistakes(CASE.replace(old, new)) != []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("range: ^^^", "range: {pages: ^^^, start: 100, end: -100, length: 1p-1}"),
        ("range: ^^^", "range: $range"),
        ("{result: 0}", "[{result: 0, locked: LLL}, {result: [EAGAIN, ENOMEM], locked: unchanged}, {result: [0]}]"),
        ("  map: aaa", "  map: $at.map\n  for-each: {at: {x: {map: aaa}}, n: [1, -1p, no]}"),
        ("  map: aaa", "  map: aaa\n  limits: {memlock: unlimited, mappings: 0}\n  as: unprivileged"),
        ("  map: aaa", "  map: aaa\n  limits: {memlock: 4096}\n  regions: {a: $with}"),
        ("  map: aaa", "  map: aaa\n  regions: {a: {kind: $of, file-pages: $n}}\n  limits: {mappings: $n}"),
        ("{result: 0}", "[$outcome, {result: [$error, EAGAIN], locked: $after}]"),
        ("  call: mlock\n", "  call: mlock2\n  flags: 0x40000000\n"),
        ("  call: mlock\n", "  call: mlockall\n  flags: [CURRENT, FUTURE]\n"),
        ("  call: mlock\n", "  call: mlock\n  fault: from-each-allocation\n"),
        ("  map: aaa", "  map: aaa\n  regions: {a: {huge: always}}\n  limits: {memory: 200}\n  closing: true"),
    ],
)
def test_every_way_of_writing_a_field_is_valid(old: str, new: str) -> None:
    assert CASE.count(old) == 1
    assert mistakes(CASE.replace(old, new)) == []
