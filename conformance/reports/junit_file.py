# SPDX-License-Identifier: Apache-2.0
"""A file of JUnit XML as its readers need it, whatever it is about; nothing else knows of junit-xml.

What junit-xml writes no schema accepts, and readers stumble over it: an attribute `disabled`, no time where it is 0,
characters that XML forbids, a failure without words as a pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from xml.etree import ElementTree as ET

from junit_xml import TestCase, TestSuite

from lockproof.conformance.reports.plain import cut, one_line, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Entry", "document", "suite"]

_LONGEST_MESSAGE = 1024
"""Characters."""
_LONGEST_BODY = 16384
"""Bytes; readers cut longer ones where they want."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A test case."""

    classname: str
    name: str
    seconds: float
    outcome: Literal["", "FAIL", "UNRESOLVED", "skipped"] = ""
    """Empty: it passed."""
    message: str = ""
    """Why it did not pass, in one line."""
    body: str = ""
    """What follows the message where there is room: its picture."""
    output: str = ""
    """What a test that passed has said."""


def suite(
    name: str, entries: Iterable[Entry], *, hostname: str, timestamp: str, properties: Mapping[str, str] | None = None
) -> ET.Element:
    """Return a suite. `timestamp`: of its beginning, UTC, ISO 8601 without zone; properties without value are none."""
    made = TestSuite(
        plain(name),
        [_case(entry) for entry in entries],
        hostname=plain(hostname),
        timestamp=timestamp,
        properties={key: plain(value) for key, value in (properties or {}).items() if value},
    )
    return _mended(made.build_xml_doc())


def document(suites: Iterable[ET.Element]) -> str:
    """Return a file of suites, to be written as UTF-8."""
    root = ET.Element("testsuites")
    root.extend(suites)
    for name in ("tests", "failures", "errors"):
        root.set(name, f"{sum(int(each.get(name, 0)) for each in root)}")
    root.set("time", f"{sum(float(each.get('time', 0)) for each in root):.3f}")
    return "<?xml version='1.0' encoding='utf-8'?>\n" + ET.tostring(root, encoding="unicode") + "\n"


def _case(entry: Entry) -> TestCase:
    case = TestCase(plain(entry.name), plain(entry.classname), entry.seconds)
    message = one_line(entry.message.lstrip(), _LONGEST_MESSAGE) or entry.outcome
    body = cut(f"{message}\n{plain(entry.body)}".rstrip("\n"), _LONGEST_BODY)
    match entry.outcome:
        case "FAIL":
            case.add_failure_info(message, body, entry.outcome)
        case "UNRESOLVED":
            case.add_error_info(message, body, entry.outcome)
        case "skipped":
            case.add_skipped_info(message, body)
        case _:
            case.stdout = plain(entry.output) or None
    return case


def _mended(root: ET.Element) -> ET.Element:
    """Return a suite without what no schema of JUnit has, and with three decimals for every time."""
    for element in root.iter():
        element.attrib.pop("disabled", None)
        if element.tag in {"testsuite", "testcase"}:
            element.set("time", f"{float(element.get('time', 0)):.3f}")
    return root
