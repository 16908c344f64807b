# SPDX-License-Identifier: Apache-2.0
"""No reader has a traceback for its user, hangs, or takes all memory, whatever it is given."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from tests.fuzz.readers import READERS
from tests.places import CHECKOUT


@pytest.mark.parametrize("reader", READERS)
def test_a_reader_raises_only_what_it_says(reader: str) -> None:
    seed = os.environ.get("LOCKPROOF_FUZZ_SEED", str(time.time_ns() % 10**9))
    command = [sys.executable, "-m", "tests.fuzz", reader, "--inputs", "2000", "--seconds", "20", "--seed", seed]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, f"LOCKPROOF_FUZZ_SEED={seed}\n{done.stdout}{done.stderr}"
