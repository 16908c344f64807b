# SPDX-License-Identifier: Apache-2.0
"""`lockproof targets`: which targets are usable here and why others are not, and what each can do."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockproof.conformance import targets_file
from lockproof.conformance.columns import aligned
from lockproof.conformance.commands.printed import Printed
from lockproof.conformance.errors import LockproofError
from lockproof.conformance.protocol.kernel_log import new_taint
from lockproof.conformance.reports.words import what_stands_out
from lockproof.runners.target import known_targets, make_target

if TYPE_CHECKING:
    from pathlib import Path

    from lockproof.runners.target import Session, TargetInfo

__all__ = ["TargetsRequest", "targets"]

_NOT_USABLE = 3  # exit code
_COMMAND = """\
command:ARGV
  any command that speaks the probe's protocol; {probe} in ARGV is the path of the probe:
  command:setpriv --reuid=65534 --clear-groups {probe}, command:ssh host ./lockproof-probe"""


@dataclass(frozen=True, slots=True)
class TargetsRequest:
    """What the user asked for."""

    names: tuple[str, ...] = ()
    """None: all that have the same name on every machine."""
    targets_file: Path | None = None
    """None: targets.toml of the working directory or above, if there is one."""
    schema: bool = False


def targets(request: TargetsRequest) -> Printed:
    """Ask targets what they can do; 3 where one that was named is not usable. Raises UsageError, CaseFileError."""
    if request.schema:
        return Printed(json.dumps(targets_file.schema(), indent=2))
    path = request.targets_file or (None if request.names else targets_file.find())
    named = [_named(path)] if path is not None and not request.names else []
    blocks, code = [], 0
    for name in targets_file.resolve(request.names, request.targets_file) or known_targets():
        try:
            with make_target(name).session() as session:
                blocks.append(_usable(name, session))
        except LockproofError as error:
            code = _NOT_USABLE
            blocks.append(f"{name}: not usable\n  {error}")
    if not request.names:
        return Printed("\n\n".join([*blocks, _COMMAND, *named]))
    return Printed("\n\n".join(blocks), code)


def _named(path: Path) -> str:
    """List what the names in a file stand for."""
    made = targets_file.load(path)
    names = [(name, each.text) for name, each in made.targets.items()]
    groups = [(f"@{name}", ", ".join(members)) for name, members in made.groups.items()]
    return "\n".join([str(path), *(f"  {line}" for line in aligned([*names, *groups]))])


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
        or "none (on Linux: a kernel with CONFIG_FAULT_INJECTION; lockproof kernel build --fault-injection makes one)",
        "knobs": ", ".join(f"{knob}={now} (was {was})" for knob, (was, now) in info.knobs.items()),
        "alone": "nothing else runs on this kernel" if info.alone else "",
        "taint": new_taint((0, info.taint or 0)),
        "mappings": f"at most {info.max_map_count}" if info.max_map_count is not None else "no known limit",
    }
    stands_out = what_stands_out(info)
    first = f"{name}: usable{f'; {stands_out}' if stands_out else ''}"
    return "\n".join([first, *(f"  {label:<10} {text}" for label, text in rows.items() if text)])


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
            (info.page_faults, "page faults"),
        )
    ]
    return seen
