# SPDX-License-Identifier: Apache-2.0
"""Running and judging apart: a folder that is carried to a machine without Python, and what comes back in it.

`exported` makes the folder's files, `read_returned` reads it when it is back, as if whoever had it meant harm, and
`RecordedTarget` lets what it has be judged as if it ran just now. Nothing of the folder is ever executed.
"""

from lockproof.conformance.offline.exported import Exported, Probe, contents
from lockproof.conformance.offline.recorded import RecordedTarget
from lockproof.conformance.offline.returned import Returned, ReturnedError, read_returned

__all__ = ["Exported", "Probe", "RecordedTarget", "Returned", "ReturnedError", "contents", "read_returned"]
