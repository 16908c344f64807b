# SPDX-License-Identifier: Apache-2.0
"""Where the parts of the checkout are that tests look at."""

from __future__ import annotations

from pathlib import Path

CHECKOUT = Path(__file__).parent.parent
CASES = CHECKOUT / "cases"
NATIVE = CHECKOUT / "native"
JUNIT_SCHEMA = CHECKOUT / "tests" / "reports" / "junit.xsd"
BASELINES = CHECKOUT / "results" / "baselines"
