# SPDX-License-Identifier: Apache-2.0
"""A state of the exhaustive exploration as a case: a name of a few letters, YAML, and a picture of what it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockproof.conformance.errors import Location
from lockproof.conformance.judging.judge import locks
from lockproof.conformance.language.calls import Call
from lockproof.conformance.language.case import ANY, UNCHANGED, Case, Limits, Outcome, Range, Region, Step
from lockproof.conformance.language.loading import load_requirements
from lockproof.conformance.language.strips import marked, runs
from lockproof.conformance.language.writing import write
from lockproof.conformance.protocol.program import compile_case
from lockproof.conformance.reports.picture import row
from lockproof.runners.models.exhaustive import call as call_of
from lockproof.runners.models.exhaustive import space as space_of
from lockproof.runners.target import make_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lockproof.conformance.protocol.trace import Execution, Snapshot
    from lockproof.runners.models.exhaustive import Asked, Check, CheckCount

__all__ = ["Counterexample"]

_NOWHERE = Location("proved", 1, 1)
_ERRORS = ("EAGAIN", "ENOMEM", "EFAULT", "EPERM")
_FLAGS = {1: "CURRENT", 2: "FUTURE"}
_REGIONS = {"r": Region(protection="r"), "n": Region(protection="none")}
_LATER = {"mlockall.failure.future", "munlockall.cancels-future"}
"""What is seen only of memory that is mapped later."""
_MERGED = "quality.merged-layout"
"""What is seen only where no more mappings can be made: one that could have merged takes the place of another. But no
case can say this of a call of which allocations fail, as then the mappings stay that there were.
"""


@dataclass(frozen=True, slots=True)
class Counterexample:
    """The first state that breaks a check."""

    check: Check
    count: CheckCount

    @property
    def space(self) -> str:
        """The address space, a letter for each page."""
        return space_of(self.count.space)

    @property
    def call(self) -> Asked:
        """The call."""
        return call_of(len(self.space), self.count.call)

    def short(self) -> str:
        """Name it in a few letters: the space, the call, and the allocation that fails."""
        call = self.call
        what = f"{call.name} {','.join(_flags(call))}".strip()
        if call.pages:
            what += f" {call.page}" if call.pages == 1 else f" {call.page}-{call.page + call.pages - 1}"
        return f"{self.space} {what}" + (f" n={self.count.n}" if self.count.n else "")

    def case(self) -> Case:
        """Make a case that fails where the model does this."""
        requirement = self.check.requirement
        merged = requirement == _MERGED and not self.count.n
        behind = "__" if requirement in _LATER else "_rr" if merged else ""
        mapped = "".join(map(_letter, self.space)) + behind
        steps = (*_before(self.space, self.call, len(mapped)), self._step(len(mapped)))
        last = Range(pages=marked(len(mapped) - 1, 1, len(mapped)))
        if merged:
            steps += (Step(call=Call.MPROTECT, range=last, protection="none", expect=_only("0")),)
        if requirement in _LATER:
            seen = Outcome(result=("0",), locked="?" * (len(mapped) - 1) + ".")
            steps += (Step(call=Call.MMAP, range=last, region="b", expect=(seen,)),)
        return Case(
            name=f"proved-{requirement}",
            source=_NOWHERE,
            about=f"Found by exploring all address spaces; wanted is that {self.check.about}.",
            checks=(requirement,),
            profile=load_requirements()[requirement].profile,
            map=mapped,
            regions={letter: _REGIONS.get(letter, Region()) for letter in sorted(_mapped(mapped, steps))},
            locked=_locks(self.space + behind),
            limits=Limits(mappings=0 if merged else None),
            privilege=None,
            steps=steps,
        )

    def yaml(self) -> str:
        """Write the case."""
        return write(self.case())

    def picture(self, model: str) -> str:
        """Draw what the model does."""
        case = self.case()
        with make_target(f"model:{model}").session() as session:
            trace = next(iter(session.run([compile_case(case)])))
        execution = next(one for one in trace.executions if one.number == self.count.n)
        return "\n".join(_drawn(case, execution, self.call))

    def _step(self, pages: int) -> Step:
        """Make the call, in an arena of so many pages."""
        call = self.call
        return Step(
            call=Call(call.name),
            range=Range(pages=marked(call.page, call.pages, pages)) if call.pages else None,
            flags=_flags(call),
            fault="each-allocation" if self.count.n else None,
            expect=_EXPECTED[self.check.requirement](self.space, call),
        )


def _mapped(layout: str, steps: tuple[Step, ...]) -> set[str]:
    return {*layout, *(step.region for step in steps if step.region)} - {"_"}


def _letter(what: str) -> str:
    """PROT_NONE memory that is locked was usable when it was locked."""
    return "p" if what == "N" else what.lower()


def _locks(space: str) -> str:
    return "".join("_" if what == "_" else "L" if what.isupper() else "." for what in space)


def _flags(call: Asked) -> tuple[str, ...]:
    return tuple(name for bit, name in _FLAGS.items() if call.flags & bit)


def _before(space: str, call: Asked, pages: int) -> Iterator[Step]:
    """Make the calls that lead from the layout to the address space."""
    if call.future:
        yield Step(call=Call.MLOCKALL, flags=("FUTURE",))
    for letter, first, count in runs(space):
        if letter == "N":
            yield Step(call=Call.MPROTECT, range=Range(pages=marked(first, count, pages)), protection="none")


def _all(strip: str, letter: str) -> str:
    return "".join("_" if what == "_" else letter for what in strip)


def _within(space: str, call: Asked, letter: str) -> str:
    """Draw the locks after a call that gives its range that lock."""
    locks = _locks(space)
    end = call.page + call.pages
    return locks[: call.page] + _all(space[call.page : end], letter) + locks[end:]


def _only(*results: str) -> tuple[Outcome, ...]:
    return (Outcome(result=results),)


def _success(locked: str, resident: str = ANY) -> tuple[Outcome, ...]:
    return (Outcome(result=("0",), locked=locked, resident=resident), Outcome(result=_ERRORS))


def _resident(space: str, call: Asked) -> str:
    """Draw what has to be in memory after a call: its range."""
    within = range(call.page, call.page + call.pages)
    return "".join("_" if what == "_" else "R" if page in within else "?" for page, what in enumerate(space))


def _with_content(space: str) -> str:
    """Draw what has to be in memory where all is locked: what can have content."""
    return "".join("?" if what in "nN" else what if what == "_" else "R" for what in space)


_UNCHANGED = (Outcome(result=("0",)), Outcome(result=_ERRORS, locked=UNCHANGED))
_KEPT = (Outcome(result=("0",)), Outcome(result=_ERRORS, mappings=UNCHANGED))
_EXPECTED: dict[str, Callable[[str, Asked], tuple[Outcome, ...]]] = {
    "mlock.failure.no-change": lambda _space, _call: _UNCHANGED,
    "munlock.failure.no-change": lambda _space, _call: _UNCHANGED,
    "mlockall.failure.no-additional": lambda _space, _call: _UNCHANGED,
    "mlock.locked-and-resident": lambda space, call: _success(_within(space, call, "L"), _resident(space, call)),
    "mlock.whole-pages": lambda space, call: _success(_within(space, call, "L")),
    "munlock.unlocks": lambda space, call: _success(_within(space, call, ".")),
    "munlock.whole-pages": lambda space, call: _success(_within(space, call, ".")),
    "mlock.enomem.unmapped": lambda _space, _call: _only("ENOMEM", "EAGAIN"),
    "munlock.enomem.unmapped": lambda _space, _call: _only("ENOMEM", "EAGAIN"),
    "mlock.eagain": lambda space, _call: _only("0", "EAGAIN", *(("ENOMEM",) if "n" in space.lower() else ())),
    "errno.required": lambda _space, _call: _only("0", "EAGAIN", "ENOMEM"),
    "mlockall.failure.future": lambda _space, _call: _only(*_ERRORS),
    "mlockall.current": lambda space, _call: _success(_all(space, "L")),
    "mlockall.locked-and-resident": lambda space, _call: _success(_all(space, "L"), _with_content(space)),
    "mlockall.future": lambda _space, _call: _only("0"),
    "mlockall.eagain": lambda _space, _call: _only("0", "EAGAIN"),
    "munlockall.unlocks-all": lambda space, _call: (Outcome(locked=_all(space, ".")),),
    "munlockall.cancels-future": lambda _space, _call: _only("0"),
    "munlockall.always-zero": lambda _space, _call: _only("0"),
    "quality.accounting": lambda _space, _call: (Outcome(accounting="exact"),),
    "quality.layout": lambda _space, _call: _KEPT,
    _MERGED: lambda _space, _call: _only("0", *_ERRORS),
}


def _drawn(case: Case, execution: Execution, call: Asked) -> Iterator[str]:
    yield row("map", case.map)
    previous = execution.before
    for done, step in zip(execution.steps, case.steps, strict=False):
        if step.call == call.name or step is case.steps[-1]:
            yield from _seen("before", previous)
        failure = f", allocation {execution.number} fails" if done.fault in {"failed", "absorbed"} else ""
        note = f"-> {done.result}{failure}"
        yield row(step.call, step.range.pages.replace(".", " ") if step.range else ",".join(step.flags), note)
        previous = done.snapshot
    yield from _seen("after", previous)


def _seen(label: str, snapshot: Snapshot | None) -> Iterator[str]:
    if snapshot is not None:
        yield row(label, locks(snapshot) or "", f"mappings {snapshot.mappings}, {snapshot.accounted} counted as locked")
