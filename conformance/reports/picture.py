# SPDX-License-Identifier: Apache-2.0
"""The picture of a verdict: layout, locks before, the calls, locks after, and what would have been permitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockproof.conformance.counted import counted
from lockproof.conformance.judging.judge import locks
from lockproof.conformance.language import strips
from lockproof.conformance.language.calls import Call
from lockproof.conformance.language.case import Case, Range, Region, Step, flatten
from lockproof.conformance.language.requirements import Aspect
from lockproof.conformance.protocol import call_stack, kernel_log
from lockproof.conformance.reports import fault_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lockproof.conformance.judging.verdict import Finding, Status, Verdict
    from lockproof.conformance.protocol.trace import Execution, Snapshot, StepTrace, Trace
    from lockproof.conformance.running.results import Result
    from lockproof.runners.target import TargetInfo

__all__ = ["Picture", "asked", "drawn", "of_result", "picture", "row", "setting"]

_TITLE_WIDTH = 84
_LABEL_WIDTH = 10
_WHOSE = {Call.FORK: "child: ", Call.THREAD: "thread: ", Call.THREADS: "thread: "}
_DRAWN_PAGES = 72
"""A longer strip is written with run lengths instead of drawn to scale."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What happened in a case, drawn; its text is the title with the status at its end, and the rows."""

    title: str
    status: Status
    rows: tuple[str, ...]

    def __str__(self) -> str:
        """All of it, as lines of text."""
        return "\n".join((f"{self.title}{self.status}", *self.rows))


def of_result(result: Result, case: Case, info: TargetInfo) -> Picture:
    """Draw what became of a case on a target. Raises TargetError where the result's evidence is no trace."""
    return picture(case, result.evidence(case), result.verdict, info)


def picture(case: Case, trace: Trace, verdict: Verdict, info: TargetInfo) -> Picture:
    """Draw what happened: the execution that the first finding is about, else the last one."""
    title = f"{case.name} on {info.kernel}, {info.page_size // 1024} KiB pages"
    lines = []
    if verdict.reason:
        lines.append(row("reason", verdict.reason))
    if verdict.rests_on:
        lines.append(row("rests on", f"the reading {', '.join(verdict.rests_on)}; lockproof explain --interpretations"))
    lines += setting(case)
    about_steps = [finding for finding in verdict.findings if finding.step >= 0]
    number = about_steps[0].execution if about_steps else None
    shown = [execution for execution in trace.executions if number in (None, execution.number)]
    if shown:
        findings = [finding for finding in about_steps if finding.execution == shown[-1].number]
        lines += _execution(case, shown[-1], findings)
        if more := len(about_steps) - len(findings):
            where = "in other executions" + (" of the sweep" if case.swept else "")
            lines.append(row("and", f"{counted(more, 'more finding')} {where}"))
    lines += _sweep(trace, about_steps) if case.swept else ()
    if len(about_steps) < len(verdict.findings):
        lines += _kernel(trace, verdict.findings[0].message)
    return Picture(f"{title:<{_TITLE_WIDTH - 1}} ", verdict.status, tuple(lines))


def _sweep(trace: Trace, findings: list[Finding]) -> Iterator[str]:
    failing = {finding.execution for finding in findings}
    yield from (row(label, line) for label, line in fault_table.table(trace.executions, failing, _locks))


def _kernel(trace: Trace, message: str) -> Iterator[str]:
    yield row("kernel", message)
    for line in kernel_log.excerpt(trace.crash.log if trace.crash is not None else trace.log):
        yield row("", line.rstrip())


def row(label: str, text: str, note: str = "") -> str:
    """Write a line of a picture."""
    row = f"  {label:<{_LABEL_WIDTH - 1}} {text}"
    return f"{row:<31} {note}".rstrip()


def drawn(strip: str) -> str:
    """Write a strip to scale, or a long one with run lengths."""
    return strip if len(strip) <= _DRAWN_PAGES else strips.compact(strip)


def setting(case: Case) -> Iterator[str]:
    """Draw the layout of a case, and what it sets up."""
    yield row("map", drawn(case.map))
    for letter, region in case.regions.items():
        if text := _region(region):
            yield row(f"  {letter}", text)
    if case.limits.memlock is not None:
        yield row("limit", f"RLIMIT_MEMLOCK {case.limits.memlock}")
    if case.limits.mappings is not None:
        yield row("limit", f"room for {counted(case.limits.mappings, 'more mapping')}")
    if case.limits.memory is not None:
        yield row("limit", f"memory for about {case.limits.memory} more pages")
    if case.privilege is not None:
        yield row("as", case.privilege)


