# SPDX-License-Identifier: Apache-2.0
"""What a test of tmt with `result: custom` leaves in $TMT_TEST_DATA: results.yaml, and for each failure its files.

tmt.readthedocs.io/en/stable/spec/results.html. Its report as JUnit shows of a failure what failures.yaml has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.reports.by_target import by_target, plain_name
from lockproof.conformance.reports.plain import one_line, plain
from lockproof.conformance.reports.words import tally_summary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lockproof.conformance.reports.run import Run
    from lockproof.conformance.running.tally import CaseTally

__all__ = ["tmt"]

_LONGEST_NOTE = 1024
_RESULTS = {
    Status.PASS: "pass",
    Status.FAIL: "fail",
    Status.UNRESOLVED: "error",
    Status.UNSUPPORTED: "skip",
    Status.UNTESTED: "skip",
}


def tmt(runs: Sequence[Run], _option: str) -> Mapping[str, str]:
    """Write the report of runs; of several targets, each one's comes first in names. Raises UsageError (by_target)."""
    targets = by_target(runs)
    results: list[dict[str, Any]] = []
    files: dict[str, str] = {}
    for each in targets:
        for entry in each.entries:
            name = f"{f'{each.label}/' if len(targets) > 1 else ''}{plain_name(entry.worst.case)}"
            logs = _logs(entry, name, each.run)
            results.append(_result(entry, name, logs, each.run))
            files |= logs
    return {"results.yaml": _yaml(results), **files}


def _result(entry: CaseTally, name: str, logs: Mapping[str, str], run: Run) -> dict[str, Any]:
    known, said = run.known(entry), tally_summary(entry)
    result: dict[str, Any] = {"name": f"/{name}", "result": "info" if known is not None else _RESULTS[entry.status]}
    if entry.status is not Status.PASS or said:
        words = f"XFAIL {known.id}: {said}" if known is not None else said
        result["note"] = [one_line(f"{entry.status}: {said}" if _is_skip(entry) else words, _LONGEST_NOTE)]
    seconds = int(entry.seconds)
    result["duration"] = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return result | ({"log": list(logs)} if logs else {})


def _logs(entry: CaseTally, name: str, run: Run) -> dict[str, str]:
    """Return the files of a case, by their paths: output.txt has to be the first, which tmt shows."""
    if entry.status is Status.PASS or _is_skip(entry):
        return {}
    picture = plain("\n".join((run.picture(entry.worst), *run.origin(entry.worst), "")))
    logs = {f"{name}/output.txt": picture}
    if run.known(entry) is None:
        logs[f"{name}/failures.yaml"] = _yaml([one_line(tally_summary(entry), _LONGEST_NOTE), picture])
    return logs


def _is_skip(entry: CaseTally) -> bool:
    return _RESULTS[entry.status] == "skip"


def _yaml(data: object) -> str:
    text: str = yaml.dump(
        data, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), allow_unicode=True, sort_keys=False
    )
    return text
