# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.reports.junit import PER_TARGET, junit
from lockproof.conformance.reports.junit_file import Entry, suite
from tests.helpers import target_info
from tests.places import JUNIT_SCHEMA
from tests.reports.made_up import KNOWN, manifest, message, result, run

if TYPE_CHECKING:
    from lockproof.conformance.reports.run import Run
    from lockproof.conformance.running.manifest import Manifest
    from lockproof.conformance.running.results import Result

XSD = etree.XMLSchema(etree.parse(JUNIT_SCHEMA))
NOT_XML = "\x00\x07\x1b\x7f\x85\ud800\udcff\ufffe\uffff\r"
PICTURE = """\
  map       aaa__bbb
  before    .L.__...
  mlock      ^^^^^^             → -1 ENOMEM
  after     .LL__...            why it is FAIL
  permitted .L.__...            mlock.no-change (POSIX)"""
UNRESOLVED_PICTURE = """\
  reason    why it is UNRESOLVED
  map       aaa__bbb
  before    .L.__...
  mlock      ^^^^^^             → -1 ENOMEM
  after     .LL__..."""


def text(runs: list[Run]) -> str:
    report = junit(runs, "")
    assert isinstance(report, str)
    return report


def report(*results: Result, of: Manifest | None = None) -> Any:  # noqa: ANN401  lxml's elements have no type here
    """Write a report, validate it as the bytes of a file, and return its root."""
    root = etree.fromstring(text([run(*results, of=of)]).encode("utf-8"))
    XSD.assertValid(root)
    return root


def only(root: Any, path: str) -> Any:  # noqa: ANN401
    (found,) = root.findall(path)
    return found


def test_a_file_for_each_target_has_suites_that_are_called_as_their_folders() -> None:
    targets = ("qemu:debian/6.12", "model:posix")
    made = junit([run(*(result(Status.PASS, target=target) for target in targets), of=manifest(*targets))], PER_TARGET)
    assert isinstance(made, Mapping)
    assert list(made) == ["qemu-debian-6_12.xml", "model-posix.xml"]
    for name, file in made.items():
        root = etree.fromstring(file.encode())
        XSD.assertValid(root)
        assert only(root, "testsuite").get("name") == "mlock/no-change"
        assert only(root, ".//testcase").get("classname") == f"{name.removesuffix('.xml')}.mlock.no-change"


def test_a_case_that_did_not_run_is_an_error() -> None:
    partial = run(result(Status.PASS, "a/1"), result(Status.PASS, "a/2"), of=manifest(finished=None))
    del partial.tally.cases["local", "a/2"]
    root = etree.fromstring(text([partial]).encode())
    assert only(root, ".//error").get("message") == "it was not run: the run ended before"
    assert root.get("tests") == "2"


def test_a_known_deviation_is_a_skip_that_names_the_issue() -> None:
    root = etree.fromstring(
        text([run(result(Status.FAIL, "mlock/known"), result(Status.FAIL, "a/b"), baselines=(KNOWN,))]).encode()
    )
    XSD.assertValid(root)
    skipped = only(root, ".//skipped")
    assert skipped.get("message") == f"XFAIL keeps-prefix: {message(Status.FAIL, 'why it is FAIL')}"
    assert skipped.text.splitlines()[0] == skipped.get("message")
    assert PICTURE in skipped.text
    assert root.get("failures") == "1"


def test_every_verdict_has_its_element() -> None:
    root = report(*(result(status, f"a/{status}") for status in Status))
    assert {case.get("name"): [child.tag for child in case] for case in root.iter("testcase")} == {
        "a/PASS": [],
        "a/FAIL": ["failure"],
        "a/UNRESOLVED": ["error"],
        "a/UNSUPPORTED": ["skipped"],
        "a/UNTESTED": ["skipped"],
    }
    assert only(root, ".//failure").get("type") == "FAIL"
    assert only(root, ".//error").get("type") == "UNRESOLVED"


def test_there_is_a_suite_for_each_target_and_folder() -> None:
    names = ("mlock/no-change/hole", "mlock/no-change/x[of=a,n=1/2]", "mlock/errors/y")
    targets = ("local", "model:linux-2.6.16")
    root = report(
        *(result(Status.PASS, name, target=target) for target in targets for name in names), of=manifest(*targets)
    )
    assert [(suite.get("name"), [case.get("name") for case in suite.iter("testcase")]) for suite in root] == [
        ("local/mlock/errors", ["mlock/errors/y"]),
        ("local/mlock/no-change", ["mlock/no-change/hole", "mlock/no-change/x[of=a,n=1/2]"]),
        ("model-linux-2_6_16/mlock/errors", ["mlock/errors/y"]),
        ("model-linux-2_6_16/mlock/no-change", ["mlock/no-change/hole", "mlock/no-change/x[of=a,n=1/2]"]),
    ]