def _region(region: Region) -> str:
    words = [] if region.kind == "anonymous" else [str(region.kind)]
    words += [region.share] if region.share else []
    words += [f"protection {region.protection}"] if region.protection != "rw" else []
    words += [f"{region.file_pages} pages long"] if region.file_pages is not None else []
    words += [f"guard pages {drawn(region.guard)}"] if region.guard else []
    words += [f"the object of {region.alias}"] if region.alias else []
    words += [f"huge pages {region.huge}"] if region.huge else []
    return ", ".join(words)


def _execution(case: Case, execution: Execution, findings: list[Finding]) -> Iterator[str]:
    if case.swept:
        yield row("fault", _fault(case, execution))
    if execution.before is not None:
        yield row("before", _locks(execution.before))
    seen = {step.step: step for step in execution.steps}
    yield from _steps(case.steps, 0, seen, findings, "")
    for finding in findings:
        if finding.step not in seen:
            yield row("", "", finding.message)
            yield row("permitted", "", f"{finding.requirement} ({finding.source})")


def _fault(case: Case, execution: Execution) -> str:
    swept = next((step for step in execution.steps if step.fault), None)
    if swept is not None and swept.fault == "not-reached":
        return f"none: the call has no {case.allocation} {execution.number}"
    fails = "and all later ones inside the call fail" if case.persistent else "inside the call fails"
    asked = call_stack.function(swept.stack if swept else ())
    return f"{case.allocation} {execution.number} {fails}{f': {asked}' if asked else ''}"


def _locks(snapshot: Snapshot) -> str:
    agreed = locks(snapshot)
    if agreed is not None:
        return drawn(agreed)
    seen = ", ".join(f"{drawn(strip)} ({observer})" for observer, strip in snapshot.locked.items())
    return seen or "not observed"


def _steps(
    steps: tuple[Step, ...], number: int, seen: dict[int, StepTrace], findings: list[Finding], indent: str
) -> Iterator[str]:
    for step in steps:
        own = number
        number += 1
        inner = (
            list(_at_once(step, seen.get(own)))
            if step.call is Call.THREADS
            else list(_steps(step.child, number, seen, findings, _WHOSE.get(step.call, "")))
        )
        number += sum(1 for _ in flatten(step.child))
        done = seen.get(own)
        result = "not made" if done is None else fault_table.outcome(done.result)
        yield row(indent + step.call, asked(step), f"→ {result}")
        yield from inner
        if done is not None:
            yield from _after(done, [finding for finding in findings if finding.step == own])


def _at_once(step: Step, done: StepTrace | None) -> Iterator[str]:
    """Draw calls that threads made at the same time, each with all that it gave."""
    results = done.results if done is not None and len(done.results) == len(step.child) else [()] * len(step.child)
    for call, gave in zip(step.child, results, strict=True):
        words = " or ".join(map(fault_table.outcome, gave)) or "not made"
        yield row(f"{_WHOSE[step.call]}{call.call}", asked(call), f"→ {words}")


def asked(step: Step) -> str:
    """Write the arguments of a step."""
    words = [_range(pages) for pages in (step.range, step.to) if pages]
    words += [",".join(step.flags)] if step.flags else []
    words += [f"{counted(step.times, 'time')} each, at once"] if step.times else []
    own = (step.region, step.protection, step.advice, step.soft, step.hard, step.file_pages, step.command, step.image)
    words += [f"{word}" for word in own if word is not None]
    return " ".join(words)


def _range(asked: Range) -> str:
    text = asked.pages.replace(".", " ") if len(asked.pages) <= _DRAWN_PAGES else strips.compact(asked.pages)
    text += f" from {asked.start:+d}" if asked.start else ""
    text += f" to {asked.end:+d}" if asked.end else ""
    return text + (f" length {asked.length}" if asked.length is not None else "")


def _after(done: StepTrace, findings: list[Finding]) -> Iterator[str]:
    about_locks = [finding for finding in findings if finding.aspect is Aspect.LOCKED]
    others = [finding for finding in findings if finding.aspect is not Aspect.LOCKED]
    yield row("after", _locks(done.snapshot), "; ".join(finding.message for finding in about_locks))
    for finding in others:
        if finding.seen:
            yield row(finding.aspect, drawn(finding.seen), finding.message)
        elif finding.permitted is None:  # else it is about the result, which stands beside the call
            yield row("", "", finding.message)
    for requirement, source, permitted in dict.fromkeys((f.requirement, f.source, f.permitted) for f in findings):
        yield row("permitted", drawn(permitted or ""), f"{requirement} ({source})")
