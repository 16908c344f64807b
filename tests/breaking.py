# SPDX-License-Identifier: Apache-2.0
"""The probe that breaks its kernel on demand, and cases that demand it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.places import NATIVE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["breaking_cases", "build_breaking_probe"]

_CASE = """
- id: {id}
  about: Flags that are not known are refused, and nothing is locked.
  checks: [mlockall.einval, mlockall.failure.no-additional]
  map:    aa
  locked: L.
  call:   mlockall
  flags:  {flags}
  expect: {{result: EINVAL, locked: unchanged}}
"""


def build_breaking_probe(output: Path) -> Path:
    """Build the probe that breaks its kernel on demand; it has a build id, as the one that is shipped."""
    sources = [*NATIVE.glob("probe/**/*.c"), NATIVE / "tests" / "broken_kernel" / "breaking_probe.c"]
    flags = ["-std=gnu11", "-O2", "-static", f"-I{NATIVE}/probe", "-Wl,--wrap=syscall", "-Wl,--build-id=sha1"]
    subprocess.run(["cc", *flags, "-o", output, *sources], check=True)
    return output


def breaking_cases(flags: Mapping[str, int]) -> str:
    """Write a case for each name, with its flags of mlockall.

    native/tests/broken_kernel/breaking_probe.c says what these do; 77 is refused by the kernel, as the case wants it.
    """
    return "".join(_CASE.format(id=name, flags=number) for name, number in flags.items())
