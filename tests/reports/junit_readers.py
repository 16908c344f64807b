# SPDX-License-Identifier: Apache-2.0
"""How CI systems read JUnit XML, as far as it decides what people see: each reader's own rules, and its oddities.

Each takes the bytes of a file and returns what it shows, or raises where the reader loses the file. Written from what
the readers were seen to do; where they are: jenkinsci/junit-plugin (CaseResult), gitlab lib/gitlab/ci/parsers/test,
EnricoMi/publish-unit-test-result-action, dorny/test-reporter (java-junit), azure-pipelines-agent JunitResultReader,
OpenQA::Parser::Format::XUnit, Linaro/test-definitions automated/lib/parse_junitxml.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["READERS", "Shown"]

_SIZE_LIMIT = 30 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Shown:
    """What a reader shows of a test."""

    group: str
    """What it stands under."""
    name: str
    status: str
    """`passed`, `failed` or `skipped`."""
    text: str = ""
    """What people can read of a test that did not pass."""


def _root(content: bytes) -> Any:  # noqa: ANN401  lxml's elements have no type here
    root = etree.fromstring(content, etree.XMLParser(huge_tree=True))
    assert root.tag == "testsuites"
    return root


def _worst(case: Any, order: tuple[str, ...]) -> Any:  # noqa: ANN401
    """Return the first of these elements that a test case has, or None."""
    return next((found for tag in order if (found := case.find(tag)) is not None), None)


def _status(element: Any) -> str:  # noqa: ANN401
    return "passed" if element is None else "skipped" if element.tag == "skipped" else "failed"


def jenkins(content: bytes) -> list[Shown]:
    """The tree is made of the class name, cut at its last dot; a skip beats a failure; text is message, then body."""
    shown = []
    for case in _root(content).iter("testcase"):
        package, _, name = case.get("classname").rpartition(".")
        found = _worst(case, ("skipped", "error", "failure"))
        text = "" if found is None else f"{found.get('message')}\n{found.text}"
        shown.append(Shown(f"{package or '(root)'} {name}", case.get("name"), _status(found), text))
    return shown


def gitlab(content: bytes) -> list[Shown]:
    """The body alone is shown, made what `type` says; tests of one suite, class and name are one."""
    assert len(content) < _SIZE_LIMIT
    found = {}
    for suite in _root(content).iter("testsuite"):
        for case in suite.iter("testcase"):
            element = _worst(case, ("failure", "error", "skipped"))
            text = "" if element is None else _cast(element)
            key = (suite.get("name"), case.get("classname"), case.get("name"))
            found[key] = Shown(case.get("classname"), case.get("name"), _status(element), text)
    return list(found.values())


def _cast(element: Any) -> str:  # noqa: ANN401
    """Do as ActiveSupport's Hash.from_xml does with text that has a type."""
    kind, text = element.get("type"), element.text or ""
    if kind == "symbol":
        msg = "Disallowed type attribute"
        raise ValueError(msg)
    if kind in {"integer", "float", "decimal"}:
        return "0"
    if kind in {"file", "boolean", "date", "datetime", "yaml", "array"}:
        return f"#<{kind}>"
    return text if text.strip() else f"{dict(element.attrib)}"  # a printed hash


def enricomi(content: bytes) -> list[Shown]:
    """The worst counts; message and body are joined, the message is left out where the body has it."""
    seen: set[tuple[str, str]] = set()
    shown = []
    for case in _root(content).iter("testcase"):
        key = (case.get("classname"), case.get("name"))
        assert key not in seen, "1 out of 2 runs failed"
        seen.add(key)
        found = _worst(case, ("error", "failure", "skipped"))
        message, body = ("", "") if found is None else (found.get("message") or "", found.text or "")
        text = body if message in body else f"{message}\n{body}"
        shown.append(Shown(*key, _status(found), text))
    return shown


def dorny(content: bytes) -> list[Shown]:
    """Suites one level deep, grouped by class; `type: message` is all that is shown of most failures."""
    shown = []
    for suite in _root(content).findall("testsuite"):
        assert suite.get("name"), "TypeError: Cannot read properties of undefined"
        for case in suite.findall("testcase"):
            assert case.get("time"), "NaNms"
            found = _worst(case, ("failure", "error", "skipped"))
            text = "" if found is None else f"{found.get('type')}: {found.get('message')}"
            shown.append(Shown(f"{suite.get('name')} {case.get('classname')}", case.get("name"), _status(found), text))
    return shown


def azure(content: bytes) -> list[Shown]:
    """The title is the name alone; of a skip the message is shown, and no body."""
    shown = []
    for case in _root(content).iter("testcase"):
        found = _worst(case, ("error", "failure", "skipped"))
        is_skip = found is not None and found.tag == "skipped"
        text = "" if found is None else found.get("message") if is_skip else f"{found.get('message')}\n{found.text}"
        shown.append(Shown(case.get("classname"), case.get("name"), _status(found), text))
    return shown


def openqa(content: bytes) -> list[Shown]:
    """A suite is a module, called by what stands before the first dot of its name; a case is a step in it."""
    modules: dict[str, Any] = {}
    shown = []
    for suite in _root(content).findall("testsuite"):
        module = suite.get("name").partition(".")[0]
        assert module not in modules, "two modules of one name: the second replaces the first"
        modules[module] = suite
        for case in suite.findall("testcase"):
            found = _worst(case, ("failure", "error", "skipped"))
            text = "" if found is None else f"{found.get('message')}\n{found.text}"
            shown.append(Shown(module, case.get("name"), _status(found), text))
    return shown


def lkft(content: bytes) -> list[Shown]:
    """One name of class and name, a LAVA test case: no blank in it; an error is a failure."""
    shown = []
    for case in _root(content).iter("testcase"):
        name = f"{case.attrib['classname'].replace('.', '_')}_{case.get('name')}"
        assert not set(name) & set(" \t\n"), "TestError: a blank in a test case id"
        found = _worst(case, ("failure", "error", "skipped"))
        shown.append(Shown("", name, _status(found), "" if found is None else found.text or ""))
    return shown


READERS: tuple[Callable[[bytes], list[Shown]], ...] = (jenkins, gitlab, enricomi, dorny, azure, openqa, lkft)
