# SPDX-License-Identifier: Apache-2.0
"""What is asked of a kernel, and how its answers are judged and reported.

Each room says in its __init__ what is in it. cli.py is the lockproof command, pytest_plugin.py gives the same cases to
pytest; errors.py, exported here, has everything that can go wrong. Nothing else is imported, so that --help is quick.
"""

from lockproof.conformance.errors import (
    CaseFileError,
    Location,
    LockproofError,
    Problem,
    StoreError,
    TargetError,
    UsageError,
    first_mistake,
    suggest,
)

__all__ = [
    "CaseFileError",
    "Location",
    "LockproofError",
    "Problem",
    "StoreError",
    "TargetError",
    "UsageError",
    "first_mistake",
    "suggest",
]
