# SPDX-License-Identifier: Apache-2.0
"""The page in a browser: what people see of it and can do with it, with script and without."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from lockproof.conformance.reports.html import html
from tests.command import until
from tests.reports.html.pages import FIVE, drawn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

ROWS = {
    "mlock/a/everywhere[of=file]": "FFFFF",
    "mlock/a/kept": ".....",
    "mlock/a/somewhere": "..FFF",
    "mlock/a/untested": "ooooo",
    "mlock/b/newly": "ooo.F",
    "mlock/b/passes": ".....",
    "mlock/b/unresolved": "?....",
    "x/linux": "...F.",
    "x/unsupported": "-....",
}
SHOWN = {
    "failing": ["everywhere[of=file]", "somewhere", "newly", "unresolved", "linux"],
    "differs": ["somewhere", "newly", "unresolved", "linux"],
    "changed": [],
    "untested": ["untested", "newly", "unsupported"],
    "all": [case.rpartition("/")[2] for case in ROWS],
}
MORE = {f"y/more/{number}": "....." for number in range(2100)}
"""With them there are more than 10 000 cells, and a row is one string."""


MARKED = """cell => {
    const { left } = cell.getBoundingClientRect(), mark = getComputedStyle(cell, "::after");
    const heads = [...document.querySelectorAll(".cases thead th")].slice(1).map(head => head.getBoundingClientRect().left);
    return heads.findIndex(head => Math.abs(head - left - parseFloat(mark.left)) < 1);
}"""
"""The number of the target below which the mark of a cell stands."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  is not everywhere

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(tmp_path_factory.mktemp("page"), ROWS, FIVE)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(tmp_path_factory.mktemp("page"), ROWS | MORE, FIVE)


@pytest.fixture(params=["few", "many"])
def address(request: pytest.FixtureRequest) -> str:
    """Return where a page is: of few cases, and of so many that it has another form."""
    return str(request.getfixturevalue(request.param))


def written(folder: Path, rows: dict[str, str], targets: dict[str, str]) -> str:
    path = folder / "report.html"
    path.write_text(html([drawn(rows, targets)]), encoding="utf-8")
    return path.as_uri()


