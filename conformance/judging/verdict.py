# SPDX-License-Identifier: Apache-2.0
"""Verdicts, in the field's words (POSIX 1003.3, TET), and the findings that support them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lockproof.conformance.language.requirements import Aspect, Modality

__all__ = ["Finding", "Status", "Verdict"]


class Status(StrEnum):
    """What became of a case."""

    PASS = "PASS"  # noqa: S105  no password
    """Everything that was observed is permitted, and everything that matters was observed."""
    FAIL = "FAIL"
    """Something was observed that is not permitted."""
    UNRESOLVED = "UNRESOLVED"
    """The suite could not find out: infrastructure."""
    UNSUPPORTED = "UNSUPPORTED"
    """The target lacks an optional feature."""
    UNTESTED = "UNTESTED"
    """This target gives no way to provoke or to see the condition."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One deviation."""

    requirement: str
    """Id."""
    source: str
    """Where the requirement stands."""
    modality: Modality
    aspect: Aspect
    message: str
    """What was seen: `page 2 became locked`."""
    pages: tuple[int, ...]
    """The pages of the arena that it concerns."""
    step: int
    """Number of the step in the program; -1: it is about the kernel, not about a step."""
    execution: int
    """Which allocation was made to fail; 0: none."""
    seen: str | None = None
    """The strip that was seen, where the finding is about one."""
    permitted: str | None = None
    """The strip, or the results, that would have been permitted."""
    fault: str = ""
    """What was made to fail: `allocation 4 (vm_area_dup <- __split_vma)`; empty: nothing."""

    @property
    def kind(self) -> str:
        """What it is told from others by: `requirement:aspect`."""
        return f"{self.requirement}:{self.aspect}"

    @property
    def shown(self) -> str:
        """What it shows, to be held against what is known: at which step, and what was seen there.

        Neither which allocation was made to fail, nor counts of pages outside the arena: both differ between kernels
        that do the same.
        """
        return f"{self.step}: {self.message if self.pages or self.aspect is Aspect.RESULT else self.aspect}"

    @property
    def when(self) -> str:
        """Say when it was seen, as the end of a sentence."""
        return f" when {self.fault} failed" if self.fault else ""

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.requirement}: {self.message}{self.when}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a case, and why."""

    status: Status
    reason: str = ""
    """Why there is no PASS or FAIL, in one line."""
    findings: tuple[Finding, ...] = ()
    lacks: str = ""
    """What the target has not got, by its name: an option (a call, a kind of memory), or a means to provoke or see."""
    rests_on: tuple[str, ...] = ()
    """The readings of the standard, each as `ID=CHOICE`, without which it would be another verdict."""

    @property
    def resting(self) -> str:
        """Say in one line what it rests on; empty: on the text alone."""
        return f"rests on the reading {' and '.join(self.rests_on)}" if self.rests_on else ""

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of its findings."""
        return frozenset(finding.kind for finding in self.findings)
