# SPDX-License-Identifier: Apache-2.0
"""How LAVA's dispatcher reads the console of a test (lava_dispatcher/actions/test/shell.py)."""

from __future__ import annotations

import re
from urllib.parse import quote

__all__ = ["read"]


def read(text: str) -> dict[tuple[str, str], dict[str, str]]:
    """Return what is recorded of each test case, by test set and name; an assertion fails where LAVA ends the test."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    test_set, open_case = "", ""
    for name, parameters in re.findall(r"<LAVA_SIGNAL_(\S+) ([^>]+)>", text):
        words = parameters.split()
        if name == "TESTSET":
            assert (words[0] == "START") != bool(test_set)
            test_set = words[1] if words[0] == "START" else ""
            assert test_set == quote(test_set)
        elif name == "STARTTC":
            (open_case,) = words
        elif name == "ENDTC":
            assert words == [open_case]
        else:
            assert name == "TESTCASE"
            data = dict(word.split("=", 1) for word in words)  # JobError: malformed parameter
            assert data["RESULT"] in {"pass", "fail", "skip", "unknown"}
            float(data.get("MEASUREMENT", 0))
            key = (test_set, data.pop("TEST_CASE_ID"))
            assert key not in found
            found[key] = data
    assert test_set == ""
    return found
