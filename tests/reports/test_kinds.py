# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.errors import StoreError, UsageError
from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.reports import kinds
from lockproof.conformance.reports.kinds import KINDS, Asked, Kind
from tests.reports.made_up import result, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def _a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add a kind without options, whose reports are folders: one line."""
    monkeypatch.setitem(KINDS, "folder", Kind("two files", lambda runs, _: {"n": f"{len(runs)}", "a/b": "é"}, "x.yaml"))


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("junit", Asked("junit")),
        ("junit=-", Asked("junit", "", "-")),
        ("junit:per-target", Asked("junit", "per-target")),
        ("junit:per-target=a:b=c\n", Asked("junit", "per-target", "a:b=c\n")),
    ],
)
def test_a_kind_an_option_and_a_path_are_told_apart(text: str, asked: Asked) -> None:
    assert kinds.read(text) == asked
    assert str(asked) == text


@pytest.mark.usefixtures("_a_folder")
def test_a_kind_without_options_takes_its_path_behind_a_colon_too() -> None:
    assert kinds.read("folder:/a=b") == kinds.read("folder=/a=b") == Asked("folder", "", "/a=b")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("junti", "report 'junti': no kind of report is called 'junti'; did you mean junit?"),
        ("", "report '': no kind of report is called ''; write one of: "),
        ("junit:per_target", "report 'junit:per_target': junit has no option 'per_target'; did you mean per-target?"),
        ("junit=", "report 'junit=': no path behind '='; write one, or junit"),
        ("junit:per-target=", "report 'junit:per-target=': no path behind '='; write one, or junit:per-target"),
    ],
)
def test_what_is_no_report_gets_one_clear_line(text: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        kinds.read(text)
    assert str(error.value).startswith(message)


@pytest.mark.usefixtures("_a_folder")
def test_a_folder_is_written_file_by_file(tmp_path: Path) -> None:
    kinds.write(kinds.make(Asked("folder"), [run(result(Status.PASS))]), tmp_path / "new")
    assert (tmp_path / "new" / "n").read_text() == "1"
    assert (tmp_path / "new" / "a" / "b").read_text(encoding="utf-8") == "é"


def test_a_place_that_cannot_be_written_gets_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file: cannot be made: File exists; name another place for the report"):
        kinds.write("text", tmp_path / "file" / "x")
