# SPDX-License-Identifier: Apache-2.0
"""What identifies a running kernel is what its files say."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

from lockproof.runners.target import make_target


def test_the_probe_says_what_the_kernel_was_started_with_and_how_it_was_configured() -> None:
    with make_target("local").session() as session:
        info = session.info
    assert info.command_line == Path("/proc/cmdline").read_text().partition("\n")[0]
    files = [Path("/proc/config.gz"), Path(f"/boot/config-{os.uname().release}")]
    there = next((file for file in files if file.exists()), None)
    assert info.config == (None if there is None else (str(there), sha256(there.read_bytes()).hexdigest()))


def test_a_model_has_neither() -> None:
    with make_target("model:posix").session() as session:
        assert (session.info.config, session.info.command_line) == (None, "")
