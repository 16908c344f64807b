# SPDX-License-Identifier: Apache-2.0
"""Runs made up for the tests of reports."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from lockproof.conformance.judging.verdict import Finding, Status, Verdict
from lockproof.conformance.language.loading import Corpus
from lockproof.conformance.language.requirements import Aspect, Modality
from lockproof.conformance.reports.run import Run
from lockproof.conformance.running.baselines import Baseline, KnownIssue, Where
from lockproof.conformance.running.manifest import Manifest, corpus_digest
from lockproof.conformance.running.results import Result
from lockproof.conformance.running.tally import Tally
from tests.helpers import case_of, target_info

CASE = case_of("map: aaa__bbb\ncall: mlock\nrange: .^^^^^^.\nexpect: {result: ENOMEM, locked: unchanged}")
TRACE = (
    '{"before":{"locked":{"smaps":".L.__..."},"resident":null,"mappings":null,"accounted":null,"elsewhere":null}}',
    (
        '{"step":0,"result":"ENOMEM","snapshot":{"locked":{"smaps":".LL__..."},"resident":null,"mappings":null,'
        '"accounted":null,"elsewhere":null}}'
    ),
    '{"execution":0,"status":"done"}',
    '{"end":"p0"}',
)


KNOWN = Baseline(
    Path("linux.yaml"),
    (
        KnownIssue(
            id="keeps-prefix",
            about="It keeps the prefix.",
            url="https://example.org",
            cases=("mlock/known",),
            finding="mlock.no-change:locked",
            where=(Where(upstream="< 7.4"),),
            expires=date.max,
        ),
    ),
    {},
)
"""Knows that mlock/known fails."""


def manifest(*targets: str, **changes: Any) -> Manifest:  # noqa: ANN401
    fields: dict[str, Any] = {
        "run": "20261123T043000",
        "lockproof": "0.1.0",
        "cases": None,
        "selection": (),
        "corpus": "0123456789abcdef",
        "targets": targets or ("local",),
        "repeat": 1,
        "time_limit": 30.0,
        "started": "2026-11-23T04:30:00+00:00",
        "finished": "2026-11-23T04:31:00+00:00",
        "info": {target: target_info() for target in targets or ("local",)},
    }
    return Manifest(**{**fields, **changes})


def verdict(status: Status, why: str) -> Verdict:
    if status is not Status.FAIL:
        return Verdict(status, "" if status is Status.PASS else why)
    seen = Finding("mlock.no-change", "POSIX", Modality.SHALL, Aspect.LOCKED, why, (2,), 0, 0, ".LL__...", ".L.__...")
    return Verdict(status, findings=(seen,))


def message(status: Status, why: str) -> str:
    return f"mlock.no-change: after .LL__... permitted .L.__... ({why})" if status is Status.FAIL else why


def result(
    status: Status,
    case: str = "mlock/no-change/hole",
    *,
    why: str = "",
    **changes: Any,  # noqa: ANN401
) -> Result:
    fields: dict[str, Any] = {
        "target": "local",
        "case": case,
        "repetition": 1,
        "verdict": verdict(status, why or f"why it is {status}"),
        "checks": ("mlock.no-change", "mlock.errors"),
        "profile": "posix",
        "source": "cases/mlock/no-change.yaml:4",
        "seconds": 0.0014,
        "trace": TRACE,
    }
    return Result(**{**fields, **changes})


def run(*results: Result, of: Manifest | None = None, **more: Any) -> Run:  # noqa: ANN401
    tally = Tally()
    for one in results:
        tally.add(one)
    cases = tuple(replace(CASE, name=name) for name in dict.fromkeys(one.case for one in results))
    return Run(replace(of or manifest(), corpus=corpus_digest(cases)), tally, Corpus(cases, {}), **more)
