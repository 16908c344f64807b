# SPDX-License-Identifier: Apache-2.0
"""`lockproof compare`: what two runs have seen differently, or what is not deterministic."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lockproof.conformance.commands.printed import Printed
from lockproof.conformance.counted import counted
from lockproof.conformance.errors import UsageError
from lockproof.conformance.files import write_whole
from lockproof.conformance.language.loading import load
from lockproof.conformance.reports.differences import difference_lines, variation_lines
from lockproof.conformance.running import baselines
from lockproof.conformance.running.differences import differences, side
from lockproof.conformance.running.expectations import expected_anywhere, expected_of
from lockproof.conformance.running.store import read_run
from lockproof.conformance.running.variations import variations

if TYPE_CHECKING:
    from lockproof.conformance.running.differences import Side
    from lockproof.conformance.running.tally import Tally

__all__ = ["CompareRequest", "compare"]

_TWO = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareRequest:
    """What the user asked for."""

    sides: tuple[str, ...]
    """Each a run, or RUN#TARGET; or, of two, the file of a baseline."""
    results: Path
    """Folder of the runs."""
    same: bool = False
    """Whether all should be the same: then whatever differs between any of them is told."""
    json: Path | None = None
    """Where what differs is written."""


def compare(request: CompareRequest) -> Printed:
    """Compare runs; 1 where the second is worse, or those that should be the same are not. Raises UsageError."""
    return _same(request) if request.same else _two(request)


def _two(request: CompareRequest) -> Printed:
    if len(request.sides) != _TWO:
        msg = f"{counted(len(request.sides), 'run')} to compare; name two, or add --same"
        raise UsageError(msg)
    before, after = request.sides
    found = differences(_side(request, before, after), _side(request, after, before))
    _write(request, found.as_json())
    return Printed("\n".join(difference_lines(found)), found.exit_code)


def _side(request: CompareRequest, text: str, other: str) -> Side:
    """Return a run, or what a baseline expects of the other side."""
    if not Path(text).is_file():
        name, _, target = text.partition("#")
        return side(*read_run(request.results, name), name=name, target=target or None)
    if Path(other).is_file():
        corpus = load()
        (baseline,) = baselines.load([Path(text)], corpus)
        return expected_anywhere(baseline, corpus)
    name, _, target = other.partition("#")
    manifest, tally = read_run(request.results, name)
    cases = manifest.cases_path
    (baseline,) = baselines.load([Path(text)], baselines.vocabulary(load(cases), cases))
    expected = expected_of(baseline, manifest, tally, baselines.today())
    return replace(expected, targets={target: expected.targets[target]}) if target in expected.targets else expected


def _same(request: CompareRequest) -> Printed:
    runs: dict[str, Tally] = {}
    for text in request.sides:
        _, runs[text] = read_run(request.results, text)
    tried = Counter(key for tally in runs.values() for key in tally.cases)
    if max(tried.values(), default=0) < min(_TWO, len(request.sides)):
        msg = f"{', '.join(request.sides)}: no case was run twice on a target of the same name; name runs of the same"
        raise UsageError(msg)
    found = variations(runs)
    _write(request, {"runs": list(runs), "variations": [each.as_json() for each in found]})
    return Printed("\n".join(variation_lines(found, tuple(runs))), int(bool(found)))


def _write(request: CompareRequest, found: dict[str, Any]) -> None:
    if request.json is not None:
        text = json.dumps(found, indent=2) + "\n"
        write_whole(request.json, text, "choose another file with --json")
