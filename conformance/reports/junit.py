# SPDX-License-Identifier: Apache-2.0
"""JUnit XML: a flat suite for each target and folder of cases.

The shape is the one that the readers of JUnit agree on: the target in the class name (Jenkins cuts at dots, so there is
none in it), the full case name as the test's name, skip reasons as message and as body, the picture in the body only,
no property on a test case.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from junit_xml import TestCase, TestSuite

from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.reports.by_target import by_target
from lockproof.conformance.reports.words import tally_summary
from lockproof.conformance.reports.xml import document, mended, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lockproof.conformance.reports.by_target import TargetResults
    from lockproof.conformance.reports.run import Run
    from lockproof.conformance.running.tally import CaseTally

__all__ = ["PER_TARGET", "junit"]

PER_TARGET = "per-target"
_LONGEST_BODY = 16384


def junit(runs: Sequence[Run], option: str) -> str | Mapping[str, str]:
    """Write the report of runs: a file, or with the option PER_TARGET one for each target.

    In a file of its own, a target is not part of the names of its suites. Raises UsageError as `by_target` does.
    """
    if option == PER_TARGET:
        return {f"{each.label}.xml": _file(_suites(each, "")) for each in by_target(runs)}
    return _file(suite for each in by_target(runs) for suite in _suites(each, f"{each.label}/"))


def _file(suites: Iterable[ET.Element]) -> str:
    root = ET.Element("testsuites")
    root.extend(suites)
    for name in ("tests", "failures", "errors"):
        root.set(name, f"{sum(int(suite.get(name, 0)) for suite in root)}")
    root.set("time", f"{sum(float(suite.get('time', 0)) for suite in root):.3f}")
    return document(root)


def _suites(of: TargetResults, prefix: str) -> Iterator[ET.Element]:
    for folder, entries in of.folders():
        classname = ".".join((of.label, *folder.replace(".", "_").split("/")))
        cases = [_case(entry, classname, of.run) for entry in entries]
        yield _suite(of, f"{prefix}{folder}", cases, _properties(of, entries))
    if of.nothing_found_out is not None:
        case = TestCase("evidence", of.label, 0.0)
        message = plain(of.nothing_found_out)
        case.add_error_info(message, message, str(Status.UNRESOLVED))
        yield _suite(of, f"{prefix}evidence", [case], {"lockproof.target": of.target})


def _properties(of: TargetResults, entries: Sequence[CaseTally]) -> dict[str, str]:
    manifest, info = of.run.manifest, of.info
    properties = {
        "lockproof.version": manifest.lockproof,
        "lockproof.run": manifest.run,
        "lockproof.target": of.target,
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
    return properties


def _suite(of: TargetResults, name: str, cases: list[TestCase], properties: dict[str, str]) -> ET.Element:
    suite = TestSuite(
        plain(name.replace(".", "_")),
        cases,
        hostname=of.label if of.info is not None else plain(socket.gethostname()),
        properties=_all_plain({key: value for key, value in properties.items() if value}),
        timestamp=of.run.manifest.started.removesuffix("+00:00"),
    )
    return mended(suite.build_xml_doc())


def _case(entry: CaseTally, classname: str, run: Run) -> TestCase:
    case = TestCase(plain(entry.worst.case), plain(classname), entry.seconds)
    if entry.status is Status.PASS:
        return case
    known = run.known(entry)
    summary = tally_summary(entry) or str(entry.status)
    if known is not None:
        message = plain(f"XFAIL {known.id}: {summary}")
        case.add_skipped_info(message, _body(message, entry, run))
    elif entry.status is Status.FAIL:
        message = plain(summary)
        case.add_failure_info(message, _body(message, entry, run), str(Status.FAIL))
    elif entry.status is Status.UNRESOLVED:
        message = plain(summary)
        case.add_error_info(message, _body(message, entry, run), str(Status.UNRESOLVED))
    else:
        message = plain(f"{entry.status}: {summary}")
        case.add_skipped_info(message, f"{message}\n{plain(_origin(entry, run))}")
    return case


def _body(message: str, entry: CaseTally, run: Run) -> str:
    """Return the message again, for readers that show nothing else, the picture, and where the case comes from."""
    body = plain("\n".join((message, run.picture(entry.worst), _origin(entry, run))))
    cut = "\n… cut; the whole trace is in results.jsonl"
    return body if len(body) <= _LONGEST_BODY else body[: _LONGEST_BODY - len(cut)] + cut


def _origin(entry: CaseTally, run: Run) -> str:
    result = entry.worst
    return f"  checks    {', '.join(result.checks)}\n  case      {run.source(result)}\n  rerun     {run.rerun(result)}"


def _all_plain(properties: dict[str, Any]) -> dict[str, str]:
    return {key: plain(str(value)) for key, value in properties.items()}
