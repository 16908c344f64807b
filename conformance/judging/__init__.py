# SPDX-License-Identifier: Apache-2.0
"""From a case and its trace to a verdict.

`unmet` says beforehand whether a target can run a case at all; `judge` holds what a trace shows against the outcomes
that the case permits; a `Verdict` has its status and the findings that support it.
"""

from lockproof.conformance.judging.applicability import unmet
from lockproof.conformance.judging.judge import judge, locks
from lockproof.conformance.judging.verdict import Finding, Status, Verdict

__all__ = ["Finding", "Status", "Verdict", "judge", "locks", "unmet"]