def test_the_class_name_begins_with_the_target_and_has_its_dots_as_underscores() -> None:
    root = report(
        result(Status.PASS, "mlock/v1.2/hole[n=.]", target="model:linux-2.6.16"), of=manifest("model:linux-2.6.16")
    )
    case = only(root, ".//testcase")
    assert case.get("classname") == "model-linux-2_6_16.mlock.v1_2"
    assert case.get("name") == "mlock/v1.2/hole[n=.]"


def test_the_properties_say_what_was_tested() -> None:
    made = run(
        result(Status.PASS, "a/1", checks=("z.one", "b.two")),
        result(Status.PASS, "a/2", checks=("b.two",), profile="linux"),
    )
    suite = only(etree.fromstring(text([made]).encode()), "testsuite")
    assert {entry.get("name"): entry.get("value") for entry in suite.iter("property")} == {
        "lockproof.version": "0.1.0",
        "lockproof.run": "20261123T043000",
        "lockproof.target": "local",
        "lockproof.profile": "linux, posix",
        "lockproof.requirements": "b.two z.one",
        "lockproof.corpus": made.manifest.corpus,
        "lockproof.kernel": "6.12.107",
        "lockproof.arch": "x86_64",
        "lockproof.page-size": "4096",
        "lockproof.faults": "each-allocation=fail-nth from-each-allocation=make-it-fail apart=filters memory=memcg",
        "lockproof.taint": "0",
    }
    assert suite.get("timestamp") == "2026-11-23T04:30:00"
    assert suite.get("hostname") == "local"


def test_of_a_kernel_out_of_a_package_the_properties_say_whose_it_is() -> None:
    info = target_info(packaged=("fedora", "6.12.5-200.fc41"))
    root = report(result(Status.PASS), of=manifest(info={"local": info}))
    values = {entry.get("name"): entry.get("value") for entry in root.iter("property")}
    assert values["lockproof.package"] == "fedora 6.12.5-200.fc41"


def test_a_target_that_was_never_started_has_no_kernel() -> None:
    root = report(result(Status.UNRESOLVED, trace=()), of=manifest(info={}))
    assert "lockproof.kernel" not in {entry.get("name") for entry in root.iter("property")}
    assert only(root, ".//error").get("message") == "why it is UNRESOLVED"


@pytest.mark.parametrize(("status", "tag"), [(Status.FAIL, "failure"), (Status.UNRESOLVED, "error")])
def test_a_failure_has_its_message_and_its_picture_in_the_body(status: Status, tag: str) -> None:
    element = only(report(result(status)), f".//{tag}")
    why = message(status, f"why it is {status}")
    assert element.get("message") == why
    title = "mlock/no-change/hole on Linux 6.12.107 x86_64, 4 KiB pages"
    drawn = PICTURE if status is Status.FAIL else UNRESOLVED_PICTURE
    assert element.text == (
        f"{why}\n"
        f"{title:<83} {status}\n"
        f"{drawn}\n"
        "  checks    mlock.no-change, mlock.errors\n"
        "  case      cases/mlock/no-change.yaml:4\n"
        "  rerun     lockproof run -t local mlock/no-change/hole"
    )


def test_the_line_to_run_it_again_can_be_pasted_into_a_shell() -> None:
    target, case = "command:sh -c 'exec $HOME/probe \"x\"'", "a/b[n=1,of=shm]"
    element = only(report(result(Status.FAIL, case, target=target), of=manifest(target)), ".//failure")
    rerun = element.text.splitlines()[-1].removeprefix("  rerun     ")
    assert shlex.split(rerun) == ["lockproof", "run", "-t", target, case]
    element = only(report(result(Status.FAIL, case), of=manifest(cases="/my own/cases")), ".//failure")
    rerun = element.text.splitlines()[-1].removeprefix("  rerun     ")
    assert shlex.split(rerun) == ["lockproof", "run", "--cases", "/my own/cases", "-t", "local", case]


@pytest.mark.parametrize("status", [Status.UNSUPPORTED, Status.UNTESTED])
def test_a_skip_has_its_reason_as_message_and_as_body(status: Status) -> None:
    element = only(report(result(status)), ".//skipped")
    assert element.get("message") == f"{status}: why it is {status}"
    assert element.text.splitlines()[0] == f"{status}: why it is {status}"


