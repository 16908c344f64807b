# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockproof.conformance.errors import Location, UsageError
from lockproof.conformance.judging.verdict import Finding, Status, Verdict
from lockproof.conformance.language.requirements import Aspect, Modality
from lockproof.conformance.reports.html import html
from lockproof.conformance.running.baselines import Baseline, KnownIssue, Where
from tests.helpers import target_info
from tests.reports.html.pages import FIVE, drawn, made, parsed, row, run, text, words
from tests.reports.made_up import TRACE

EVERYTHING = {
    "mlock/a/everywhere": "FFFFF",
    "mlock/a/kept": ".....",
    "mlock/a/somewhere": "..FFF",
    "mlock/a/untested": "ooooo",
    "mlock/b/unresolved": "?....",
    "mlock/b/unsupported": "-....",
    "x/linux": "...F.",
}


def sentences(page: Any) -> list[str]:  # noqa: ANN401
    return [f"{text(each.find('dt'))} {text(each.find('dd'))}" for each in page.findall(".//header/dl/div")]


def test_the_page_asks_nobody_for_anything_and_runs_its_own_script_only() -> None:
    page = parsed(drawn(EVERYTHING, FIVE))
    (script,) = page.iter("script")
    digest = b64encode(sha256(script.text.encode()).digest()).decode()
    policy = page.find(".//meta[@http-equiv='Content-Security-Policy']").get("content")
    assert policy == f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    assert not re.search(r"url\(|@import", page.find(".//style").text)
    for element in page.iter():
        assert not {"src", "srcset", "action", "data", "onclick"} & set(element.attrib)
        assert element.get("href", "#").startswith("#")


def test_the_first_words_are_what_is_broken_where() -> None:
    page = parsed(drawn(EVERYTHING, FIVE))
    assert text(page.find(".//h1")) == "POSIX memory locks on 5 kernels"
    assert sentences(page) == [
        "posix 1 of 1 requirement broken on all 5 kernels",
        "linux 1 of 1 requirement broken on some of 5 kernels",
    ]


@pytest.mark.parametrize(
    ("letters", "targets", "said"),
    [
        ("F", ["local"], "1 of 1 requirement broken"),
        (".", ["local"], "none of 1 requirement broken"),
        ("o", ["local"], "none of 1 requirement broken; 1 untested"),
        ("?", ["local"], "none of 1 requirement broken; 1 unresolved"),
        ("FF", ["qemu:a", "qemu:b"], "1 of 1 requirement broken on both kernels"),
        ("..", ["qemu:a", "qemu:b"], "none of 1 requirement broken on any of 2 kernels"),
        ("F..", ["qemu:a", "qemu:b", "qemu:c"], "1 of 1 requirement broken on some of 3 kernels"),
    ],
)
def test_a_profile_is_one_sentence(letters: str, targets: list[str], said: str) -> None:
    page = parsed(drawn({"mlock/a/b": letters}, dict.fromkeys(targets, "6.1")))
    assert sentences(page) == [f"posix {said}"]


def test_models_and_wrappers_are_no_kernels() -> None:
    targets = {"local": "6.1", "local+posixmlock": "6.1", "model:posix": "posix"}
    made_up = drawn({"mlock/a/b": "F.."}, targets)
    info = {**made_up.manifest.info, "model:posix": target_info(system="model", release="posix")}
    page = parsed(replace(made_up, manifest=replace(made_up.manifest, info=info)))
    assert text(page.find(".//h1")) == "POSIX memory locks on 1 kernel and 2 other targets"
    assert sentences(page) == ["posix 1 of 1 requirement broken"]


def test_a_cell_says_its_verdict_in_a_word() -> None:
    page = parsed(drawn(EVERYTHING, FIVE))
    assert words(page, "mlock/a/somewhere") == ["pass", "pass", "FAIL", "FAIL", "FAIL"]
    assert words(page, "mlock/b/unresolved") == ["UNRESOLVED", "pass", "pass", "pass", "pass"]
    assert words(page, "mlock/b/unsupported") == ["unsupported", "pass", "pass", "pass", "pass"]


