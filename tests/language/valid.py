# SPDX-License-Identifier: Apache-2.0
"""A valid case file, and others that differ in a line."""

from __future__ import annotations

VALID = """\
- id: leaf
  about: A case.
  checks: [mlock.no-change, mlock.errors]
  map:    aaa__bbb
  locked: .L.__...
  regions:
    b: {kind: file, file-pages: 2}
  call:   mlock
  range:  .^^^^^^.
  expect:
    - {result: ENOMEM, locked: unchanged}
"""


def with_line(old: str, new: str) -> str:
    """Change one line of the valid case."""
    assert VALID.count(old) == 1
    return VALID.replace(old, new)
