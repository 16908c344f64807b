# SPDX-License-Identifier: Apache-2.0
"""`lockproof probe`: the path of a probe that runs."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.command import lockproof

if TYPE_CHECKING:
    from pathlib import Path


def test_the_path_is_of_a_probe_that_says_hello(tmp_path: Path) -> None:
    done = lockproof("probe", "--print-path", cwd=tmp_path)
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
    said = subprocess.run([done.stdout.strip()], stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout
    assert said.startswith(b'{"hello":')


def test_of_the_machine_s_own_architecture_it_is_the_same(tmp_path: Path) -> None:
    arch = {"x86_64": "x86_64", "aarch64": "arm64"}.get(os.uname().machine)
    if arch is None:
        pytest.skip(f"needs x86_64 or arm64, not {os.uname().machine}")
    own, named = (lockproof("probe", "--print-path", *more, cwd=tmp_path).stdout for more in ((), ("--arch", arch)))
    assert own == named != ""


@pytest.mark.parametrize(("options", "why"), [
    ((), "probe: nothing to do; write --print-path"),
    (("--arch", "arm64"), "probe: nothing to do; write --print-path"),
    (("--print-path", "--arch", "arm65"), "architecture 'arm65': not supported; did you mean arm64?"),
])  # fmt: skip
def test_what_cannot_be_is_one_line(tmp_path: Path, options: tuple[str, ...], why: str) -> None:
    done = lockproof("probe", *options, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{why}\n")