def test_what_is_alike_on_all_targets_is_one_cell() -> None:
    page = parsed(drawn(EVERYTHING, FIVE))
    assert words(page, "mlock/a/kept") == ["pass"]
    assert row(page, "mlock/a/kept").find("td").get("colspan") == "5"
    assert words(page, "mlock/a/untested") == ["untested"]
    assert words(page, "mlock/a/everywhere") == ["FAIL"] * 5


def test_beyond_10_000_cells_a_row_is_one_string() -> None:
    targets = {f"qemu:debian/6.{n}": f"6.{n}" for n in range(20)}
    kept = {f"y/kept/{n}": "." * 20 for n in range(499)}
    two = {"mlock/a/differs": "..FFF?o" + "." * 13}
    page = parsed(drawn(kept | two, targets))
    assert words(page, "mlock/a/differs")[1:6] == ["pass", "FAIL", "FAIL", "FAIL", "UNRESOLVED"]
    page = parsed(drawn(kept | two | {"y/more": "." * 20}, targets))
    (cell,) = row(page, "mlock/a/differs").findall("td")
    assert [text(run) for run in cell.findall("i")] == ["··", "FFF", "?", "○1", "·" * 13]
    assert (cell.get("colspan"), cell.get("aria-label")[:36]) == ("20", "pass: 6.0, 6.1, 6.7, 6.8, 6.9, 6.10,")
    assert cell.get("aria-label").endswith("; FAIL: 6.2, 6.3, 6.4; UNRESOLVED: 6.5; untested: 6.6")
    assert text(row(page, "mlock/a/differs").getnext().find("td/noscript/div//pre")).startswith("map aaa__bbb")
    assert words(page, "y/more") == ["pass"]


def test_why_a_case_was_not_tried_is_a_numbered_note() -> None:
    page = parsed(drawn(EVERYTHING, FIVE))
    assert row(page, "mlock/a/untested").find("td/sup").text == "1"
    notes = [text(each) for each in page.findall(".//section[@aria-labelledby='notes']/ol/li")]
    assert notes[0] == "why it is UNTESTED 5.10: 1, 6.1: 1, 6.12: 1, 7.0: 1, 7.2: 1"
    assert notes[1] == "why it is UNSUPPORTED 5.10: 1"


def under(page: Any, case: str) -> Any:  # noqa: ANN401
    """Return what stands under the row of a case."""
    return row(page, case).getnext().find("td/div")


def test_equal_pictures_are_one_and_different_ones_stand_side_by_side() -> None:
    other = tuple(line.replace(".LL__...", ".LL__..L") for line in TRACE)
    results = [made(Status.FAIL, "mlock/a/b", target=target) for target in FIVE]
    results[3] = replace(results[3], trace=other)
    page = parsed(run(results, FIVE))
    groups = under(page, "mlock/a/b").findall("div[@class='groups']/div")
    assert [text(each.find("p/b")) for each in groups] == ["5.10, 6.1, 6.12, 7.2", "7.0"]
    assert "after     .LL__..L" in groups[1].find("pre").text
    same = under(parsed(run(results[:2], FIVE)), "mlock/a/b")
    assert [each.find("b") for each in same.findall("p")] == [None]
    assert same.find("pre").text.splitlines() == [
        "map       aaa__bbb",
        "before    .L.__...",
        "mlock      ^^^^^^             → -1 ENOMEM",
        "after     .LL__...            page 2 became locked",
        "permitted .L.__...            mlock.no-change (POSIX)",
    ]


def test_under_a_row_are_the_commands_to_see_it_oneself() -> None:
    page = parsed(drawn({"mlock/a/b[of=c]": "F"}, {"command:sh -c 'x'": "6.1"}))
    assert under(page, "mlock/a/b[of=c]").findall("pre")[-1].text.splitlines() == [
        """lockproof run -t 'command:sh -c '"'"'x'"'"'' 'mlock/a/b[of=c]'""",
        "lockproof repro 'mlock/a/b[of=c]'",
    ]


