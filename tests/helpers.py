# SPDX-License-Identifier: Apache-2.0
"""Short ways to write what the tests are about: cases as YAML, traces from strips."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from lockproof.conformance.language.loading import Corpus, load, load_requirements, load_text
from lockproof.conformance.protocol.trace import Elsewhere, Ended, Execution, Snapshot, StepTrace, Trace
from lockproof.conformance.reports.picture import of_result
from lockproof.conformance.running.engine import Engine
from lockproof.conformance.running.results import Result
from lockproof.runners.target import SystemCounts, TargetInfo, make_target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lockproof.conformance.language.case import Case
    from lockproof.conformance.language.requirements import Requirement
    from lockproof.conformance.running.events import Event, Listener

CATALOGUE = """
- {id: mlock.no-change, modality: shall, profile: posix, statement: A., source: "POSIX, RETURN VALUE", observes: [locked, result]}
- {id: mlock.errors, modality: shall, profile: posix, statement: B., source: "POSIX, ERRORS", observes: [result]}
- {id: mlock.in-memory, modality: shall, profile: posix, statement: C., source: "POSIX, DESCRIPTION", observes: [resident]}
- {id: mlock.open, modality: unspecified, profile: posix, statement: D., source: "POSIX, silent", observes: [locked, result]}
- {id: linux.layout, modality: shall, profile: linux, statement: E., source: mlock(2), observes: [mappings, accounting, page-faults]}
- {id: quality.system, modality: shall, profile: quality, statement: F., source: good practice, observes: [mlocked, vm-areas]}
"""


@cache
def catalogue() -> dict[str, Requirement]:
    """Load the catalogue above."""
    with TemporaryDirectory() as name:
        (Path(name) / "requirements.yaml").write_text(CATALOGUE, encoding="utf-8")
        return load_requirements(Path(name))


def corpus(text: str, file: str = "folder.yaml") -> Corpus:
    """Load cases with the catalogue above."""
    return load_text(text, catalogue(), file=file)


def case_of(fields: str, file: str = "folder.yaml") -> Case:
    """Load one case from its fields, a line each, all but `id`, `about` and (unless given) `checks`."""
    checks = "" if "\nchecks:" in f"\n{fields}" else "  checks: [mlock.no-change, mlock.errors]\n"
    body = "".join(f"  {line}\n" for line in fields.strip().splitlines())
    (case,) = corpus(f"- id: leaf\n  about: A case.\n{checks}{body}", file).cases
    return case


def snapshot(
    locked: str | Mapping[str, str],
    *,
    resident: str | None = None,
    mappings: str | None = None,
    accounted: int | None = None,
    elsewhere: tuple[int, int] | None = (100, 0),
) -> Snapshot:
    """Draw an address space; `elsewhere`: pages mapped and locked outside the arena."""
    seen = {"smaps": locked} if isinstance(locked, str) else dict(locked)
    return Snapshot(seen, resident, mappings, accounted, Elsewhere(*elsewhere) if elsewhere else None)


def step(
    number: int,
    result: str,
    after: str | Snapshot,
    fault: Any = None,  # noqa: ANN401
    stack: tuple[str, ...] = (),
) -> StepTrace:
    """Report a step; `stack`: who asked for the allocation that failed."""
    return StepTrace(number, result, snapshot(after) if isinstance(after, str) else after, fault, stack)


def execution(before: str | Snapshot | None, *steps: StepTrace, number: int = 0, **ending: Any) -> Execution:  # noqa: ANN401
    """Report an execution that was done, or ended as `ending` says."""
    first = snapshot(before) if isinstance(before, str) else before
    return replace(Execution(number, Ended.DONE, first, steps), **ending)


def trace(*executions: Execution, **more: Any) -> Trace:  # noqa: ANN401
    """Report a program; `more`: what the kernel said meanwhile."""
    return replace(Trace(executions), **more)


def target_info(**changes: Any) -> TargetInfo:  # noqa: ANN401
    """Describe a target that can do everything, but for `changes`."""
    able = TargetInfo(
        protocol=1,
        system="Linux",
        release="6.12.107",
        version="#1 SMP",
        machine="x86_64",
        page_size=4096,
        bits=64,
        calls=("mlock", "mlock2", "munlock", "mlockall", "munlockall", "mmap", "munmap", "mprotect", "madvise", "msync",
               "fork", "mremap", "brk", "exec", "thread"),
        kinds=("anonymous", "file", "shared", "shm", "memfd", "hugetlb", "secretmem", "stack", "sysv", "heap"),
        guard=True,
        lock_observers=("smaps", "msync"),
        lock_modes=True,
        residency="mincore",
        mappings=True,
        accounting=True,
        page_faults=True,
        thp=512,
        elsewhere=True,
        faults={"each-allocation": "fail-nth", "from-each-allocation": "make-it-fail", "apart": "filters", "memory": "memcg"},
        knobs={},
        alone=True,
        taint=0,
        counts=SystemCounts(mlocked=0, vm_areas=300),
        privileged=True,
        memlock=-1,
        own_pages=283,
        max_map_count=65530,
        huge_page=512,
        reclaim=("anonymous", "file", "shared", "shm", "memfd", "stack", "sysv", "heap"),
    )  # fmt: skip
    return replace(able, **changes)


def write(folder: Path, text: str) -> Path:
    """Write a case file, with the catalogue of lockproof."""
    path = folder / "trouble.yaml"
    path.write_text(text)
    return path


def collect(results: list[Result]) -> Listener:
    """Listen to an engine, and put its results into a list."""

    def listen(event: Event) -> None:
        if isinstance(event, Result):
            results.append(event)

    return listen


def judged(
    target: str, cases: Path, *, time_limit: float = 30.0, meanwhile: Callable[[int], None] = lambda _: None
) -> list[Result]:
    """Run cases with the engine in this process; `meanwhile` is called with the number of results that there are."""
    found: list[Result] = []
    corpus = load(cases)
    engine = Engine(
        cases=corpus.cases,
        requirements=corpus.requirements,
        listeners=[collect(found), lambda event: meanwhile(len(found)) if isinstance(event, Result) else None],
        time_limit=time_limit,
    )
    engine.run([make_target(target)])
    return found


def picture_of(result: Result, cases: Path) -> str:
    """Draw a result of one of these cases, on a target that can do everything."""
    (case,) = (case for case in load(cases).cases if case.name == result.case)
    return str(of_result(result, case, target_info()))
