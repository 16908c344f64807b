# SPDX-License-Identifier: Apache-2.0
"""The whole corpus on a target, run once in a worker; tests that look at the same run are given to the same worker."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from lockproof.conformance.running.store import RunFolder
from lockproof.conformance.running.tally import Tally
from tests.command import lockproof

if TYPE_CHECKING:
    from lockproof.conformance.running.manifest import Manifest

__all__ = ["Ran", "on", "whole_corpus"]


class Ran(NamedTuple):
    """What came of the whole corpus on a target."""

    code: int
    stdout: str
    results: dict[str, dict[str, Any]]
    """The lines of results.jsonl, by case."""
    manifest: Manifest
    tally: Tally

    @property
    def verdicts(self) -> dict[str, dict[str, Any]]:
        """Status, reason and findings of each case."""
        return {case: result["verdict"] for case, result in self.results.items()}

    @property
    def statuses(self) -> dict[str, str]:
        """The status of each case."""
        return {case: verdict["status"] for case, verdict in self.verdicts.items()}


@cache
def whole_corpus(target: str) -> Ran:
    """Run every case on a target."""
    with TemporaryDirectory() as name:
        done = lockproof("run", "-t", target, cwd=Path(name))
        assert done.stderr == ""
        (run,) = Path(name, "results").iterdir()
        folder = RunFolder.resume(run.parent, run.name)
        tally = Tally()
        for result in folder.results():
            tally.add(result)
        folder.close()
        lines = map(json.loads, (run / "results.jsonl").read_text().splitlines())
        return Ran(done.returncode, done.stdout, {line["case"]: line for line in lines}, folder.manifest, tally)


def on(target: str, *values: object, marks: tuple[pytest.MarkDecorator, ...] = ()) -> Any:  # noqa: ANN401  pytest's own
    """Make a parameter of a test that looks at the whole corpus on a target, and perhaps at other things too."""
    group = pytest.mark.xdist_group(re.sub(r"[^A-Za-z0-9]+", "-", target))
    return pytest.param(target, *values, marks=[group, *marks], id=target)
