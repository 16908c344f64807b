# SPDX-License-Identifier: Apache-2.0
"""Markers of the suite's own tests: what a test needs. What is missing is skipped with its reason."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

_NEEDS: dict[str, tuple[Callable[[], bool], str]] = {
    "root": (lambda: os.geteuid() == 0, "needs root"),
    "gvisor": (lambda: shutil.which("runsc") is not None, "needs runsc (gVisor) on PATH"),
}


def pytest_configure(config: pytest.Config) -> None:
    """Name the markers."""
    for name, (_, reason) in _NEEDS.items():
        config.addinivalue_line("markers", f"{name}: {reason}")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what cannot run here."""
    for name, (is_there, reason) in _NEEDS.items():
        if item.get_closest_marker(name) and not is_there():
            pytest.skip(reason)
