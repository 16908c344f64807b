# SPDX-License-Identifier: Apache-2.0
"""The page of several kernels: how large it is, and how quick in Chromium.

    python benchmarks/html [RUN...]

RUN: folders of runs, whose page is measured as it is. Without them the corpus is run on `local`, and five and twelve
kernels are said to have shown its results: once the corpus, and once 2000 cases, which are those of the corpus under
more names.

Times are of the main thread on the processor, in ms, as Chromium counts them (script, style, layout): until
it is loaded, and from a click on a filter until its rows are painted, the median of ROUNDS. The slowest filter counts;
`all` is told apart, as it lays out each row.
"""

from __future__ import annotations

import gzip
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from lockproof.conformance.language.loading import Corpus
from lockproof.conformance.reports.html import html
from lockproof.conformance.reports.run import Run, read
from lockproof.conformance.running.manifest import corpus_digest
from lockproof.conformance.running.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.sync_api import Browser

LOCKPROOF = Path(sys.executable).with_name("lockproof")
RELEASES = ("5.10", "6.1", "6.12", "7.1", "7.2", "6.16", "6.17", "6.18", "6.19", "7.0", "7.3", "7.4")
MANY = 2000
ROUNDS = 5
CHROMIUM = "/usr/bin/chromium"
FILTERS = ("all", "failing", "differs", "untested", "changed")
CLICK = """async (id) => {
    document.getElementById(id).click();
    for (const frame of [1, 2]) await new Promise(requestAnimationFrame);
}"""


def on_local(scratch: Path) -> Run:
    """Run the corpus on the running kernel."""
    command = [str(LOCKPROOF), "run", "-t", "local", "--results", str(scratch)]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    if done.returncode not in {0, 1}:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}")
    (folder,) = scratch.iterdir()
    return read(scratch, folder.name)


def of_kernels(run: Run, kernels: int, cases: int) -> Run:
    """Return a run in which so many kernels have shown these results, for as many cases."""
    copies = [
        (replace(case, name=f"{folder}{case.name}"), case.name)
        for folder in ("", *(f"more-{n}/" for n in range(cases // len(run.cases))))
        for case in run.cases.values()
    ][:cases]
    releases = RELEASES[:kernels]
    targets = tuple(f"qemu:debian/{release}" for release in releases)
    tally = Tally()
    for target in targets:
        for case, name in copies:
            tally.add(replace(run.tally.cases["local", name].worst, target=target, case=case.name))
    info = run.manifest.info["local"]
    known = {target: replace(info, release=release) for target, release in zip(targets, releases, strict=True)}
    corpus = Corpus(tuple(case for case, _ in copies), run.corpus.requirements)
    manifest = replace(run.manifest, targets=targets, info=known, corpus=corpus_digest(corpus.cases))
    return Run(manifest, tally, corpus)


def measured(browser: Browser, page_file: Path) -> tuple[int, float, float, float]:
    """Open a page, and click on its filters: nodes, and ms to load it, of the slowest filter, and of all rows."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    tools = page.context.new_cdp_session(page)
    tools.send("Performance.enable", {"timeDomain": "threadTicks"})

    def busy() -> float:
        metrics = tools.send("Performance.getMetrics")["metrics"]
        return 1000 * next(float(each["value"]) for each in metrics if each["name"] == "TaskDuration")

    page.goto(page_file.as_uri())
    loaded = busy()
    times: dict[str, list[float]] = {word: [] for word in FILTERS}
    for _ in range(ROUNDS):
        for word, taken in times.items():
            began = busy()
            page.evaluate(CLICK, f"show-{word}")
            taken.append(busy() - began)
    medians = {word: statistics.median(taken) for word, taken in times.items()}
    nodes = int(page.evaluate("document.getElementsByTagName('*').length"))
    page.close()
    return nodes, loaded, max(medians[word] for word in FILTERS if word != "all"), medians["all"]


def report(browser: Browser, name: str, runs: Sequence[Run], scratch: Path) -> None:
    """Make a page, and print a line of it."""
    began = time.monotonic()
    content = html(runs).encode()
    seconds = time.monotonic() - began
    file = scratch / "page.html"
    file.write_bytes(content)
    nodes, loaded, slowest, everything = measured(browser, file)
    sizes = f"{len(content) / 1024:7.0f} {len(gzip.compress(content)) / 1024:7.0f} {nodes:7}"
    print(f"{name:<24} {sizes} {seconds:7.2f} {loaded:7.0f} {slowest:7.0f} {everything:7.0f}")


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        scratch = Path(folder)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        print(f"Chromium {browser.version}, 1280 pixels wide\n")
        print(f"{'':<24} {'KiB':>7} {'gzip':>7} {'nodes':>7} {'made, s':>7} {'loaded':>7} {'filter':>7} {'all':>7}")
        if asked := sys.argv[1:]:
            report(
                browser,
                f"{len(asked)} run{'s' if len(asked) > 1 else ''}",
                [read(scratch, run) for run in asked],
                scratch,
            )
        else:
            run = on_local(scratch / "results")
            for kernels, cases in product((5, len(RELEASES)), (len(run.cases), MANY)):
                made_up = of_kernels(run, kernels, cases)
                report(browser, f"{kernels} kernels, {cases} cases", [made_up], scratch)
        browser.close()


if __name__ == "__main__":
    main()
