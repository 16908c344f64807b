# SPDX-License-Identifier: Apache-2.0
"""What is said to a target and what it says.

`compile_case` makes a `Program` of a case, and a `TraceReader` a `Trace` of the lines that come back; call_stack.py and
kernel_log.py read what a kernel says besides.
"""

from lockproof.conformance.protocol.program import DEFAULT_TIME_LIMIT, Program, compile_case
from lockproof.conformance.protocol.trace import (
    Change,
    Crash,
    Elsewhere,
    Ended,
    Execution,
    Snapshot,
    StepTrace,
    SystemTrace,
    Trace,
    TraceReader,
    lost,
    merged,
    read_trace,
)

__all__ = [
    "DEFAULT_TIME_LIMIT",
    "Change",
    "Crash",
    "Elsewhere",
    "Ended",
    "Execution",
    "Program",
    "Snapshot",
    "StepTrace",
    "SystemTrace",
    "Trace",
    "TraceReader",
    "compile_case",
    "lost",
    "merged",
    "read_trace",
]