def test_the_counts_agree_with_the_content() -> None:
    statuses = (
        [Status.PASS] * 3 + [Status.FAIL] * 2 + [Status.UNRESOLVED] + [Status.UNTESTED] * 2 + [Status.UNSUPPORTED]
    )
    root = report(
        *(result(status, f"a/{n}", seconds=0.0104) for n, status in enumerate(statuses)),
        *(result(status, f"b/{n}", target="model:posix", seconds=1.0) for n, status in enumerate(statuses)),
        of=manifest("local", "model:posix"),
    )
    for one in root:
        assert [one.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["9", "2", "1", "3"]
        for name, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(one.get(name)) == len(list(one.iter(tag)))
    assert [suite.get("time") for suite in root] == ["0.094", "9.000"]
    assert dict(root.attrib) == {"tests": "18", "failures": "4", "errors": "2", "time": "9.094"}


def test_repetitions_are_one_test_case() -> None:
    statuses = [Status.PASS, Status.FAIL, Status.PASS, Status.FAIL]
    root = report(*(result(status, repetition=n, seconds=0.25) for n, status in enumerate(statuses, 1)))
    case = only(root, ".//testcase")
    assert case.get("time") == "1.000"
    assert (
        only(case, "failure").get("message") == f"flaky: {message(Status.FAIL, 'why it is FAIL')} (2 of 4 repetitions)"
    )
    assert root.get("tests") == "1"


def test_a_case_that_took_no_time_has_a_time() -> None:
    assert only(report(result(Status.PASS, seconds=0.0)), ".//testcase").get("time") == "0.000"


def test_a_target_on_which_no_case_was_run_is_an_error() -> None:
    assert only(report(), ".//error").get("message") == "nothing was found out; no case was run"


@pytest.mark.parametrize("status", list(Status))
def test_characters_that_xml_forbids_are_replaced_everywhere(status: Status) -> None:
    root = report(
        result(
            status,
            target=f"command:{NOT_XML}",
            why=f"why{NOT_XML}",
            source=f"{NOT_XML}.yaml:1",
            checks=(NOT_XML,),
        ),
        of=manifest(f"command:{NOT_XML}", info={f"command:{NOT_XML}": target_info(release=NOT_XML)}),
    )
    replaced = "\ufffd" * len(NOT_XML)
    assert root[0].get("name") == "command/mlock/no-change"
    for element in root[0].iter("failure", "error"):
        assert element.get("message") == message(status, f"why{replaced}")
        assert f"{PICTURE.splitlines()[0]}\n" in element.text
    for element in root.iter("skipped"):
        assert element.get("message") == f"{status}: why{replaced}"


def test_a_long_body_is_cut_and_says_where_the_rest_is() -> None:
    entry = Entry("a.b", "a/b/c", 0.1, "UNRESOLVED", "é" * 2000, "é" * 20_000)
    element = only(suite("a/b", [entry], hostname="local", timestamp="2026-11-23T04:30:00"), ".//error")
    assert 16_380 <= len(element.text.encode()) <= 16_384
    assert element.get("message") == "é" * 1023 + "…"
    assert element.text.startswith(f"{element.get('message')}\n")
    assert element.text.endswith("é\n… cut; the whole is in what the run has left on disk")


def test_a_line_of_a_picture_is_cut() -> None:
    body = only(report(result(Status.UNRESOLVED, why="é" * 20_000)), ".//error").text
    assert max(map(len, body.splitlines())) == 1024
    assert f"  reason    {'é' * 987}…\n" in body


def test_a_message_is_one_line() -> None:
    element = only(report(result(Status.UNRESOLVED, why=" one\ntwo\r\nthree ")), ".//error")
    assert element.get("message") == "one two\ufffd three"
    assert element.text.startswith("one two\ufffd three\n")


def test_a_body_that_fits_is_not_cut() -> None:
    body = only(report(result(Status.UNRESOLVED, why="x" * 7_500)), ".//error").text
    assert body.endswith("  rerun     lockproof run -t local mlock/no-change/hole")


@given(st.text(st.characters(exclude_categories=()), min_size=1), st.sampled_from(list(Status)))
def test_no_text_makes_a_report_that_cannot_be_read(text: str, status: Status) -> None:
    root = report(result(status, why=text, target=text), of=manifest(text))
    assert len(root[0].findall("testcase")) == 1


@pytest.mark.parametrize("status", [Status.UNSUPPORTED, Status.UNTESTED])
def test_a_target_of_which_nothing_was_found_out_is_an_error(status: Status) -> None:
    skipped = [result(status, f"a/{number}", why="it sees nothing") for number in range(3)]
    found = only(report(*skipped), ".//error")
    assert found.get("message") == f"nothing was found out; 3 of 3 cases {status}: it sees nothing"
    assert report(*skipped, result(Status.PASS, "a/b")).findall(".//error") == []
    assert report(*skipped, result(Status.FAIL, "a/b")).findall(".//error") == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('type="FAIL"', 'type="integer"'),
        ('time="0.001"', 'time="0.0014"'),
        ('time="0.001"', 'time="0.001" disabled="0"'),
        ('time="0.001">', 'time="0.001"><properties><property name="a" value="b"/></properties>'),
        ('classname="local.mlock.no-change"', ""),
        ('hostname="local"', ""),
        (
            "</testcase>",
            '</testcase><testcase classname="local.mlock.no-change" name="mlock/no-change/hole" time="0.001"/>',
        ),
        ('message="mlock.no-change: after .LL__... permitted .L.__... (why it is FAIL)"', ""),
    ],
)
def test_the_schema_refuses_what_readers_stumble_over(old: str, new: str) -> None:
    good = text([run(result(Status.FAIL))])
    assert XSD.validate(etree.fromstring(good.encode()))
    assert old in good
    assert not XSD.validate(etree.fromstring(good.replace(old, new).encode()))
