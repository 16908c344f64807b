# SPDX-License-Identifier: Apache-2.0
"""JUnit XML: a flat suite for each target and folder of cases.

The shape is the one that the readers of JUnit agree on: the target in the class name with its dots as `_` (Jenkins
cuts at dots), the full case name as the test's name, skip reasons as message and as body, the picture in the body
only, no property on a test case.
"""

from __future__ import annotations

import shlex
import socket
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from junit_xml import TestCase, TestSuite

from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.reports.picture import of_result
from lockproof.conformance.reports.words import tally_summary, why_nothing_was_found_out
from lockproof.conformance.reports.xml import document, mended, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lockproof.conformance.reports.run import Run
    from lockproof.conformance.running.tally import CaseTally, Tally

__all__ = ["junit"]

_LONGEST_BODY = 16384


def junit(run: Run) -> str:
    """Write the report of a run."""
    suites = [_suite(target, folder, entries, run) for target, folder, entries in _grouped(run.tally)]
    suites += [_without_evidence(target, run) for target in run.tally.targets if _all_skipped(target, run.tally)]
    root = ET.Element(
        "testsuites",
        {
            "tests": f"{sum(int(suite.get('tests', 0)) for suite in suites)}",
            "failures": f"{sum(int(suite.get('failures', 0)) for suite in suites)}",
            "errors": f"{sum(int(suite.get('errors', 0)) for suite in suites)}",
            "time": f"{sum(float(suite.get('time', 0)) for suite in suites):.3f}",
        },
    )
    root.extend(suites)
    return document(root)


def _grouped(tally: Tally) -> Iterator[tuple[str, str, list[CaseTally]]]:
    groups: dict[tuple[str, str], list[CaseTally]] = {}
    for (target, case), entry in tally.cases.items():
        groups.setdefault((target, case.partition("[")[0].rpartition("/")[0]), []).append(entry)
    for (target, folder), entries in sorted(groups.items()):
        yield target, folder, sorted(entries, key=lambda entry: entry.worst.case)


def _suite(target: str, folder: str, entries: list[CaseTally], run: Run) -> ET.Element:
    manifest = run.manifest
    info = manifest.info.get(target)
    properties = {
        "lockproof.version": manifest.lockproof,
        "lockproof.run": manifest.run,
        "lockproof.target": target,
        "lockproof.profile": ", ".join(sorted({entry.worst.profile for entry in entries})),
        "lockproof.requirements": " ".join(sorted({check for entry in entries for check in entry.worst.checks})),
        "lockproof.corpus": manifest.corpus,
    }
    if info:
        properties |= {
            "lockproof.kernel": info.release,
            "lockproof.arch": info.machine,
            "lockproof.page-size": str(info.page_size),
            "lockproof.faults": " ".join(f"{what}={how}" for what, how in info.faults.items()),
            "lockproof.knobs": " ".join(f"{knob}={was}->{now}" for knob, (was, now) in info.knobs.items()),
            "lockproof.taint": "" if info.taint is None else str(info.taint),
        }
    return _built(target, folder, [_case(entry, target, folder, run) for entry in entries], properties, run)


def _all_skipped(target: str, tally: Tally) -> bool:
    return not tally.has_evidence(target) and not tally.count(target, Status.UNRESOLVED)


def _without_evidence(target: str, run: Run) -> ET.Element:
    """Make a suite that fails for a target of which nothing was found out: to readers, skips only are a success."""
    message = plain(f"nothing was found out; {why_nothing_was_found_out(run.tally, target)}")
    case = TestCase("evidence", plain(target).replace(".", "_"), 0.0)
    case.add_error_info(message, message, str(Status.UNRESOLVED))
    return _built(target, "", [case], {"lockproof.target": target}, run)


def _built(target: str, folder: str, cases: list[TestCase], properties: dict[str, str], run: Run) -> ET.Element:
    suite = TestSuite(
        plain(f"{target}/{folder}"),
        cases,
        hostname=plain(target if target in run.manifest.info else socket.gethostname()),
        properties=_all_plain({key: value for key, value in properties.items() if value}),
        timestamp=run.manifest.started.removesuffix("+00:00"),
    )
    return mended(suite.build_xml_doc())


def _case(entry: CaseTally, target: str, folder: str, run: Run) -> TestCase:
    result = entry.worst
    parts = (plain(target), *folder.split("/"))
    case = TestCase(plain(result.case), ".".join(part.replace(".", "_") for part in parts), entry.seconds)
    if entry.status is Status.PASS:
        return case
    message, body = plain(tally_summary(entry) or entry.status), _body(entry, run)
    match entry.status:
        case Status.FAIL:
            case.add_failure_info(message, body, str(Status.FAIL))
        case Status.UNRESOLVED:
            case.add_error_info(message, body, str(Status.UNRESOLVED))
        case skipped:
            case.add_skipped_info(f"{skipped}: {message}", f"{skipped}: {message}\n{plain(_origin(entry, run))}")
    return case


def _body(entry: CaseTally, run: Run) -> str:
    result = entry.worst
    info = run.manifest.info.get(result.target)
    drawn = [str(of_result(result, run.cases[result.case], info))] if info is not None else []
    lines = [tally_summary(entry) or entry.status, *drawn, _origin(entry, run)]
    body = plain("\n".join(lines))
    cut = "\n… cut; the whole trace is in results.jsonl"
    return body if len(body) <= _LONGEST_BODY else body[: _LONGEST_BODY - len(cut)] + cut


def _origin(entry: CaseTally, run: Run) -> str:
    result = entry.worst
    corpus = f" --cases {shlex.quote(run.manifest.cases)}" if run.manifest.cases else ""
    return (
        f"  checks    {', '.join(result.checks)}\n  case      {result.source}\n"
        f"  rerun     lockproof run{corpus} -t {shlex.quote(result.target)} {shlex.quote(result.case)}"
    )


def _all_plain(properties: dict[str, Any]) -> dict[str, str]:
    return {key: plain(str(value)) for key, value in properties.items()}
