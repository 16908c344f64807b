# SPDX-License-Identifier: Apache-2.0
"""What can be looked up without running a case: cases, requirements, targets, the schema."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING

from lockproof.conformance.errors import LockproofError, UsageError, suggest
from lockproof.conformance.language import loading
from lockproof.conformance.language.schema import schema as case_schema
from lockproof.conformance.language.selection import select
from lockproof.conformance.protocol import kernel_log as splats
from lockproof.runners.target import known_targets, make_target

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lockproof.runners.target import Session, TargetInfo

__all__ = ["cases", "explain", "schema", "targets"]

_WIDTH = 100


def schema() -> str:
    """Give the JSON Schema of a case file."""
    return json.dumps(case_schema(), indent=2)


def cases(path: Path | None, patterns: Sequence[str]) -> str:
    """List cases, a line each: profile, name, and what it shows. Raises UsageError."""
    chosen = select(loading.load(path).cases, patterns)
    name_width = max(len(case.name) for case in chosen)
    lines = [f"{case.profile:<7}  {case.name:<{name_width}}  {case.about}" for case in chosen]
    return "\n".join([*lines, f"{len(chosen)} cases"])


def explain(requirement: str, path: Path | None) -> str:
    """Print a requirement and the cases that check it. Raises UsageError where there is no such requirement."""
    corpus = loading.load(path)
    found = corpus.requirements.get(requirement)
    if found is None:
        msg = f"requirement {requirement!r}: there is none of that id; {suggest(requirement, corpus.requirements)}"
        raise UsageError(msg)
    checking = [case for case in corpus.cases if requirement in case.checks]
    lines = [
        found.id,
        *textwrap.wrap(found.statement, _WIDTH, initial_indent="  ", subsequent_indent="  "),
        f"  {found.modality}, profile {found.profile}; {found.source}",
        "",
        f"Checked by {len(checking)} case{'' if len(checking) == 1 else 's'}{':' if checking else ''}",
        *(f"  {case.name}" for case in checking),
    ]
    return "\n".join(lines)


def targets(names: Sequence[str]) -> tuple[str, bool]:
    """Ask targets what they can do; also whether all of them are usable."""
    blocks, usable = [], True
    for name in names or known_targets():
        try:
            with make_target(name).session() as session:
                blocks.append(_usable(name, session))
        except LockproofError as error:
            usable = False
            blocks.append(f"{name}: not usable\n  {error}")
    if not names:
        blocks.append(
            "command:ARGV\n  any command that speaks the probe's protocol; {probe} in ARGV is the path of the probe:\n"
            "  command:setpriv --reuid=65534 --clear-groups {probe}, command:ssh host ./lockproof-probe"
        )
        usable = True
    return "\n\n".join(blocks), usable


def _usable(name: str, session: Session) -> str:
    info = session.info
    limit = "unlimited" if info.memlock < 0 else f"{info.memlock} bytes"
    rows = {
        "kernel": f"{info.kernel}, {info.page_size // 1024} KiB pages, {info.bits} bits",
        "started": session.about,
        "privilege": "may lock without limit" if info.privileged else f"RLIMIT_MEMLOCK {limit}",
        "sees": "; ".join(_observers(info)),
        "calls": " ".join(info.calls),
        "memory": " ".join((*info.kinds, *(["guard-pages"] if info.guard else []))),
        "faults": ", ".join(f"{what} by {how}" for what, how in info.faults.items())
        or "none (on Linux: a kernel with CONFIG_FAULT_INJECTION)",
        "knobs": ", ".join(f"{knob}={now} (was {was})" for knob, (was, now) in info.knobs.items()),
        "alone": "nothing else runs on this kernel" if info.alone else "",
        "taint": splats.new_taint((0, info.taint or 0)),
        "mappings": f"at most {info.max_map_count}" if info.max_map_count is not None else "no known limit",
    }
    return "\n".join([f"{name}: usable", *(f"  {label:<10} {text}" for label, text in rows.items() if text)])


def _observers(info: TargetInfo) -> list[str]:
    locks = ", ".join(info.lock_observers) or "nothing"
    seen = [
        f"locks by {locks}{'' if info.lock_modes else ' (modes look alike)'}",
        f"residency by {info.residency}" if info.residency else "no residency",
    ]
    seen += [
        text if has else f"no {text}"
        for has, text in (
            (info.mappings, "mapping boundaries"),
            (info.accounting, "VmLck"),
            (info.elsewhere, "locks outside the arena"),
        )
    ]
    return seen
