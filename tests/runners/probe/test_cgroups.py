# SPDX-License-Identifier: Apache-2.0
"""What a probe does to the cgroups of the machine that it runs on."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from lockproof.runners.target import make_target

CONTROL = "cgroup.subtree_control"


def cgroups() -> dict[Path, str]:
    """Read which controllers each cgroup2 hands on."""
    return {path: path.read_text() for path in Path("/sys/fs/cgroup").rglob(CONTROL)}


@pytest.mark.root
@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_a_probe_writes_to_no_cgroup_but_its_own_and_removes_that(tmp_path: Path) -> None:
    log = tmp_path / "calls"
    before = cgroups()
    calls = "openat,mkdir,mkdirat,rmdir,unlinkat"
    with make_target(
        f"command:strace -f -qq -e trace={calls} -o {shlex.quote(str(log))} {{probe}}"
    ).session() as session:
        assert session.info.trouble == {}
    assert cgroups() == before
    made = [line for line in log.read_text().splitlines() if "/sys/fs/cgroup" in line]
    writes = [line for line in made if re.search(r"O_WRONLY|O_RDWR", line)]
    assert all("/lockproof-" in line for line in writes), writes
    assert sum("mkdir" in line and "= 0" in line for line in made) == sum("rmdir(" in line for line in made)