def test_a_requirement_leads_to_its_cases() -> None:
    page = parsed(drawn(EVERYTHING, FIVE))
    rows = page.findall(".//section[@aria-labelledby='requirements']//tbody/tr")
    cells = {
        text(each.find("th/a")): [text(cell) for cell in each.findall("td")]
        for each in rows
        if each.find("td") is not None
    }
    assert cells == {
        "mlock.no-change": ["6", "FAIL 1", "FAIL 1", "FAIL 2", "FAIL 2", "FAIL 2"],
        "linux.layout": ["1", "PASS", "PASS", "PASS", "FAIL 1", "PASS"],
    }
    ids = [each.get("id") for each in page.iter() if each.get("id")]
    assert len(ids) == len(set(ids))
    for link in page.iter("a"):
        assert link.get("href").removeprefix("#") in ids, text(link)


def test_a_requirement_that_was_kept_where_it_was_tried_says_how_often() -> None:
    page = parsed(drawn({"mlock/a/a": ".", "mlock/a/b": ".", "mlock/a/c": "o"}, {"local": "6.1"}))
    (cell,) = page.findall(".//section[@aria-labelledby='requirements']//tbody/tr/td[2]")
    assert text(cell) == "PASS 2 of 3"


def test_the_page_says_which_release_changed_what() -> None:
    rows = {
        "mlock/a/a": "FF...",
        "mlock/a/b": "...FF",
        "mlock/a/c": "...FF",
        "x/newly": "ooooF",
        "mlock/a/same": "FFFFF",
    }
    shuffled = {name: FIVE[name] for name in (*list(FIVE)[2:], *list(FIVE)[:2])}
    page = parsed(drawn({case: letters[2:] + letters[:2] for case, letters in rows.items()}, shuffled))
    changes = page.find(".//dl[@class='changes']")
    assert [text(each) for each in changes] == [
        "5.10 → 6.1", "nothing changed in 4 cases that both were tried in",
        "6.1 → 6.12", "mlock.no-change: 6.12 keeps it in 1 case that 6.1 fails: mlock/a/a",
        "6.12 → 7.0", "mlock.no-change: 7.0 breaks it in 2 cases that 6.12 passes: mlock/a/b, mlock/a/c",
        "7.0 → 7.2", "7.2 fails 1 case that 7.0 could not be tried in: x/newly",
    ]  # fmt: skip
    heads = page.findall(".//section[@aria-labelledby='cases']//thead/tr/th")
    assert [text(each) for each in heads] == ["case", *FIVE.values()]


def test_kernels_that_are_no_releases_of_each_other_are_not_compared() -> None:
    page = parsed(drawn({"mlock/a/a": "F.F"}, {"local": "6.1", "gvisor": "4.4", "qemu:debian/6.1": "6.1"}))
    assert page.find(".//dl[@class='changes']") is None


def partial(page: Any) -> list[str]:  # noqa: ANN401
    return [text(each) for each in page.findall(".//div[@class='partial']//li")]


def test_a_complete_run_says_so() -> None:
    page = parsed(drawn(EVERYTHING, FIVE))
    assert partial(page) == []
    assert "Complete: each of the 7 cases was asked of each target." in text(page.find(".//p[@class='runs']"))


def test_a_partial_run_says_in_words_what_is_missing() -> None:
    made_up = drawn({"mlock/a/a": "F.", "mlock/a/b": ". "}, {"local": "6.1", "gvisor": "4.4"}, finished=None)
    info = {"local": made_up.manifest.info["local"], "gvisor": made_up.manifest.info["gvisor"]}
    page = parsed(replace(made_up, manifest=replace(made_up.manifest, info=info)))
    assert partial(page) == ["Run 20261123T043000 ended early: on gvisor 1 of 2 cases were not run."]
    assert words(page, "mlock/a/b") == ["pass", "not run"]
    assert "Complete" not in text(page.find("body"))


def test_a_target_that_was_not_started_is_named() -> None:
    made_up = drawn({"mlock/a/a": "F."}, {"local": "6.1", "gvisor": "4.4"})
    info = {"local": made_up.manifest.info["local"]}
    page = parsed(replace(made_up, manifest=replace(made_up.manifest, info=info)))
    assert partial(page) == ["gvisor was not started: nothing is known of it."]