@contextmanager
def opened(browser: Browser, address: str, *, script: bool = True, width: int = 1280, **options: Any) -> Iterator[Page]:  # noqa: ANN401
    """Open a page; it must neither ask for anything but itself nor complain."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, java_script_enabled=script, reduced_motion="reduce", **options
    )
    page = context.new_page()
    requests: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(address)
    yield page
    assert {request.partition("#")[0] for request in requests} == {address.partition("#")[0]}
    assert said == []
    context.close()


def url(page: Page) -> str:
    """Return the address as the page has it; what playwright knows of it comes later."""
    return str(page.evaluate("location.href"))


def cases(page: Page) -> list[str]:
    """Return the cases that are seen, without those that are there to be many.

    What is below the screen may not be laid out yet (content-visibility): it has its text, and no innerText.
    """
    seen = """names => names.filter(name => name.checkVisibility() && !/^\\d+$/.test(name.textContent.trim()))
                          .map(name => name.textContent.trim())"""
    return list(page.locator("table.cases tbody tr:not(.group):not(.v) > th").evaluate_all(seen))


def folders(page: Page) -> list[str]:
    names = [each.text_content() for each in page.locator("table.cases .group span").all() if each.is_visible()]
    return [name for name in names if name and name != "y/more"]


@pytest.mark.parametrize("script", [False, True])
def test_each_filter_shows_its_cases_with_script_and_without(
    browser: Browser, address: str, many: str, *, script: bool
) -> None:
    with opened(browser, address, script=script) as page:
        assert cases(page) == SHOWN["failing"]
        for word, shown in SHOWN.items():
            page.locator(f"label[for=show-{word}]").click()
            assert cases(page) == shown, word
            more = len(MORE) if word == "all" and many == address else 0
            assert page.locator(f"label[for=show-{word}] b").inner_text() == f"{len(shown) + more}"
        assert folders(page) == ["mlock/a", "mlock/b", "x"]
        page.locator("label[for=show-untested]").click()
        assert folders(page) == ["mlock/a", "mlock/b", "x"]
        page.locator("label[for=show-changed]").click()
        assert folders(page) == []
        assert page.get_by_text("No case is changed.").is_visible()


@pytest.mark.parametrize("script", [False, True])
def test_a_row_opens_and_shows_its_picture(browser: Browser, address: str, *, script: bool) -> None:
    with opened(browser, address, script=script) as page:
        picture = page.locator("tr.v pre:visible", has_text="→ -1 ENOMEM").first
        assert not picture.is_visible()
        page.get_by_text("everywhere[of=file]", exact=True).click()
        until(picture.is_visible)
        page.locator("label[for=show-untested]").click()
        assert not picture.is_visible()


@pytest.mark.parametrize("script", [False, True])
def test_a_requirement_shows_its_cases_and_what_was_shown_again(
    browser: Browser, address: str, *, script: bool
) -> None:
    with opened(browser, address, script=script) as page:
        page.locator(".requirements th a", has_text="linux.layout").click()
        until(lambda: cases(page) == ["linux", "unsupported"])
        assert folders(page) == ["x"]
        assert page.get_by_text("Cases that check linux.layout.").is_visible()
        page.get_by_text("Show the others again").click()
        until(lambda: cases(page) == SHOWN["failing"])


@pytest.mark.parametrize("script", [False, True])
def test_a_link_to_a_case_opens_its_row_whatever_is_filtered(browser: Browser, address: str, *, script: bool) -> None:
    with opened(browser, f"{address}#mlock/a/somewhere", script=script) as page:
        until(page.locator("tr.v pre:visible").first.is_visible)
        page.locator("label[for=show-untested]").click()
        assert "somewhere" in cases(page)


def test_requirements_that_all_keep_are_folded(browser: Browser, tmp_path: Path) -> None:
    kept = written(tmp_path, {"mlock/a/kept": "..", "x/linux": "F."}, {"local": "6.1", "gvisor": "4.4"})
    with opened(browser, kept, script=False) as page:
        name = page.locator(".requirements th a", has_text="mlock.no-change")
        assert not name.is_visible()
        page.get_by_text("also the 1 that every target keeps").click()
        until(name.is_visible)


def test_a_link_to_a_cell_shows_and_marks_it(browser: Browser, address: str) -> None:
    with opened(browser, f"{address}#mlock/a/kept/qemu:debian/6.12") as page:
        assert "kept" in cases(page)
        assert page.locator("td.at").evaluate(MARKED) == 2
        assert page.locator("td.at").inner_text() == "pass"
    with opened(browser, f"{address}#mlock/a/somewhere/qemu:debian/6.12&show=differs") as page:
        assert cases(page) == SHOWN["differs"]
        assert page.locator("td.at").evaluate(MARKED) == 2
        until(page.locator("tr.v pre:visible").first.is_visible)


def test_a_click_on_a_cell_makes_the_link_to_it(browser: Browser, address: str) -> None:
    with opened(browser, address) as page:
        page.locator(".cases tr", has_text="linux").locator(".f").click()
        until(lambda: url(page) == f"{address}#x/linux/qemu:debian/7.0")
        page.reload()
        assert page.locator("td.at").evaluate(MARKED) == 3


def test_keys_go_from_failure_to_failure(browser: Browser, address: str) -> None:
    with opened(browser, address) as page:
        for case in ("mlock/a/everywhere%5Bof=file%5D", "mlock/a/somewhere", "mlock/b/newly"):
            page.keyboard.press("n")
            assert url(page) == f"{address}#{case}"
        page.keyboard.press("p")
        assert url(page) == f"{address}#mlock/a/somewhere"
        assert page.evaluate("document.activeElement.textContent") == "somewhere"
        until(lambda: page.locator("tr.v:visible").count() == 1)


def test_keys_choose_filters_which_the_address_keeps(browser: Browser, address: str) -> None:
    with opened(browser, address) as page:
        page.keyboard.press("d")
        assert url(page) == f"{address}#show=differs"
        assert cases(page) == SHOWN["differs"]
        page.keyboard.press("f")
        page.keyboard.press("f")
        assert url(page) == f"{address}#show=all"
        page.reload()
        assert cases(page) == SHOWN["all"]


def test_a_search_is_kept_in_the_address(browser: Browser, address: str) -> None:
    with opened(browser, address) as page:
        page.keyboard.press("/")
        page.keyboard.type("mlock/b newly n")
        assert cases(page) == ["newly"]
        assert page.locator("output").inner_text() == "1 shown"
        page.keyboard.press("Escape")
        page.reload()
        assert cases(page) == ["newly"]
        page.keyboard.press("/")
        page.keyboard.press("Control+a")
        page.keyboard.press("Delete")
        assert url(page) == address
        assert cases(page) == SHOWN["failing"]


def test_without_script_nothing_is_offered_that_needs_it(browser: Browser, address: str) -> None:
    with opened(browser, address, script=False) as page:
        assert not page.locator(".search").is_visible()
    with opened(browser, address) as page:
        assert page.locator(".search").is_visible()


def test_a_filter_can_be_chosen_by_the_keyboard_without_script(browser: Browser, address: str) -> None:
    with opened(browser, address, script=False) as page:
        page.locator("#show-failing").focus()
        page.keyboard.press("ArrowRight")
        assert cases(page) == SHOWN["differs"]
        page.locator("summary").first.focus()
        page.locator("#show-all").focus()
        page.keyboard.press("Space")
        page.get_by_text("everywhere[of=file]", exact=True).focus()
        page.keyboard.press("Enter")
        until(lambda: page.locator("tr.v:visible").count() == 1)


def test_the_page_is_dark_where_people_want_it_dark(browser: Browser, address: str) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    with opened(browser, address, color_scheme="light") as page:
        assert page.evaluate(paper) == "rgb(255, 255, 255)"
    with opened(browser, address, color_scheme="dark") as page:
        assert page.evaluate(paper) == "rgb(20, 23, 26)"


@pytest.mark.parametrize("width", [400, 768, 1280])
def test_five_kernels_fit_on_any_screen(browser: Browser, address: str, width: int) -> None:
    with opened(browser, address, width=width) as page:
        page.get_by_text("everywhere[of=file]", exact=True).click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("more", [0, 640])  # the second: rows are strings
@pytest.mark.parametrize("width", [400, 768, 1280])
def test_names_and_pictures_can_be_read_beside_many_targets(
    browser: Browser, tmp_path: Path, width: int, more: int
) -> None:
    kernels = {f"qemu:debian/6.{n}": f"6.{n}" for n in range(16)}
    rows = {"mlock/a/failed-unlock-of-both-mappings": "F" * 16} | {f"y/{n}": "." * 16 for n in range(more)}
    with opened(browser, written(tmp_path, rows, kernels), width=width, script=False) as page:
        name = page.locator(".cases tbody tr:not(.group) > th").first
        box = name.bounding_box()
        assert box is not None
        assert (box["width"] > 150, box["height"] < 60) == (True, True)
        name.click()
        box = page.locator("tr.v div:visible").first.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= width


def test_the_head_of_the_table_and_its_first_column_stay(browser: Browser, tmp_path: Path) -> None:
    many = {f"kernel-{letter}": "6.1" for letter in "abcdefghijklmnopqrst"}
    address = written(tmp_path, {f"mlock/a/{n}": "F" * len(many) for n in range(100)}, many)
    with opened(browser, address, width=400) as page:
        head, name = page.locator(".cases thead th").first, page.locator(".cases tbody tr:not(.group) > th").nth(80)
        page.evaluate("scrollTo(200, document.body.scrollHeight * .6)")
        assert head.bounding_box()["y"] == 0  # type: ignore[index]
        assert name.bounding_box()["x"] == 0  # type: ignore[index]


def test_on_paper_there_is_nothing_to_click(browser: Browser, address: str) -> None:
    with opened(browser, address) as page:
        page.emulate_media(media="print")
        assert not page.locator(".filters").is_visible()
        assert not page.locator(".search").is_visible()
        assert cases(page) == SHOWN["failing"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_axe_finds_nothing_to_complain_about(browser: Browser, address: str, scheme: Any, width: int) -> None:  # noqa: ANN401
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415  is not everywhere

    with opened(browser, address, width=width, color_scheme=scheme) as page:
        page.locator("label[for=show-all]").click()
        page.get_by_text("everywhere[of=file]", exact=True).click()
        found = Axe().run(page).response["violations"]
        assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == []


def test_readers_hear_verdicts_in_words(browser: Browser, few: str) -> None:
    with opened(browser, few) as page:
        heard = page.locator("table.cases").aria_snapshot()
        said = re.findall(r"- (?:rowheader|group|cell)[^\n]*", heard)
        start = said.index("- group: linux")
        assert said[start : start + 6] == [
            "- group: linux",
            *(f'- cell "{word}"' for word in ["pass", "pass", "pass", "FAIL", "pass"]),
        ]
        assert said[start - 1].startswith("- rowheader")


def test_readers_hear_of_many_cells_what_became_of_a_case_on_which_targets(browser: Browser, many: str) -> None:
    with opened(browser, many) as page:
        row = page.locator(".cases tr", has_text="somewhere").first
        assert re.findall('cell "(.*)"', row.aria_snapshot()) == ["pass: 5.10, 6.1; FAIL: 6.12, 7.0, 7.2"]


def test_of_many_cells_each_letter_stands_below_its_target(browser: Browser, many: str) -> None:
    middle = "each => { const { left, width } = each.getBoundingClientRect(); return left + width / 2; }"
    with opened(browser, many) as page:
        heads = [head.evaluate(middle) for head in page.locator(".cases thead th").all()[1:]]
        linux = page.locator(".cases tr", has_text="linux").first.locator("td i")
        assert linux.all_inner_texts() == ["···", "F", "·"]
        assert abs(linux.nth(1).evaluate(middle) - heads[3]) < 1


def test_of_many_cells_pictures_are_made_when_they_are_looked_at(browser: Browser, few: str, many: str) -> None:
    with opened(browser, few) as page:
        picture = page.locator("tr.v").first.inner_html()
    with opened(browser, many) as page:
        assert page.locator("tr.v pre").count() == 0
        page.get_by_text("everywhere[of=file]", exact=True).click()
        until(lambda: page.locator("tr.v pre").count() == 2)
        assert page.locator("tr.v").first.inner_html().split() == picture.split()
