# SPDX-License-Identifier: Apache-2.0
"""Whatever a target says and however a run went: each kind of report can be read by what reads it, and is whole."""

from __future__ import annotations

import json
from itertools import chain
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from lxml import etree

from lockproof.conformance.judging.verdict import Finding, Status, Verdict
from lockproof.conformance.language.requirements import Aspect, Modality
from lockproof.conformance.reports import kinds
from lockproof.conformance.reports.by_target import by_target
from lockproof.conformance.reports.kinds import KINDS
from tests.places import JUNIT_SCHEMA
from tests.reports.generated import HOSTILE, runs
from tests.reports.junit_readers import READERS
from tests.reports.ktap_readers import Test, nested, netdev
from tests.reports.lava_reader import read as read_lava
from tests.reports.made_up import TRACE, manifest, result, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from lockproof.conformance.reports.run import Run

XSD = etree.XMLSchema(etree.parse(JUNIT_SCHEMA))
ASKED = [f"{name}{option}" for name, kind in KINDS.items() for option in ("", *(f":{each}" for each in kind.options))]
LARGEST = 1 << 20
"""Bytes, of the report of one case."""


def junit(report: str) -> int:
    root = etree.fromstring(report.encode())
    XSD.assertValid(root)
    count = len(list(root.iter("testcase")))
    for reader in READERS[:-1]:  # LKFT's compares names that all are safe, of cases; not so those that are made up here
        assert len(reader(report.encode())) == count
    return count


def junit_per_target(report: Any) -> int:  # noqa: ANN401
    return sum(map(junit, report.values()))


def ktap(report: str) -> int:
    def leaves(test: Test) -> int:
        return sum(map(leaves, test.tests)) if test.tests else 1

    return leaves(nested(report))


def ktap_selftests(report: str) -> int:
    return netdev(report).total()


def kcidb(report: str) -> int:
    schema = pytest.importorskip("kcidb_io.schema", reason="needs kcidb-io")
    made = json.loads(report)
    schema.V5_3.validate_exactly(made)
    assert len({test["id"] for test in made["tests"]}) == len(made["tests"])
    return len(made["tests"])


def lava(report: str) -> int:
    return len(read_lava(report))


def tmt(report: Any) -> int:  # noqa: ANN401
    results = yaml.safe_load(report["results.yaml"])
    logs = list(chain.from_iterable(entry.get("log", ()) for entry in results))
    assert sorted(logs) == sorted(set(report) - {"results.yaml"})
    assert all(yaml.safe_load(report[log]) for log in logs if log.endswith("failures.yaml"))
    return len(results)


COUNT: dict[str, Callable[[Any], int]] = {
    "junit": junit,
    "junit:per-target": junit_per_target,
    "ktap": ktap,
    "ktap:selftests": ktap_selftests,
    "kcidb": kcidb,
    "lava": lava,
    "tmt": tmt,
}
"""Reads a report as what it is for does, and counts the tests in it."""


def made(asked: str, run: Run) -> kinds.Report:
    report = kinds.make(kinds.read(asked), [run])
    for text in [report] if isinstance(report, str) else report.values():
        text.encode("utf-8")
    return report


@pytest.mark.parametrize("asked", ASKED)
@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(runs())
def test_whatever_there_is_to_report_is_read_back_whole(asked: str, run: Run) -> None:
    report = made(asked, run)
    if asked in COUNT:
        assert COUNT[asked](report) == sum(len(each.entries) for each in by_target([run]))


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("status", list(Status))
def test_each_hostile_text_is_read_back_for_each_verdict(asked: str, status: Status) -> None:
    named = zip(ascii_lowercase, HOSTILE, strict=False)
    hostile = run(*(result(status, f"a/{letter}", verdict=Verdict(status, text)) for letter, text in named))
    report = made(asked, hostile)
    if asked in COUNT:
        assert COUNT[asked](report) == len(by_target([hostile])[0].entries)


LOG = json.dumps(["x" * 200 + f" {number} ]]></script>" for number in range(5000)])
CRASH = f'{{"crash":"Kernel panic - not syncing: # SKIP","log":{LOG}}}'
MANY = tuple(
    Finding("mlock.no-change", "POSIX", Modality.SHALL, Aspect.LOCKED, f"page {n} # {n}", (n,), 0, 0, ".LL__...", ".L.__...")
    for n in range(10_000)
)  # fmt: skip
BROKEN = Finding("mlock.no-change", "POSIX", Modality.SHALL, Aspect.RESULT, "Kernel panic", (), -1, 0)


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": Verdict(Status.FAIL, findings=MANY)},
        {"verdict": Verdict(Status.FAIL, findings=(BROKEN,)), "trace": (*TRACE[:-1], CRASH)},
        {"verdict": Verdict(Status.UNRESOLVED, "x" * LARGEST)},
    ],
    ids=["10 000 findings", "a log of 1 MB", "a reason of 1 MB"],
)
def test_what_is_very_long_is_cut(asked: str, changes: dict[str, Any]) -> None:
    report = made(asked, run(result(Status.FAIL, **changes)))
    if asked in COUNT:
        texts = [report] if isinstance(report, str) else report.values()
        assert sum(len(text.encode()) for text in texts) < LARGEST / 4
        assert COUNT[asked](report) == 1


@pytest.mark.parametrize("asked", COUNT)
def test_ten_thousand_cases_are_all_there(asked: str) -> None:
    many = run(*(result(status, f"a{n % 50}/{status}-{n}") for n in range(2000) for status in Status))
    assert COUNT[asked](made(asked, many)) == 10_000


@pytest.mark.parametrize("asked", ASKED)
def test_names_that_somebody_has_changed_are_made_safe(asked: str) -> None:
    names = ("a b/#", "../../x", "<b>/é", "\x00/\ud800")
    changed = run(*(result(Status.FAIL, name) for name in names), of=manifest(finished="2026-11-23T04:31:00+00:00"))
    report = made(asked, changed)
    if asked in COUNT:
        assert COUNT[asked](report) == len(names)