def test_a_selection_is_no_complete_run() -> None:
    page = parsed(drawn({"mlock/a/a": "F"}, {"local": "6.1"}, selection=("mlock/a",)))
    assert partial(page) == ["Run 20261123T043000 was asked for mlock/a only, which is 1 of 1 case."]


def test_cases_that_have_changed_have_findings_but_no_pictures() -> None:
    page = parsed(drawn({"mlock/a/a": "F"}, {"local": "6.1"}, corpus="another"))
    assert partial(page) == ["The cases have changed since run 20261123T043000: there are no pictures of it."]
    assert under(page, "mlock/a/a").find("pre").text.splitlines() == [
        "picture   none: the cases have changed since",
        "mlock.no-change: after .LL__... permitted .L.__... (page 2 became locked)",
    ]


def test_runs_of_several_machines_are_one_page() -> None:
    one = drawn({"mlock/a/a": "F", "mlock/a/b": "."}, {"local": "6.1"}, name="one")
    other = drawn({"mlock/a/a": "."}, {"gvisor": "4.4"}, name="other")
    page = parsed(one, other)
    assert words(page, "mlock/a/a") == ["FAIL", "pass"]
    assert words(page, "mlock/a/b") == ["pass", "not asked"]
    assert partial(page) == ["1 case was not asked of every target."]


def test_two_runs_of_one_target_need_names_of_their_own() -> None:
    runs = [drawn({"mlock/a/a": "F"}, {"local": "6.1"}, run=name) for name in ("a", "b")]
    with pytest.raises(UsageError, match="both have a target local"):
        html(runs)


def test_runs_of_one_target_are_compared_in_six_lists() -> None:
    before = drawn({"mlock/a/a": ".", "mlock/a/b": "F", "mlock/a/c": "o"}, {"local": "6.1"}, name="before")
    after = drawn({"mlock/a/a": "F", "mlock/a/b": ".", "mlock/a/c": "."}, {"local": "6.1"}, name="after")
    page = parsed(before, after)
    (section,) = page.findall(".//section[@aria-labelledby='differences-1']")
    assert text(section.find("h2")) == "From before to after"
    assert [text(each) for each in section.findall("h3")] == [
        "new failures: 1",
        "fixed: 1",
        "changed findings: none",
        "new cases: 1",
        "gone cases: none",
        "still unresolved: none",
    ]
    assert "C" in row(page, "mlock/a/a").get("class").split()


def test_a_case_that_fails_is_there_as_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("# first\n\n- id: one\n  about: <b>\n\n  map: a\n\n# second\n- id: two\n")
    made_up = drawn({"mlock/a/a": "F"}, {"local": "6.1"}, cases="a.yaml")
    (case,) = made_up.corpus.cases
    moved = replace(case, source=Location(str(file), 3, 3))
    page = parsed(replace(made_up, corpus=replace(made_up.corpus, cases=(moved,))))
    (written,) = page.findall(".//section[@aria-labelledby='written']/details/pre")
    assert "".join(written.itertext()) == "# cases/mlock/no-change.yaml:4\n- id: one\n  about: <b>\n\n  map: a"
    assert under(page, "mlock/a/a").find("p/a").get("href") == f"#{written.get('id')}"


KNOWN = KnownIssue(
    id="linux-walk",
    about="it <walks>",
    url="https://example.org/walk",
    cases=("mlock/a/known", "mlock/a/fixed"),
    finding="mlock.no-change:locked",
    where=(Where(upstream=">= 5.10, < 7.4"),),
    expires=date(9999, 1, 1),
)


def test_a_baseline_tells_known_failures_new_ones_and_fixed_ones_apart() -> None:
    rows = {"mlock/a/fixed": ".", "mlock/a/known": "F", "mlock/a/new": "F"}
    page = parsed(drawn(rows, {"local": "6.1"}, baselines=(Baseline(Path("linux.yaml"), (KNOWN,), {}),)))
    assert [words(page, case) for case in rows] == [["pass, fixed"], ["FAIL, known"], ["FAIL"]]
    assert text(under(page, "mlock/a/known").find("p/em")) == "linux-walk: it <walks>"
    assert {case: "C" in row(page, case).get("class").split() for case in rows} == {
        "mlock/a/fixed": True,
        "mlock/a/known": False,
        "mlock/a/new": True,
    }
    assert "against linux.yaml" in text(page.find(".//table[@class='targets']"))
    assert "1 known, 1 new, 1 fixed" in text(page.find(".//table[@class='targets']"))


