# SPDX-License-Identifier: Apache-2.0
"""A generated case that differs as YAML, ready to be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockproof.conformance.language import strips
from lockproof.conformance.language.case import Case, Kind, Region, Step, flatten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lockproof.conformance.exploring.permitted import Difference
    from lockproof.conformance.language.calls import Call

__all__ = ["as_yaml"]

_ALL = 1 << 16


def as_yaml(case: Case, difference: Difference, name: str, does: str) -> str:
    """Write a case that ends at the step of a difference; `does`: what the step does, for people."""
    at = list(flatten(case.steps))[difference.step]
    written = list(_written(case.steps, difference, len(case.map)))
    lines = [
        f"- id: {name}",
        f"  about: Found by exploring; {at.call} does {does}.",
        f"  checks: [{', '.join(at.call.signature.checks)}]",
        f"  map:    {case.map}",
        f"  locked: {case.locked}" if "L" in case.locked else "",
        "  as:     unprivileged" if case.privilege else "",
        f"  limits: {{memlock: {case.limits.memlock}}}" if case.limits.memlock is not None else "",
    ]
    mapped = {*case.map, *(line[-1] for line in written if line.lstrip().startswith("region: "))}
    own = {letter: region for letter, region in case.regions.items() if letter in mapped and region != Region()}
    lines += ["  regions:"] if own else []
    lines += [f"    {letter}: {{{_region(region)}}}" for letter, region in own.items()]
    lines += ["  steps:", *written]
    return "\n".join(line for line in lines if line)


def _region(region: Region) -> str:
    words = [f"kind: {region.kind}"] if region.kind is not Kind.ANONYMOUS else []
    words += [f"share: {region.share}"] if region.share else []
    words += [f"protection: {region.protection}"] if region.protection != "rw" else []
    words += [f"file-pages: {region.file_pages}"] if region.file_pages is not None else []
    return ", ".join(words)


def _written(steps: tuple[Step, ...], difference: Difference, pages: int) -> Iterator[str]:
    numbers = iter(range(len(list(flatten(steps)))))

    def write(steps: tuple[Step, ...], indent: str, last: int) -> Iterator[str]:
        for step in steps:
            number = next(numbers)
            if number > last:
                continue
            yield f"{indent}- call: {step.call}"
            yield from (f"{indent}  {field}" for field in _fields(step))
            if step.child:
                yield f"{indent}  child:"
                yield from write(step.child, f"{indent}    ", _ALL if number == difference.step else last)
            yield from (f"{indent}  {line}" for line in _expected(number, step.call, difference, pages))

    yield from write(steps, "    ", difference.step)


def _fields(step: Step) -> Iterator[str]:
    if step.range is not None:
        asked = step.range
        words = [f'pages: "{asked.pages}"']
        words += [f"start: {asked.start}"] if asked.start else []
        words += [f"length: {asked.length}"] if asked.length is not None else []
        yield f"range: {{{', '.join(words)}}}" if len(words) > 1 else f'range: "{asked.pages}"'
    for name in ("region", "protection", "advice", "image", "fault"):
        if getattr(step, name):
            yield f"{name}: {getattr(step, name)}"
    if step.flags:
        yield f"flags: [{', '.join(step.flags)}]"


def _expected(number: int, call: Call, difference: Difference, pages: int) -> Iterator[str]:
    if number != difference.step:
        result = difference.results.get(number, "0")
        if result != "0":
            yield f"expect: {{result: {result}}}"
        return
    yield "expect:"
    for choice in difference.choices:
        after = choice.after
        strip = "".join(
            "_"
            if page not in after.mapped
            else "."
            if page not in after.locked
            else "?"
            if choice.fewer
            else "F"
            if page in choice.on_fault
            else "L"
            for page in range(pages)
        )
        eager = after.locked - choice.on_fault
        resident = "".join("R" if page in eager and not choice.fewer else "?" for page in range(pages))
        words = [f"result: [{', '.join(sorted(choice.results))}]", f'locked: "{strips.compact(strip)}"']
        words += [f'resident: "{strips.compact(resident)}"'] if "R" in resident and "0" in choice.results else []
        if call.signature.everywhere and not choice.fewer and after.program is not None:
            words.append(f"elsewhere: {'all' if after.program else 'none'}")
        yield f"  - {{{', '.join(words)}}}"
