# SPDX-License-Identifier: Apache-2.0
"""Folders that ran on this machine, and ways to change what is in them."""

from __future__ import annotations

import shutil
import subprocess
import zlib
from typing import TYPE_CHECKING

from lockproof.conformance.commands.export import ProgramsRequest, programs
from lockproof.conformance.language.loading import load
from lockproof.conformance.language.selection import select
from lockproof.conformance.offline import RecordedTarget, read_returned
from lockproof.conformance.reports.console import console
from lockproof.conformance.running.engine import Engine
from lockproof.conformance.running.results import Result
from tests.helpers import collect

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

__all__ = ["CASES", "export", "judged", "ran", "renewed", "run_script", "sections"]

CASE = """
- id: {id}
  about: {about}
  checks: [mlock.whole-pages, mlock.enomem.unmapped, mlock.failure.no-change]
  map:    {map}
  call:   mlock
  range:  .^^.
  expect: {expect}
"""
_LOCKED = "{result: 0, locked: .LL.}"
_REFUSED = "{result: ENOMEM, locked: unchanged}"
CASES = "".join(
    CASE.format(id=name, about="Pages are locked, or nothing.", map=pages, expect=expect)
    for name, pages, expect in (
        ("one", "aaaa", _LOCKED),
        ("two", "aabb", _LOCKED),
        ("hole", "a_bb", _REFUSED),
        ("late-hole", "aa_b", _REFUSED),
        ("last", "abbb", _LOCKED),
    )
)
"""Five cases of which Linux passes all but late-hole: there it leaves a lock behind."""


def export(folder: Path, cases: str = CASES, *selection: str) -> Path:
    """Export cases into the folder `carried`, beside the file of the cases."""
    (folder / "cases.yaml").write_text(cases)
    request = ProgramsRequest(output=folder / "carried", cases=folder / "cases.yaml", selection=selection)
    programs(request, console(stderr=True))
    return folder / "carried"


def judged(carried: Path) -> dict[str, Result]:
    """Judge a folder that is whole, by the cases beside it, and return the results by the leaves of the cases."""
    corpus, found = load(carried.parent / "cases.yaml"), list[Result]()
    returned = read_returned(carried, corpus)
    cases = select(corpus.cases, returned.exported.selection)
    engine = Engine(cases=cases, requirements=corpus.requirements, listeners=[collect(found)])
    engine.run([RecordedTarget("offline:carried", returned.info, returned.about, returned.traces)])
    return {result.case.rpartition("/")[2]: result for result in found}


def run_script(carried: Path, *shell: str) -> subprocess.CompletedProcess[str]:
    """Run its script in a shell that finds no other program."""
    program, *arguments = shell or ("sh",)
    command = [str(shutil.which(program)), *arguments, "run.sh"]
    return subprocess.run(
        command, cwd=carried, env={"PATH": "/nowhere"}, capture_output=True, text=True, check=False, timeout=300
    )


def ran(folder: Path) -> Path:
    """Export the cases, and run them here."""
    carried = export(folder)
    assert run_script(carried).returncode == 0
    return carried


def sections(lines: Sequence[str]) -> list[list[str]]:
    """Divide lines behind each sum: the start and hello, the programs, and what is behind them."""
    found: list[list[str]] = [[]]
    for line in lines:
        found[-1].append(line)
        if line.startswith('{"sum"'):
            found.append([])
    return found


def renewed(lines: Iterable[str]) -> str:
    """Return lines with sums that hold, as who knows how these are made writes them."""
    total, out = 0, []
    for line in lines:
        if line.startswith(('{"start"', '{"finish"')) or not line:
            total = 0 if line.startswith('{"start"') else total
        elif line.startswith('{"sum"'):
            out.append(f'{{"sum":{total}}}')
            continue
        else:
            total = zlib.crc32(f"{line}\n".encode(errors="surrogateescape"), total)
        out.append(line)
    return "\n".join(out)