def test_a_baseline_says_nothing_of_what_is_no_kernel() -> None:
    known = Baseline(Path("linux.yaml"), (KNOWN,), {})
    page = parsed(drawn({"mlock/a/known": "FF"}, {"local": "6.1", "local+posixmlock": "6.1"}, baselines=(known,)))
    assert words(page, "mlock/a/known") == ["FAIL, known", "FAIL"]
    assert "C" not in row(page, "mlock/a/known").get("class").split()
    assert "new" not in text(page.findall(".//table[@class='targets']/tbody/tr")[1])


HOSTILE = (
    "</script></style><script>alert(1)</script><b a=\"'>&lt; ]]> # \x00\x07\x1b[31m\x7f\x85\ud800\udcff\ufffe\u202e"
)


def structure(page: Any) -> list[tuple[str, tuple[str, ...]]]:  # noqa: ANN401
    return [(each.tag, tuple(sorted(each.attrib))) for each in page.iter() if isinstance(each.tag, str)]


def whole(said: str) -> Any:  # noqa: ANN401
    """Make a page in which a target, its kernel and all that is said of it are one text."""
    results = [
        made(Status.FAIL, "mlock/a/a", target=f"command:{said}", why=said, source=f"{said}:4"),
        made(Status.UNTESTED, "mlock/a/b", target=f"command:{said}", why=said),
        made(Status.UNRESOLVED, "mlock/a/c", target=f"command:{said}", why=said),
    ]
    return run(results, {f"command:{said}": said}, cases=said, run=said, lockproof=said)


def test_nothing_that_a_target_says_is_markup() -> None:
    page = parsed(whole(HOSTILE))
    assert structure(page) == structure(parsed(whole("harmless")))
    assert "</script></style><script>alert(1)</script><b a=\"'>&lt; ]]> #" in text(page.find("body"))
    assert r"\x00\x07\x1b[31m\x7f\x85\ud800\udcff\ufffe\u202e" in text(page.find("body"))
    html([whole(HOSTILE)]).encode("utf-8")


@settings(max_examples=40)
@given(st.text(st.characters(exclude_categories=()), min_size=1, max_size=60))
def test_no_text_changes_what_the_page_is_made_of(said: str) -> None:
    assert structure(parsed(whole(f"x{said}"))) == structure(parsed(whole("harmless")))


def test_a_kernel_log_of_a_megabyte_is_cut_and_says_where_the_rest_is() -> None:
    log = "\n".join(f"[ 1.{n:06}] BUG: \x1b[31m<b>" for n in range(30_000))
    results = [
        made(Status.FAIL, "mlock/a/a", target="local", why=log),
        made(Status.UNTESTED, "mlock/a/b", target="local", why=log),
    ]
    made_up = run(results, {"local": "6.1"})
    assert len(html([made_up])) < 60_000
    assert under(parsed(made_up), "mlock/a/a").find("pre").text.endswith("the whole trace is in results.jsonl")


def test_ten_thousand_findings_are_one_row() -> None:
    found = [
        Finding("mlock.no-change", "POSIX", Modality.SHALL, Aspect.LOCKED, f"page {n}", (n,), 0, n, ".", "L")
        for n in range(10_000)
    ]
    made_up = run(
        [made(Status.FAIL, "mlock/a/a", target="local", verdict=Verdict(Status.FAIL, findings=tuple(found)))],
        {"local": "6.1"},
    )
    assert len(html([made_up])) < 60_000
    assert words(parsed(made_up), "mlock/a/a") == ["FAIL"]


def test_a_run_without_results_is_a_page() -> None:
    page = parsed(drawn({}, {"local": "6.1"}))
    assert partial(page) == ["local: nothing was found out; no case was run."]
