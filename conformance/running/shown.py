# SPDX-License-Identifier: Apache-2.0
"""What the cases that a baseline knows are known to show, finding by finding (NAME.findings.json beside NAME.yaml).

That a case fails as a baseline says is no reason to believe that it shows nothing else: a second defect may break the
same requirement in the same case. So what was seen of each known deviation is kept, and anything else is news.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from lockproof.conformance.errors import UsageError, first_mistake
from lockproof.conformance.files import read_input

if TYPE_CHECKING:
    from pathlib import Path

    from lockproof.conformance.judging.verdict import Finding

__all__ = ["Shown", "as_text", "excuses", "file_of", "read"]

Shown = Mapping[str, Mapping[str, frozenset[str]]]
"""By case and kind of finding what was seen (Finding.shown)."""

_FILE = TypeAdapter(dict[str, dict[str, frozenset[str]]])


def file_of(baseline: Path) -> Path:
    """Return where it stands what the cases of a baseline show."""
    return baseline.with_suffix(".findings.json")


def read(path: Path) -> Shown:
    """Read such a file; nothing where there is none. Raises UsageError."""
    try:
        content = read_input(path)
    except FileNotFoundError:
        return {}
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}; make it readable, or remove it"
        raise UsageError(msg) from error
    try:
        return _FILE.validate_json(content)
    except ValidationError as error:
        msg = f"{path}: {first_mistake(error)}; remove it, and make it anew with lockproof baseline update"
        raise UsageError(msg) from error


def as_text(shown: Shown) -> str:
    """Write it in one order, a finding a line, so that what changes is seen."""
    plain = {case: {kind: sorted(seen) for kind, seen in kinds.items()} for case, kinds in shown.items()}
    return f"{json.dumps(plain, indent=1, sort_keys=True)}\n"


def excuses(shown: Shown, case: str, finding: Finding) -> bool:
    """Tell whether a finding of a known kind is one that was seen before, or nobody has written down what was."""
    seen = shown.get(case, {}).get(finding.kind)
    return seen is None or finding.shown in seen
