# SPDX-License-Identifier: Apache-2.0
"""Runs with results as bad as they can be, for hypothesis."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from lockproof.conformance.judging.verdict import Finding, Status, Verdict
from lockproof.conformance.language.requirements import Aspect, Modality
from tests.helpers import target_info
from tests.reports.made_up import KNOWN, TRACE, manifest, result, run

if TYPE_CHECKING:
    from lockproof.conformance.reports.run import Run
    from lockproof.conformance.running.results import Result

__all__ = ["HOSTILE", "runs"]

HOSTILE = (
    "]]>",
    "</script><script>alert(1)</script>",
    "<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=x RESULT=pass>",
    "# SKIP",
    "KTAP version 1\n1..1\nok 1 x",
    "a\x00b\x1b[2J\x07\x85\ufffe\uffff",
    "\ud800 \udcff",
    "- !!python/object:os.system {a: b}\n--- %YAML\t*a &b",
    "&amp; < > \" ' `",
    "Kernel panic - not syncing: VFS: reboot: System halted",
    "\u202e\u2066\u2028\u2029",
    " \n\r\n\t ",
    "{{ 7*7 }}{% raw %}",
    "",
)
"""What a target may say."""

TEXT = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=())), st.just("x" * 2000))
SENT = TEXT.map(lambda text: text.encode(errors="replace").decode())
"""Text that came as JSON: no half of a surrogate is in it."""
NAME = st.from_regex(r"[a-z]{1,4}(/[a-z0-9._-]{0,3}[a-z]){1,2}(\[n=[a-z0-9/.-]{1,4}\])?", fullmatch=True)
FINDING = st.builds(
    Finding,
    st.sampled_from(["mlock.no-change", "quality.layout"]),
    TEXT,
    st.sampled_from(Modality),
    st.sampled_from(Aspect),
    TEXT,
    st.just((2,)),
    st.integers(-1, 2),
    st.integers(0, 2),
    st.one_of(st.none(), st.just(".LL__..."), TEXT),
    st.one_of(st.none(), st.just(".L.__..."), TEXT),
    TEXT,
)
VERDICT = st.one_of(
    st.just(Verdict(Status.PASS)),
    st.builds(Verdict, st.just(Status.FAIL), TEXT, st.lists(FINDING, max_size=3).map(tuple)),
    st.builds(Verdict, st.sampled_from([Status.UNRESOLVED, Status.UNSUPPORTED, Status.UNTESTED]), TEXT),
)


@st.composite
def runs(draw: st.DrawFn) -> Run:
    """Make a run: targets, and results of them, some without a trace or with one that is none."""
    targets = draw(st.lists(st.one_of(st.just("local"), SENT.filter(bool)), min_size=1, max_size=3, unique=True))
    names = draw(st.lists(NAME, min_size=1, max_size=4, unique_by=lambda name: re.sub("[^A-Za-z0-9]+", "-", name)))
    trace = st.sampled_from([TRACE, (), ("garbage",), TRACE[:2]])
    results: list[Result] = [
        result(
            Status.PASS,
            name,
            target=target,
            verdict=draw(VERDICT),
            trace=draw(trace),
            seconds=draw(st.floats(0, 1e6)),
            source=draw(st.one_of(st.just("cases/a.yaml:4"), TEXT.filter(bool))),
            profile=draw(TEXT),
            checks=(draw(TEXT),),
        )
        for target in targets
        for name in names
    ]
    info = {
        target: target_info(release=draw(SENT), version=draw(SENT), machine=draw(SENT))
        for target in targets
        if draw(st.booleans())
    }
    finished = draw(st.sampled_from([None, "2026-11-23T04:31:00+00:00"]))
    return run(*results, of=manifest(*targets, info=info, finished=finished), baselines=(KNOWN,))
