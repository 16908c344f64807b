# SPDX-License-Identifier: Apache-2.0
"""A state of the exhaustive exploration as a case: a name of a few letters, YAML, and a picture of what it does."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from lockproof.conformance.judging.judge import locks
from lockproof.conformance.language.loading import load
from lockproof.conformance.language.strips import marked
from lockproof.conformance.protocol.program import compile_case
from lockproof.conformance.reports.picture import row
from lockproof.runners.models.exhaustive import call as call_of
from lockproof.runners.models.exhaustive import space as space_of
from lockproof.runners.target import make_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lockproof.conformance.language.case import Case
    from lockproof.conformance.protocol.trace import Execution, Snapshot
    from lockproof.runners.models.exhaustive import Asked, Check, Finding

__all__ = ["Counterexample"]

_ERRORS = "[EAGAIN, ENOMEM, EFAULT, EPERM]"
_FLAGS = {1: "CURRENT", 2: "FUTURE"}
_LATER = {"mlockall.failure.future", "munlockall.cancels-future"}
"""What is seen only of memory that is mapped later."""
_MERGED = "quality.merged-layout"
"""What is seen only where no more mappings can be made: one that could have merged takes the place of another. But no
case can say this of a call of which allocations fail, as then the mappings stay that there were.
"""


class Counterexample(NamedTuple):
    """The first state that breaks a check."""

    check: Check
    finding: Finding

    @property
    def space(self) -> str:
        """The address space, a letter for each page."""
        return space_of(self.finding.space)

    @property
    def asked(self) -> Asked:
        """The call."""
        return call_of(len(self.space), self.finding.call)

    def short(self) -> str:
        """Name it in a few letters: the space, the call, and the allocation that fails."""
        asked = self.asked
        what = f"{asked.name} {_flags(asked)}".strip()
        if asked.pages:
            what += f" {asked.page}" if asked.pages == 1 else f" {asked.page}-{asked.page + asked.pages - 1}"
        return f"{self.space} {what}" + (f" n={self.finding.n}" if self.finding.n else "")

    def yaml(self) -> str:
        """Write a case that fails where the model does this."""
        space, asked = self.space, self.asked
        later, merged = self.check.requirement in _LATER, self.check.requirement == _MERGED and not self.finding.n
        behind = "__" if later else "_rr" if merged else ""
        mapped = "".join(_letter(what) for what in space) + behind
        lines = [
            f"- id: proved-{self.check.requirement.replace('.', '-')}",
            f"  about: Found by exploring all address spaces; wanted is that {self.check.about}.",
            f"  checks: [{self.check.requirement}]",
            f"  map:    {_quoted(mapped)}",
        ]
        if any(what.isupper() for what in space):
            lines.append(f'  locked: "{_locks(space + behind)}"')
        lines += ["  limits: {mappings: 0}"] if merged else []
        regions = {"r": "{protection: r}", "n": "{protection: none}"}
        own = [f"    {letter}: {what}" for letter, what in regions.items() if letter in mapped]
        lines += ["  regions:", *own] if own else []
        lines += ["  steps:", *_before(space, asked, len(mapped)), f"    - call: {asked.name}"]
        lines += [f"      range: {_quoted(marked(asked.page, asked.pages, len(mapped)))}"] if asked.pages else []
        lines += [f"      flags: [{_flags(asked).replace(',', ', ')}]"] if asked.flags else []
        lines += ["      fault: each-allocation"] if self.finding.n else []
        lines += [f"      expect: {self._expected()}"]
        last = _quoted(marked(len(mapped) - 1, 1, len(mapped)))
        if merged:
            lines += [
                "    - call: mprotect",
                f"      range: {last}",
                "      protection: none",
                "      expect: {result: 0}",
            ]
        if later:
            lines += [
                "    - call: mmap",
                "      region: b",
                f"      range: {last}",
                f'      expect: {{result: 0, locked: "{"?" * (len(mapped) - 1)}."}}',
            ]
        return "\n".join(lines)

    def case(self) -> Case:
        """Load the case that `yaml` writes."""
        with TemporaryDirectory() as folder:
            file = Path(folder) / "proved.yaml"
            file.write_text(self.yaml(), encoding="utf-8")
            (case,) = load(file).cases
        return case

    def picture(self, model: str) -> str:
        """Draw what the model does."""
        case = self.case()
        with make_target(f"model:{model}").session() as session:
            trace = next(iter(session.run([compile_case(case)])))
        execution = next(one for one in trace.executions if one.number == self.finding.n)
        return "\n".join(_drawn(case, execution, self.asked))

    def _expected(self) -> str:
        return _EXPECTED[self.check.requirement](self.space, self.asked)


def _letter(what: str) -> str:
    """PROT_NONE memory that is locked was usable when it was locked."""
    return "p" if what == "N" else what.lower()


def _locks(space: str) -> str:
    return "".join("_" if what == "_" else "L" if what.isupper() else "." for what in space)


def _quoted(strip: str) -> str:
    return f'"{strip}"'


def _flags(asked: Asked) -> str:
    return ",".join(name for bit, name in _FLAGS.items() if asked.flags & bit)


def _before(space: str, asked: Asked, pages: int) -> Iterator[str]:
    if asked.future:
        yield from ("    - call: mlockall", "      flags: [FUTURE]")
    page = 0
    while page < len(space):
        run = len(space[page:]) - len(space[page:].lstrip("N"))
        if run:
            yield "    - call: mprotect"
            yield f"      range: {_quoted(marked(page, run, pages))}"
            yield "      protection: none"
        page += run or 1


def _all(strip: str, letter: str) -> str:
    return "".join("_" if what == "_" else letter for what in strip)


def _within(space: str, asked: Asked, letter: str) -> str:
    """Locks after a call that gives its range that lock."""
    locks = _locks(space)
    end = asked.page + asked.pages
    return locks[: asked.page] + _all(space[asked.page : end], letter) + locks[end:]


def _success(locked: str, resident: str = "") -> str:
    more = f', resident: "{resident}"' if resident else ""
    return f'[{{result: 0, locked: "{locked}"{more}}}, {{result: {_ERRORS}}}]'


_UNCHANGED = f"[{{result: 0}}, {{result: {_ERRORS}, locked: unchanged}}]"
_KEPT = f"[{{result: 0}}, {{result: {_ERRORS}, mappings: unchanged}}]"
_EXPECTED: dict[str, Callable[[str, Asked], str]] = {
    "mlock.failure.no-change": lambda _space, _asked: _UNCHANGED,
    "munlock.failure.no-change": lambda _space, _asked: _UNCHANGED,
    "mlockall.failure.no-additional": lambda _space, _asked: _UNCHANGED,
    "mlock.locked-and-resident": lambda space, asked: _success(
        _within(space, asked, "L"),
        "".join("_" if what == "_" else "R" if asked.page <= page < asked.page + asked.pages else "?"
                for page, what in enumerate(space)),
    ),
    "mlock.whole-pages": lambda space, asked: _success(_within(space, asked, "L")),
    "munlock.unlocks": lambda space, asked: _success(_within(space, asked, ".")),
    "munlock.whole-pages": lambda space, asked: _success(_within(space, asked, ".")),
    "mlock.enomem.unmapped": lambda _space, _asked: "{result: [ENOMEM, EAGAIN]}",
    "munlock.enomem.unmapped": lambda _space, _asked: "{result: [ENOMEM, EAGAIN]}",
    "mlock.eagain": lambda space, _asked: f"{{result: [0, EAGAIN{', ENOMEM' if 'n' in space.lower() else ''}]}}",
    "errno.required": lambda _space, _asked: "{result: [0, EAGAIN, ENOMEM]}",
    "mlockall.failure.future": lambda _space, _asked: f"{{result: {_ERRORS}}}",
    "mlockall.current": lambda space, _asked: _success(_all(space, "L")),
    "mlockall.locked-and-resident": lambda space, _asked: _success(_all(space, "L"), _all(space, "R")),
    "mlockall.future": lambda _space, _asked: "{result: 0}",
    "mlockall.eagain": lambda _space, _asked: "{result: [0, EAGAIN]}",
    "munlockall.unlocks-all": lambda space, _asked: f'{{result: any, locked: "{_all(space, ".")}"}}',
    "munlockall.cancels-future": lambda _space, _asked: "{result: 0}",
    "munlockall.always-zero": lambda _space, _asked: "{result: 0}",
    "quality.accounting": lambda _space, _asked: "{result: any, accounting: exact}",
    "quality.layout": lambda _space, _asked: _KEPT,
    _MERGED: lambda _space, _asked: f"{{result: [0, {_ERRORS[1:]}}}",
}  # fmt: skip


def _drawn(case: Case, execution: Execution, asked: Asked) -> Iterator[str]:
    yield row("map", case.map)
    previous = execution.before
    for done, step in zip(execution.steps, case.steps, strict=False):
        if step.call == asked.name or step is case.steps[-1]:
            yield from _seen("before", previous)
        failure = f", allocation {execution.number} fails" if done.fault in {"failed", "absorbed"} else ""
        note = f"-> {done.result}{failure}"
        yield row(step.call, step.range.pages.replace(".", " ") if step.range else ",".join(step.flags), note)
        previous = done.snapshot
    yield from _seen("after", previous)


def _seen(label: str, snapshot: Snapshot | None) -> Iterator[str]:
    if snapshot is not None:
        yield row(label, locks(snapshot) or "", f"mappings {snapshot.mappings}, {snapshot.accounted} counted as locked")
