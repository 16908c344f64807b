# SPDX-License-Identifier: Apache-2.0
"""What the tests of several commands begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.command import SMALL

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Make a folder with two cases in `small/mlock.yaml`."""
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "mlock.yaml").write_text(SMALL)
    return tmp_path
