# SPDX-License-Identifier: Apache-2.0
"""What an injection found, as a table, JSON and JUnit."""

from __future__ import annotations

import json
import shlex
import socket
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lockproof.conformance.columns import aligned
from lockproof.conformance.counted import counted
from lockproof.conformance.programs.elf import FUNCTIONS
from lockproof.conformance.programs.injection_runs import MAP_LOCKED, Reaction, last_line, signal_name
from lockproof.conformance.reports.junit_file import Entry, document, suite

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lockproof.conformance.programs.executable import Executable, Import
    from lockproof.conformance.programs.injection import Injection
    from lockproof.conformance.programs.injection_runs import FaultRun
    from lockproof.conformance.programs.tracing import Called, Ending

__all__ = ["as_json", "junit", "table"]

_MLOCKALL_FLAGS = {1: "CURRENT", 2: "FUTURE", 4: "ONFAULT"}
_LONGEST = 160
_EVERY = "every call"


def table(found: Injection) -> str:
    """Write for people."""
    lines = [*_about(found.program), f"undisturbed: {_ended(found.undisturbed.ending)}; {_count(found)}"]
    if found.undisturbed.ending.code and (said := last_line(found.undisturbed)):
        lines.append(f"it said: {_cut(said)}")
    if found.undisturbed.ending.outlived:
        lines.append("something that it started outlived it, and was ended")
    if found.undisturbed.crashes:
        names = ", ".join(map(signal_name, found.undisturbed.crashes))
        lines.append(f"processes that it started crashed: {names}")
    if not found.undisturbed.calls:
        lines.append(f"{found.argv[0]} made no call that locks memory, so none could be made to fail")
    elif found.runs:
        rows = [
            ("n", "call", "by", "made to", "what the program did"),
            *(_row(n, one) for n, one in enumerate(found.runs)),
        ]
        lines += ["", *aligned(rows)]
    else:
        lines.append("none of them is one that --fail names")
    if found.left_out:
        more = counted(found.left_out, "more call")
        lines.append(f"… {more}; --most {len(found.runs) - 1 + found.left_out} lets them fail too")
    return "\n".join(lines)


def as_json(found: Injection) -> str:
    """Write for programs."""
    return json.dumps(
        {
            "argv": found.argv,
            "program": asdict(found.program),
            "undisturbed": {
                "ending": found.undisturbed.ending._asdict(),
                "calls": [call._asdict() for call in found.undisturbed.calls],
                "crashes": [signal_name(number) for number in found.undisturbed.crashes],
                "said": last_line(found.undisturbed),
            },
            "runs": [
                {
                    "call": one.called._asdict() if one.called else None,
                    "rule": one.rule,
                    "did": str(one.reaction),
                    "detail": one.detail,
                    "ending": one.ending._asdict(),
                }
                for one in found.runs
            ],
            "left_out": found.left_out,
        },
        indent=2,
    )


def junit(found: Injection) -> str:
    """Write for CI systems: a test for each run in which calls failed; a crash or a hang is a failure."""
    name = Path(found.program.path).name
    group = f"lockproof.inject.{name.replace('.', '_')}"
    entries = [_entry(one, group, found.argv) for one in found.runs]
    none = Entry(group, "no call", 0.0, "skipped", "no call could be made to fail")
    timestamp = f"{datetime.now(UTC):%FT%T}"
    return document([suite(f"inject/{name}", entries or [none], hostname=socket.gethostname(), timestamp=timestamp)])


def _entry(one: FaultRun, group: str, argv: Sequence[str]) -> Entry:
    name, message = one.rule if one.called else _EVERY, _did(one)
    match one.reaction:
        case Reaction.CRASHED | Reaction.HUNG:
            what = f"{_call(one.called)} by {one.called.caller}" if one.called else f"{_EVERY}: {one.rule}"
            return Entry(group, name, one.ending.seconds, "FAIL", message, f"{what}\n{shlex.join(argv)}")
        case Reaction.NOT_REACHED:
            return Entry(group, name, one.ending.seconds, "skipped", message)
        case _:
            return Entry(group, name, one.ending.seconds, output=message)


def _about(program: Executable) -> Iterator[str]:
    what = f"a script of {program.script_of}, which is" if program.script_of else "is"
    count = len(program.libraries)
    libraries = f"{count} librar{'y' if count == 1 else 'ies'}"
    how = f"dynamically by {program.loader}, with {libraries}" if program.loader else "statically"
    yield f"{program.path}: {what} linked {how}"
    if program.loader and not program.imports:
        yield f"neither it nor its libraries import any of {', '.join(FUNCTIONS)}; what it loads or starts later may"
    for file in dict.fromkeys(entry.object for entry in program.imports):
        yield f"{file}: imports {', '.join(_import(entry) for entry in program.imports if entry.object == file)}"


def _import(entry: Import) -> str:
    return f"{entry.function}{'@' + entry.version if entry.version else ''}"


def _count(found: Injection) -> str:
    calls = len(found.undisturbed.calls)
    return f"it made {counted(calls, 'memory-lock call') if calls else 'no memory-lock calls'}"


def _ended(ending: Ending) -> str:
    if ending.code is None:
        return f"still running after {ending.seconds:.0f} s"
    return f"ended with {ending.code}" if ending.code >= 0 else f"died of signal {-ending.code}"


def _row(number: int, one: FaultRun) -> tuple[str, ...]:
    did = _cut(_did(one))
    if one.called is None:
        manners = dict.fromkeys(rule.partition("=")[2] for rule in one.rule.split(","))
        return ("", _EVERY, "", " or ".join(manners), did)
    usual = "" if one.called.result == "0" else f" (gives {one.called.result} anyway)"
    return (f"{number}", f"{_call(one.called)}{usual}", Path(one.called.caller).name, one.rule.partition("=")[2], did)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _did(one: FaultRun) -> str:
    between = {Reaction.WENT_ON: ", and said: ", Reaction.EXITED: " "}.get(one.reaction, ": ")
    return f"{one.reaction}{between if one.detail else ''}{one.detail}"


def _call(called: Called) -> str:
    match called.call:
        case "mlockall":
            flags = [name for bit, name in _MLOCKALL_FLAGS.items() if called.flags & bit]
            return f"mlockall({'|'.join(flags) or called.flags})"
        case "munlockall":
            return "munlockall()"
        case "mmap":
            why = "MAP_LOCKED" if called.flags & MAP_LOCKED else "MCL_FUTURE in force"
            return f"mmap({called.length} bytes, {why})"
    return f"{called.call}({called.length} bytes)"
