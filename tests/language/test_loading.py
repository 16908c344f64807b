# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockproof.conformance.errors import CaseFileError, Location, UsageError
from lockproof.conformance.language.case import Kind, Limits, Outcome, Range, Region, Size, Step
from lockproof.conformance.language.loading import load, load_requirements, load_text
from lockproof.conformance.language.requirements import Profile
from tests.helpers import CATALOGUE
from tests.language.valid import VALID, with_line


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder that is the root of a corpus."""
    (tmp_path / "requirements.yaml").write_text(CATALOGUE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_case_is_what_its_file_says() -> None:
    Path("f.yaml").write_text(VALID, encoding="utf-8")
    (case,) = load(Path("f.yaml")).cases
    assert case.name == "f/leaf"
    assert case.source == Location("f.yaml", 1, 3)
    assert case.about == "A case."
    assert case.checks == ("mlock.no-change", "mlock.errors")
    assert case.profile is Profile.POSIX
    assert case.map == "aaa__bbb"
    assert case.locked == ".L.__..."
    assert case.regions == {"a": Region(), "b": Region(kind=Kind.FILE, file_pages=2)}
    assert case.limits == Limits()
    assert case.privilege is None
    (step,) = case.steps
    assert step.range == Range(pages=".^^^^^^.")
    assert step.expect == (Outcome(result=("ENOMEM",), locked="unchanged"),)


def test_a_text_gives_the_cases_that_a_file_with_it_gives() -> None:
    Path("f.yaml").write_text(VALID, encoding="utf-8")
    assert load_text(VALID, load_requirements(Path()), file="f.yaml") == load(Path("f.yaml"))


def test_a_text_without_a_catalogue_has_that_of_lockproof() -> None:
    corpus = load_text(with_line("mlock.no-change, mlock.errors", "mlock.failure.no-change"))
    assert [case.name for case in corpus.cases] == ["cases/leaf"]
    assert corpus.requirements == load_requirements(Path("nowhere"))


def test_what_is_not_written_is_filled_in() -> None:
    text = VALID.replace("  locked: .L.__...\n", "  limits: {memlock: 4p}\n  as: unprivileged\n")
    Path("f.yaml").write_text(text, encoding="utf-8")
    (case,) = load(Path("f.yaml")).cases
    assert case.locked == "...__..."
    assert case.limits == Limits(memlock=Size(4, 0))
    assert case.privilege == "unprivileged"
    (step,) = case.steps
    assert step == Step(call=step.call, range=Range(pages=".^^^^^^."), expect=step.expect)


def test_a_region_that_is_only_mapped_later_is_known() -> None:
    text = with_line("  call:   mlock\n  range:  .^^^^^^.", "  call: mmap\n  region: z\n  range:  ...^^...")
    Path("f.yaml").write_text(text, encoding="utf-8")
    (case,) = load(Path("f.yaml")).cases
    assert sorted(case.regions) == ["a", "b", "z"]


def test_a_case_may_close_its_target_and_look_at_the_whole_system() -> None:
    text = (
        "- {id: leaf, about: A., checks: [quality.system], map: a, closing: true, call: settle,\n"
        "   expect: {mlocked: unchanged, vm-areas: unchanged}}\n"
    )
    Path("f.yaml").write_text(text + text.replace("leaf", "other").replace("true", "false"), encoding="utf-8")
    closing, other = load(Path("f.yaml")).cases
    assert closing.closing
    assert not other.closing
    assert closing.steps[0].expect == (Outcome(mlocked="unchanged", vm_areas="unchanged"),)


def test_names_that_only_reports_confuse_are_refused() -> None:
    Path("a").mkdir()
    Path("a/b-c.yaml").write_text(VALID, encoding="utf-8")
    Path("a/b").mkdir()
    Path("a/b/c.yaml").write_text(VALID, encoding="utf-8")
    with pytest.raises(CaseFileError) as caught:
        load(Path())
    assert str(caught.value) == (
        "a/b-c.yaml:1:3: id: a/b-c/leaf: the case at a/b/c.yaml:1 is called a/b/c/leaf, which reports cannot tell "
        "apart; choose another id"
    )


def test_a_file_whose_name_cannot_be_part_of_a_case_name_is_refused() -> None:
    Path("my cases#.yaml").write_text(VALID, encoding="utf-8")
    with pytest.raises(CaseFileError) as caught:
        load(Path("my cases#.yaml"))
    assert str(caught.value) == (
        "my cases#.yaml:1:1: 'my cases#' cannot be part of a name; call files and folders by letters, digits, '-', "
        "'_' and '.'"
    )


def test_mistakes_of_all_files_come_at_once_and_sorted() -> None:
    Path("b.yaml").write_text(with_line("ENOMEM", "ENOMEN").replace("mlock.errors]", "mlock.error]"), encoding="utf-8")
    Path("a").mkdir()
    Path("a/z.yaml").write_text("", encoding="utf-8")
    Path("a/a.yaml").write_text(
        VALID.replace("kind: file", "kind: fil") + VALID.replace("locked: .L", "loked: .L"), encoding="utf-8"
    )
    Path("c.yaml").write_text("\t", encoding="utf-8")
    with pytest.raises(CaseFileError) as caught:
        load(Path())
    assert str(caught.value).splitlines() == [
        "a/a.yaml:7:15: regions.b.kind: 'fil' is not known; did you mean file?",
        "a/a.yaml:16:3: loked: is no field here; did you mean locked?",
        "a/z.yaml:1:1: no cases in it; write a list, or remove the file",
        "b.yaml:3:29: checks[1]: 'mlock.error' is no requirement; did you mean mlock.errors?",
        "b.yaml:11:16: expect[0].result: 'ENOMEN' is no result; did you mean ENOMEM?",
        "c.yaml:1:1: a tab; indent with blanks",
    ]


def test_mistakes_in_a_text_are_named_by_the_file_that_is_said() -> None:
    with pytest.raises(CaseFileError, match=r"^a/b.yaml:8:11: call: 'mlok' is not known; did you mean mlock\?$"):
        load_text(with_line("call:   mlock", "call:   mlok"), load_requirements(Path()), file="a/b.yaml")


def test_a_file_that_is_not_utf_8_is_refused_with_the_place() -> None:
    Path("f.yaml").write_bytes(VALID.encode() + b"# \xfc\n")
    with pytest.raises(CaseFileError, match=r"^f.yaml:12:3: byte 0xfc is not UTF-8; save the file as UTF-8$"):
        load(Path("f.yaml"))


def test_a_file_that_cannot_be_read_is_said() -> None:
    Path("loop.yaml").symlink_to("loop.yaml")
    Path("gone.yaml").symlink_to("nowhere")
    with pytest.raises(CaseFileError) as caught:
        load(Path())
    assert str(caught.value).splitlines() == [
        "gone.yaml:1:1: cannot be read: No such file or directory; check the file",
        "loop.yaml:1:1: cannot be read: Too many levels of symbolic links; check the file",
    ]


def test_a_folder_without_cases_is_a_usage_error() -> None:
    Path("empty/below").mkdir(parents=True)
    Path("empty/notes.txt").write_text("x", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load(Path("empty"))
    assert str(caught.value) == "empty: no case file in it; put a *.yaml file there, or name another folder"


@pytest.mark.parametrize("name", ["nothing.yaml", "x" * 300, "requirements.yaml/x"])
def test_a_path_that_does_not_exist_is_a_usage_error(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(Path(name))
    assert str(caught.value) == f"{name}: no such file or folder; name a case file or a folder of them"


def names(path: Path) -> list[str]:
    return [case.name for case in load(path).cases]


@pytest.fixture
def tree(here: Path) -> Path:
    for name in ("mlock/errors", "mlock/no-change", "lifetime/a/b"):
        file = here / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(VALID, encoding="utf-8")
    return here


def test_a_part_of_a_corpus_gives_the_names_of_the_whole(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ["lifetime/a/b/leaf", "mlock/errors/leaf", "mlock/no-change/leaf"]
    assert names(tree) == whole
    assert names(Path()) == whole
    assert names(tree / "mlock") == whole[1:]
    assert names(Path("mlock")) == whole[1:]
    assert names(Path("mlock/no-change.yaml")) == whole[2:]
    assert names(Path("lifetime/a/b.yaml")) == whole[:1]
    monkeypatch.chdir(tree / "mlock")
    assert names(Path()) == whole[1:]
    assert names(Path("errors.yaml")) == whole[1:2]
    assert names(Path("../mlock")) == whole[1:]
    assert names(Path("..")) == whole


def test_without_a_catalogue_names_begin_at_the_folder_given(tree: Path) -> None:
    (tree / "requirements.yaml").unlink()
    for file in tree.rglob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("mlock.no-change, mlock.errors", "mlock.failure.no-change"), encoding="utf-8")
    assert names(tree) == ["lifetime/a/b/leaf", "mlock/errors/leaf", "mlock/no-change/leaf"]
    assert names(tree / "mlock") == ["errors/leaf", "no-change/leaf"]
    assert names(tree / "mlock/errors.yaml") == ["errors/leaf"]


def test_the_catalogue_of_a_corpus_goes_with_its_parts(tree: Path) -> None:
    assert sorted(load(tree / "mlock").requirements) == [
        "linux.layout",
        "mlock.errors",
        "mlock.in-memory",
        "mlock.no-change",
        "mlock.open",
        "quality.system",
    ]


def test_a_wrong_catalogue_is_said_with_its_place(here: Path) -> None:
    (here / "requirements.yaml").write_text(
        "- {id: a.b, modality: must, profile: posix, statement: A., source: x, observes: [locked]}\n"
        "- {id: a.c, modality: may, profile: posix, statement: A., source: x, observes: [loked]}\n"
        "- {id: A, modality: may, profile: posix, statement: A., sorce: x, observes: []}\n"
        "- {id: a.d, modality: may, profile: posix, statement: A., source: x, observes: [locked]}\n"
        "- {id: a.d, modality: may, profile: posix, statement: A., source: x, observes: [locked]}\n",
        encoding="utf-8",
    )
    with pytest.raises(CaseFileError) as caught:
        load_requirements(here)
    assert str(caught.value).splitlines() == [
        "requirements.yaml:1:23: modality: 'must' is not known; write one of: interpretation, may, shall, unspecified",
        "requirements.yaml:2:81: observes[0]: 'loked' is not known; did you mean locked?",
        "requirements.yaml:3:3: source: is missing; write it",
        "requirements.yaml:3:8: id: 'A' is no name here; write one that matches ^[a-z0-9]+([.-][a-z0-9]+)+$|^options$",
        "requirements.yaml:3:57: sorce: is no field here; did you mean source?",
        "requirements.yaml:3:77: observes: is empty; write at least one",
        "requirements.yaml:5:8: id: a.d stands here a second time; remove one",
    ]


def test_the_cases_that_lockproof_brings_along_load() -> None:
    corpus = load()
    assert len(corpus.cases) > 100
    assert {case.profile for case in corpus.cases} <= set(Profile)
    assert all(check in corpus.requirements for case in corpus.cases for check in case.checks)


MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(("delete", "duplicate", "replace", "line")),
        st.integers(0, len(VALID) - 1),
        st.integers(1, 12),
        st.binary(max_size=4) | st.sampled_from([b"[", b"{", b"- ", b": ", b"$a", b"*", b"\n", b"^", b"0", b"_", b"~"]),
    ),
    min_size=1,
    max_size=6,
)


@given(MUTATIONS)
def test_no_change_of_a_valid_file_raises_anything_but_a_case_file_error(
    mutations: list[tuple[str, int, int, bytes]],
) -> None:
    content = VALID.encode()
    for kind, at, length, new in mutations:
        match kind:
            case "delete":
                content = content[:at] + content[at + length :]
            case "duplicate":
                content = content[: at + length] + content[at:]
            case "replace":
                content = content[:at] + new + content[at + length :]
            case _:
                lines = content.split(b"\n")
                lines.insert(at % len(lines), lines[length % len(lines)])
                content = b"\n".join(lines)
    with TemporaryDirectory() as name:
        (Path(name) / "requirements.yaml").write_text(CATALOGUE, encoding="utf-8")
        file = Path(name) / "f.yaml"
        file.write_bytes(content)
        try:
            load(file)
        except CaseFileError as error:
            assert error.problems  # noqa: PT017  what is raised is not what is asked
            assert all("; " in problem.message for problem in error.problems)  # noqa: PT017
