# SPDX-License-Identifier: Apache-2.0
"""`lockproof judge`: what ran on machines without lockproof, judged here and made an ordinary run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockproof.conformance.commands.run import run
from lockproof.conformance.commands.run_request import RunRequest
from lockproof.conformance.errors import UsageError
from lockproof.conformance.language.loading import load
from lockproof.conformance.offline import RecordedTarget, read_returned

if TYPE_CHECKING:
    from pathlib import Path

    from lockproof.conformance.commands.printed import Printed
    from lockproof.conformance.offline import Returned

__all__ = ["JudgeRequest", "judge"]

_KIND = "offline"
"""What a target is called after, with the name of its folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeRequest:
    """What the user asked for."""

    folders: tuple[Path, ...]
    """Each of one machine."""
    results: Path
    cases: Path | None = None
    readings: tuple[str, ...] = ()
    """Of the standard, each as `ID=CHOICE`."""
    reports: tuple[str, ...] = ()
    baselines: tuple[Path, ...] = ()
    verbose: bool = False


def judge(request: JudgeRequest) -> Printed:
    """Judge folders that came back, a target each. Raises ReturnedError, UsageError, StoreError.

    Nothing is judged where one of them is not whole.
    """
    names = [_name(folder) for folder in request.folders]
    if twice := next((name for name in names if names.count(name) > 1), None):
        msg = f"{twice}: two folders would be called so; rename one"
        raise UsageError(msg)
    corpus = load(request.cases)
    found = [read_returned(folder, corpus) for folder in request.folders]
    _refuse_different(request.folders, found)
    targets = [
        RecordedTarget(name, each.info, each.about, each.traces) for name, each in zip(names, found, strict=True)
    ]
    return run(
        RunRequest(
            results=request.results,
            cases=request.cases,
            selection=found[0].exported.selection,
            readings=request.readings,
            targets=tuple(targets),
            baselines=request.baselines,
            reports=request.reports,
            verbose=request.verbose,
            recorded=True,
        )
    )


def _name(folder: Path) -> str:
    name = folder.resolve().name
    if not name.isprintable():  # it is part of every result, and a line of every report
        msg = f"folder {name!r}: a character that cannot be printed; rename it"
        raise UsageError(msg)
    return f"{_KIND}:{name}"


def _refuse_different(folders: tuple[Path, ...], found: list[Returned]) -> None:
    for folder, each in zip(folders, found, strict=True):
        if each.exported.selection != found[0].exported.selection:
            msg = f"{folder}: it has other programs than {folders[0]}; judge each by itself"
            raise UsageError(msg)
