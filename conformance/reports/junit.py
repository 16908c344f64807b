# SPDX-License-Identifier: Apache-2.0
"""JUnit XML: a flat suite for each target and folder of cases.

The shape is the one that the readers of JUnit agree on: the target in the class name (Jenkins cuts at dots, so there is
none in it), the full case name as the test's name, skip reasons as message and as body, the picture in the body only,
no property on a test case.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.reports import junit_file
from lockproof.conformance.reports.by_target import by_target
from lockproof.conformance.reports.junit_file import Entry, document
from lockproof.conformance.reports.words import tally_summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from xml.etree import ElementTree as ET

    from lockproof.conformance.reports.by_target import TargetResults
    from lockproof.conformance.reports.run import Run
    from lockproof.conformance.running.tally import CaseTally

__all__ = ["PER_TARGET", "junit"]

PER_TARGET = "per-target"


def junit(runs: Sequence[Run], option: str) -> str | Mapping[str, str]:
    """Write the report of runs: a file, or with the option PER_TARGET one for each target.

    In a file of its own, a target is not part of the names of its suites. Raises UsageError as `by_target` does.
    """
    if option == PER_TARGET:
        return {f"{each.label}.xml": document(_suites(each, "")) for each in by_target(runs)}
    return document(suite for each in by_target(runs) for suite in _suites(each, f"{each.label}/"))


def _suites(of: TargetResults, prefix: str) -> Iterator[ET.Element]:
    suites: dict[str, list[CaseTally]] = {}
    for folder, entries in of.folders():
        suites.setdefault(folder.replace(".", "_"), []).extend(entries)
    for name, entries in suites.items():
        classname = ".".join((of.label, *name.split("/")))
        yield _suite(of, f"{prefix}{name}", (_entry(entry, classname, of.run) for entry in entries), entries)


def _suite(of: TargetResults, name: str, made: Iterable[Entry], entries: Sequence[CaseTally]) -> ET.Element:
    return junit_file.suite(
        name,
        made,
        hostname=of.label if of.info is not None else socket.gethostname(),
        timestamp=of.run.manifest.started.removesuffix("+00:00"),
        properties=_properties(of, entries),
    )


def _properties(of: TargetResults, entries: Sequence[CaseTally]) -> dict[str, str]:
    manifest, info = of.run.manifest, of.info
    properties = {
        "lockproof.version": manifest.lockproof,
        "lockproof.run": manifest.run,
        "lockproof.target": of.target,
        "lockproof.profile": ", ".join(sorted({entry.worst.profile for entry in entries})),
        "lockproof.requirements": " ".join(sorted({check for entry in entries for check in entry.worst.checks})),
        "lockproof.corpus": manifest.corpus,
        "lockproof.readings": " ".join(manifest.readings),
    }
    if info:
        properties |= {
            "lockproof.kernel": info.release,
            "lockproof.package": " ".join(info.packaged).strip(),
            "lockproof.arch": info.machine,
            "lockproof.page-size": str(info.page_size),
            "lockproof.faults": " ".join(f"{what}={how}" for what, how in info.faults.items()),
            "lockproof.knobs": " ".join(f"{knob}={was}->{now}" for knob, (was, now) in info.knobs.items()),
            "lockproof.taint": "" if info.taint is None else str(info.taint),
        }
    return properties


def _entry(entry: CaseTally, classname: str, run: Run) -> Entry:
    result, status = entry.worst, entry.status
    if status is Status.PASS:
        return Entry(classname, result.case, entry.seconds, output=result.verdict.resting)
    message, known = tally_summary(entry) or str(status), run.known(entry)
    origin = (
        f"  checks    {', '.join(result.checks)}\n  case      {run.source(result)}\n  rerun     {run.rerun(result)}"
    )
    body = f"{run.picture(result)}\n{origin}"
    if known is not None:
        return Entry(classname, result.case, entry.seconds, "skipped", f"XFAIL {known.id}: {message}", body)
    if status is Status.FAIL:
        return Entry(classname, result.case, entry.seconds, "FAIL", message, body)
    if status is Status.UNRESOLVED:
        return Entry(classname, result.case, entry.seconds, "UNRESOLVED", message, body)
    return Entry(classname, result.case, entry.seconds, "skipped", f"{status}: {message}", origin)
