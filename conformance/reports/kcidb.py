# SPDX-License-Identifier: Apache-2.0
"""KCIDB 5.3, the report data of KernelCI (kcidb-io): a checkout and a build for each kernel, a test for each case.

What a baseline knows goes out as an issue, and each failure that it explains as an incident of it. Sending is a token
and an HTTP request, and is left to KernelCI's own tools.
"""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.reports.by_target import by_target, folder, leaf, plain_name
from lockproof.conformance.reports.plain import one_line, plain
from lockproof.conformance.reports.words import tally_summary
from lockproof.conformance.running.differences import findings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lockproof.conformance.reports.by_target import TargetResults
    from lockproof.conformance.reports.run import Run
    from lockproof.conformance.running.baselines import KnownIssue
    from lockproof.conformance.running.tally import CaseTally

__all__ = ["kcidb"]

_ORIGIN = "lockproof"
_VERSION = {"major": 5, "minor": 3}
_ISSUE_VERSION = 1
_LONGEST_COMMENT = 1024
_LONGEST_EXCERPT = 16384
"""Characters, of the schema."""
_NO_PATH = re.compile("[^A-Za-z0-9_-]+")
_NO_ARCHITECTURE = re.compile("[^a-z0-9_]+")
_STATUSES = {
    Status.PASS: "PASS",
    Status.FAIL: "FAIL",
    Status.UNRESOLVED: "ERROR",
    Status.UNSUPPORTED: "SKIP",
    Status.UNTESTED: "SKIP",
}

_Object = dict[str, Any]


def kcidb(runs: Sequence[Run], _option: str) -> str:
    """Write the report of runs, as JSON. Raises UsageError as `by_target` does."""
    targets = by_target(runs)
    checkouts = {checkout["id"]: checkout for checkout in map(_checkout, targets)}
    builds = {build["id"]: build for build in map(_build, targets)}
    tests = [_test(entry, each) for each in targets for entry in each.entries]
    issues: dict[str, _Object] = {}
    incidents: list[_Object] = []
    for each in targets:
        for number, (entry, known) in enumerate(_known(each), 1):
            issue = _issue(known)
            issues[issue["id"]] = issue
            incidents.append(_incident(entry, each, issue["id"], number))
    lists = {"checkouts": list(checkouts.values()), "builds": list(builds.values()), "tests": tests}
    lists |= {"issues": list(issues.values()), "incidents": incidents}
    return json.dumps({"version": _VERSION, **{name: found for name, found in lists.items() if found}}, indent=1) + "\n"


def _known(of: TargetResults) -> Iterator[tuple[CaseTally, KnownIssue]]:
    for entry in of.entries:
        yield from ((entry, known) for known in of.run.known_issues(entry))


def _id(*parts: str) -> str:
    return f"{_ORIGIN}:{plain('.'.join(parts))}"


def _run_id(of: TargetResults) -> str:
    """Return what tells a run from all others, also of other machines: its name is only the second of its start."""
    return f"{of.run.manifest.run}-{_digest(of.run.manifest.as_json())}"


def _digest(text: str) -> str:
    return sha256(text.encode(errors="replace")).hexdigest()[:8]


def _checkout_id(of: TargetResults) -> str:
    return _id(of.info.release if of.info is not None else f"unknown-{_run_id(of)}")


def _build_id(of: TargetResults) -> str:
    if of.info is None:
        return _id(f"unknown-{_run_id(of)}", of.label)
    return _id(of.info.release, f"{of.info.machine}-{_digest(of.info.version)}")


def _checkout(of: TargetResults) -> _Object:
    if of.info is None:
        return {"id": _checkout_id(of), "origin": _ORIGIN, "comment": "not known: the target was not started"}
    comment = f"{of.info.system} {of.info.release} {of.info.version}"
    return {"id": _checkout_id(of), "origin": _ORIGIN, "valid": True, "comment": one_line(comment, _LONGEST_COMMENT)}


def _build(of: TargetResults) -> _Object:
    build = {"id": _build_id(of), "checkout_id": _checkout_id(of), "origin": _ORIGIN}
    if of.info is None:
        return build | {"comment": "not known: the target was not started"}
    return build | {"architecture": _NO_ARCHITECTURE.sub("_", of.info.machine.lower()), "status": "PASS"}


def _test(entry: CaseTally, of: TargetResults) -> _Object:
    result, run = entry.worst, of.run
    began = bool(result.trace)
    test: _Object = {
        "id": _test_id(entry, of),
        "build_id": _build_id(of),
        "origin": _ORIGIN,
        "path": _path(result.case),
        "status": _STATUSES[entry.status] if began or entry.status is not Status.UNRESOLVED else "MISS",
        # Results have no time of their own: that of the run, in whose seconds or minutes it was.
        "start_time": run.manifest.started,
        "duration": entry.seconds,
        "environment": {
            "comment": one_line(run.target(of.target), _LONGEST_COMMENT),
            "misc": {"platform": _platform(of)} | ({"page_size": of.info.page_size} if of.info is not None else {}),
        },
        "misc": {"lockproof": _facts(entry, of)},
    }
    if entry.status is not Status.PASS or result.verdict.rests_on:
        test["comment"] = one_line(f"{entry.status}: {tally_summary(entry)}", _LONGEST_COMMENT)
    if entry.status in {Status.FAIL, Status.UNRESOLVED}:
        excerpt = "\n".join((run.picture(result), *run.origin(result)))
        test["log_excerpt"] = plain(excerpt)[:_LONGEST_EXCERPT]
    return test


def _facts(entry: CaseTally, of: TargetResults) -> _Object:
    result = entry.worst
    return {
        "version": of.run.manifest.lockproof,
        "case": plain(result.case),
        "verdict": entry.status,
        "profile": plain(result.profile),
        "checks": list(map(plain, result.checks)),
        "breaks": list(map(plain, findings(result))),
        "rests_on": list(map(plain, result.verdict.rests_on)),
        "readings": list(map(plain, of.run.manifest.readings)),
    }


def _test_id(entry: CaseTally, of: TargetResults) -> str:
    return _id(_run_id(of), of.label, plain_name(entry.worst.case))


def _path(case: str) -> str:
    parts = (*folder(case).split("/"), leaf(case))
    return ".".join((_ORIGIN, *(_NO_PATH.sub("-", part).strip("-") or "-" for part in parts)))


def _platform(of: TargetResults) -> str:
    """Return what KernelCI's dashboard takes for the hardware: the kind of target and the architecture."""
    kind = re.split("[:+]", of.target, maxsplit=1)[0]
    return plain(f"{kind}-{of.info.machine}" if of.info is not None else kind)


def _issue(known: KnownIssue) -> _Object:
    return {
        "id": _id(known.id),
        "version": _ISSUE_VERSION,
        "origin": _ORIGIN,
        "report_url": known.url,
        "report_subject": one_line(known.about, _LONGEST_COMMENT),
        "culprit": {"code": True, "tool": False, "harness": False},
    }


def _incident(entry: CaseTally, of: TargetResults, issue: str, number: int) -> _Object:
    return {
        "id": _id(_run_id(of), of.label, str(number)),
        "origin": _ORIGIN,
        "issue_id": issue,
        "issue_version": _ISSUE_VERSION,
        "test_id": _test_id(entry, of),
        "present": True,
    }
