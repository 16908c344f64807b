# SPDX-License-Identifier: Apache-2.0
"""Our JUnit XML as seven readers see it: none loses a test, a verdict, or why."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.reports.junit import junit
from tests.reports.junit_readers import READERS, gitlab
from tests.reports.made_up import manifest, message, result, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.reports.junit_readers import Shown

TARGETS = ("qemu:debian/6.12", "model:linux-2.6.16", "command:sh -c '{probe} #1'")
NAMES = ("mlock/no-change/hole[kind=shm,n=1/2]", "mlock/no-change/hole[kind=a.b]", "mlock/v1.2/hole")
SHOWN_AS = {
    Status.PASS: "passed",
    Status.FAIL: "failed",
    Status.UNRESOLVED: "failed",
    Status.UNSUPPORTED: "skipped",
    Status.UNTESTED: "skipped",
}


@pytest.fixture(scope="module")
def report() -> bytes:
    """Write the report of every verdict of three cases on three targets, whose names are as bad as they can be."""
    results = (
        result(status, f"{name[:-1]}-{status}{name[-1]}", target=target)
        for target in TARGETS
        for name in NAMES
        for status in Status
    )
    made = junit([run(*results, of=manifest(*TARGETS))], "")
    assert isinstance(made, str)
    return made.encode()


@pytest.mark.parametrize("reader", READERS)
def test_no_test_is_lost_and_every_verdict_is_read(reader: Callable[[bytes], list[Shown]], report: bytes) -> None:
    shown = reader(report)
    assert Counter(each.status for each in shown) == Counter(
        SHOWN_AS[status] for _ in TARGETS for _ in NAMES for status in Status
    )
    assert len({(each.group, each.name) for each in shown}) == len(shown)
    for each in shown:
        status = next(status for status in Status if f"-{status}" in each.name)
        assert each.status == SHOWN_AS[status]


@pytest.mark.parametrize("reader", READERS)
def test_why_a_test_did_not_pass_is_shown(reader: Callable[[bytes], list[Shown]], report: bytes) -> None:
    for each in reader(report):
        status = next(status for status in Status if f"-{status}" in each.name)
        if status is not Status.PASS:
            assert message(status, f"why it is {status}") in each.text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'type="FAIL"', b'type="integer"'),
        (b"permitted .L.__... (why it is FAIL)\n", b""),
        (b"<testsuite ", b"<testsuite><testsuite "),
        (b' time="0.001"', b""),
        (b'classname="', b'classname="a b.'),
        (b"</failure>", b"\x01</failure>"),
    ],
)
def test_each_oddity_of_a_reader_would_be_noticed(old: bytes, new: bytes, report: bytes) -> None:
    changed = report.replace(old, new)
    if new.startswith(b"<testsuite><"):
        changed = changed.replace(b"</testsuite>", b"</testsuite></testsuite>")
    assert changed != report
    noticed = []
    for reader in READERS:
        try:
            test_no_test_is_lost_and_every_verdict_is_read(reader, changed)
            test_why_a_test_did_not_pass_is_shown(reader, changed)
        except Exception:  # noqa: BLE001  however it is noticed
            noticed.append(reader)
    assert noticed


def test_gitlab_shows_the_picture_once(report: bytes) -> None:
    for each in gitlab(report):
        assert each.text.count("  map       aaa__bbb") == (each.status == "failed")
