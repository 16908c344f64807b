# SPDX-License-Identifier: Apache-2.0
"""Runs of cases on targets, and what is kept of them.

An `Engine` runs cases and tells events; a `RunFolder` keeps a `Manifest` and a `Result` for each execution; a `Tally`
counts them; a `Baseline` knows which deviations are no news.
"""

from lockproof.conformance.running.baselines import Baseline, KnownIssue
from lockproof.conformance.running.engine import Engine, run_once
from lockproof.conformance.running.events import Event, Listener, TargetEnded, TargetStarted
from lockproof.conformance.running.manifest import Manifest
from lockproof.conformance.running.results import Key, Result
from lockproof.conformance.running.store import RunFolder
from lockproof.conformance.running.tally import CaseTally, Tally

__all__ = [
    "Baseline",
    "CaseTally",
    "Engine",
    "Event",
    "Key",
    "KnownIssue",
    "Listener",
    "Manifest",
    "Result",
    "RunFolder",
    "Tally",
    "TargetEnded",
    "TargetStarted",
    "run_once",
]
