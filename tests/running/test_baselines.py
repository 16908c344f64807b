# SPDX-License-Identifier: Apache-2.0
"""Baselines: what is known to deviate is no news; what is new, other, or gone is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from lockproof.conformance.errors import CaseFileError, UsageError
from lockproof.conformance.judging.verdict import Finding, Status, Verdict
from lockproof.conformance.language.requirements import Aspect, Modality
from lockproof.conformance.reports import terminal
from lockproof.conformance.running import baselines
from lockproof.conformance.running.baselines import Baseline, Deviation, Reason
from lockproof.conformance.running.results import Result
from lockproof.conformance.running.tally import Tally
from tests.command import SMALL, lockproof
from tests.places import CHECKOUT
from tests.whole_corpus import on, whole_corpus

if TYPE_CHECKING:
    from pathlib import Path

RELEASES = {"local": "6.18.44-generic"}
REASONS = {"kept": Reason(why="it keeps locks", where="mm/mlock.c")}


def finding(requirement: str, aspect: Aspect = Aspect.LOCKED) -> Finding:
    return Finding(requirement, "POSIX", Modality.SHALL, aspect, "page 2 became locked", (2,), 0, 0)


def result(case: str, status: Status, *found: Finding, target: str = "local") -> Result:
    verdict = Verdict(status, findings=found)
    return Result(
        target=target, case=case, repetition=1, verdict=verdict, checks=(), profile="posix", source="a.yaml:1",
        seconds=0.1,
    )  # fmt: skip


def tally(*results: Result) -> Tally:
    found = Tally()
    for one in results:
        found.add(one)
    return found


def known(**changes: Any) -> Baseline:  # noqa: ANN401
    line: dict[str, Any] = {"case": "a/b", "versions": ("6.18",), "breaks": ("mlock.x:locked",), "reason": "kept"}
    return Baseline(targets=("local",), reasons=REASONS, deviations=(Deviation(**(line | changes)),))


FAILS = result("a/b", Status.FAIL, finding("mlock.x"))


@pytest.mark.parametrize(
    ("seen", "of", "news"),
    [
        (FAILS, known(), None),
        (FAILS, known(case="a/c"), "a new deviation: mlock.x: page 2 became locked"),
        (FAILS, known(versions=("6.1",)), "a new deviation: mlock.x: page 2 became locked"),
        (FAILS, known(breaks=("mlock.x:result",)), "deviates in another way: mlock.x:locked instead of mlock.x:result"),
        (result("a/b", Status.PASS), known(), "passes, and is known to break mlock.x:locked (kept); remove it"),
        (result("a/b", Status.PASS), known(versions=("6.1",)), None),
        (result("a/b", Status.UNTESTED), known(), "is known to break mlock.x:locked (kept), and is UNTESTED now: "),
        (
            result("a/b", Status.UNSUPPORTED),
            known(),
            "is known to break mlock.x:locked (kept), and is UNSUPPORTED now: ",
        ),
        (result("a/c", Status.UNTESTED), known(), None),
        (result("a/b", Status.UNRESOLVED), known(), None),
        (
            result("a/b", Status.FAIL, finding("mlock.x"), target="gvisor"),
            known(),
            "a new deviation: mlock.x: page 2 became locked",
        ),
    ],
)
def test_only_what_differs_from_the_baseline_is_news(seen: Result, of: Baseline, news: str | None) -> None:
    differences = baselines.compare([of], tally(seen), {**RELEASES, "gvisor": "6.18.0"})
    count, *lines = terminal.differences(differences)
    assert count == f"\n{len(lines)} difference{'' if len(lines) == 1 else 's'} from the baseline"
    begin = f"  {seen.target}  {seen.case}: {news}"
    assert [line[: len(begin)] for line in lines] == ([begin] if news else [])


def test_an_update_adds_lines_and_versions_and_takes_away_what_is_gone() -> None:
    before = Baseline(
        targets=("local",),
        reasons=REASONS,
        deviations=(
            Deviation(case="a/b", versions=("6.1",), breaks=("mlock.x:locked",), reason="kept"),
            Deviation(case="a/gone", versions=("6.1", "6.18"), breaks=("mlock.x:locked",), reason="kept"),
            Deviation(case="a/not-run", versions=("6.18",), breaks=("mlock.x:locked",), reason="kept"),
        ),
    )
    seen = tally(FAILS, result("a/gone", Status.PASS), result("a/new", Status.FAIL, finding("mlock.y")))
    after = baselines.update(before, seen, RELEASES)
    assert [(line.case, line.versions, line.reason) for line in after.deviations] == [
        ("a/b", ("6.1", "6.18"), "kept"),
        ("a/gone", ("6.1",), "kept"),
        ("a/not-run", ("6.18",), "kept"),
        ("a/new", ("6.18",), "unexplained"),
    ]
    assert baselines.update(after, seen, RELEASES) == after


def test_what_is_written_is_read_again_with_its_comments(tmp_path: Path) -> None:
    file = tmp_path / "known.yaml"
    file.write_text("# First.\n# Second.\ntargets: [x]\n")
    many = known(case="a/b[of=file]", versions=("6.1", "6.18"))
    baselines.write(file, many)
    assert baselines.load(file) == many
    assert file.read_text().startswith("# First.\n# Second.\ntargets: [local]\n")


def test_comments_stay_at_their_lines_and_none_is_lost(tmp_path: Path) -> None:
    file = tmp_path / "known.yaml"
    both = Baseline(
        targets=("local",),
        reasons=REASONS,
        deviations=tuple(
            Deviation(case=case, versions=("6.1",), breaks=("mlock.x:locked",), reason="kept")
            for case in ("a/first", "a/gone", "a/last")
        ),
    )
    baselines.write(file, both)
    lines = file.read_text().splitlines()
    at = next(n for n, line in enumerate(lines) if "a/first" in line)
    lines[at:] = [
        "# Of the first.",
        f"{lines[at]}  # seen once",
        f"{lines[at + 1]}  # of none",
        "  # Of the last.",
        lines[-1],
    ]
    reason = next(n for n, line in enumerate(lines) if line.startswith("  kept:"))
    lines.insert(reason, "  # Why it is kept.")
    file.write_text("\n".join([*lines, "# The end.", ""]))
    first, _, last = both.deviations
    now = replace(both, deviations=(replace(first, versions=("6.1", "6.18")), last))
    baselines.write(file, now)
    assert baselines.load(file) == now
    written = file.read_text().splitlines()
    changed = written[at + 2]
    assert written[0] == "# SPDX-License-Identifier: Apache-2.0"
    assert changed.endswith("}  # seen once")
    kept = [changed if "a/first" in line else line for line in lines if "a/gone" not in line]
    assert written == [*kept, "# of none", "# The end."]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "1:1: no baseline; write targets, reasons and deviations"),
        ("targets: []", "targets: is empty; write at least one"),
        ("targets: [local]\nreason: {}", "2:1: reason: is no field here; did you mean reasons?"),
        (
            "targets: [local]\ndeviations:\n- {case: a, versions: [6.1], breaks: [b], reason: unexplained}",
            "3:51: deviations[0].reason: 'unexplained' is none of the reasons; ",
        ),
        (
            "targets: [local]\nreasons: {r: {why: A., where: b}}\ndeviations:\n- {case: a, version: [6.1], breaks: [b], reason: r}",
            "4:13: deviations[0].version: is no field here; did you mean versions?",
        ),
        ("targets: [local]\nreasons: {r: {why: A., where: b}}", "reasons.r: no deviation has this reason; remove it"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "known.yaml"
    file.write_text(text)
    with pytest.raises(CaseFileError) as caught:
        baselines.load(file)
    assert message in str(caught.value)


def test_a_file_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="make one with --write-baseline"):
        baselines.load(tmp_path / "none.yaml")


@pytest.mark.parametrize("name", ["linux.yaml", "gvisor.yaml"])
def test_every_line_that_is_kept_has_a_reason_and_a_case(name: str) -> None:
    found = baselines.load(CHECKOUT / "results" / "baselines" / name)
    listed = lockproof("cases", cwd=CHECKOUT).stdout
    assert [line.case for line in found.deviations if f" {line.case} " not in listed] == []


@pytest.mark.parametrize(
    ("target", "name"),
    [on("local", "linux.yaml"), on("gvisor", "gvisor.yaml", marks=(pytest.mark.gvisor,))],
)
def test_every_failure_here_is_known(target: str, name: str) -> None:
    known = baselines.load(CHECKOUT / "results" / "baselines" / name)
    ran = whole_corpus(target)
    release = ran.manifest.info[target].release
    if not any(baselines.version_of(release) in line.versions for line in known.deviations):
        pytest.skip(f"the baseline does not know version {baselines.version_of(release)}")
    found = baselines.compare([known], ran.tally, {target: release})
    assert list(terminal.differences(found)) == ["\n0 differences from the baseline"]


def test_a_run_writes_a_baseline_and_then_has_no_news(tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_text(SMALL)
    first = lockproof("run", "-t", "local", "--cases", "cases.yaml", "--write-baseline", "known.yaml", cwd=tmp_path)
    assert first.returncode == 1
    assert "FAIL" in first.stdout
    text = (tmp_path / "known.yaml").read_text()
    assert "- {case: cases/hole-after-prefix, versions: [" in text
    unexplained = lockproof("run", "-t", "local", "--cases", "cases.yaml", "--baseline", "known.yaml", cwd=tmp_path)
    assert unexplained.returncode == 2
    assert unexplained.stderr.count("\n") == 1
    (tmp_path / "known.yaml").write_text(
        text.replace("reasons: {}", "reasons: {kept: {why: It keeps locks., where: mm}}").replace("unexplained", "kept")
    )
    second = lockproof("run", "-t", "local", "--cases", "cases.yaml", "--baseline", "known.yaml", cwd=tmp_path)
    assert second.returncode == 0
    assert "0 differences from the baseline" in second.stdout
    assert "became locked" not in second.stdout
