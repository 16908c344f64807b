# SPDX-License-Identifier: Apache-2.0
"""What lockproof does leaves the machine as it was."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.command import LOCKPROOF, until
from tests.host import differences, look

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.host import Host

COMMANDS = {
    "everything on local": ("run", "-t", "local"),
    "with the wrapper": ("run", "-t", "local+posixmlock", "mlock"),
    "explore": ("explore", "local", "--count", "200"),
    "inject": ("inject", "--time-limit", "2", "--", "sh", "-c", "sleep 1000 & exec true"),
    "libc": ("libc",),
    "prove": ("prove", "posix", "--pages", "2"),
    "a guest": ("run", "-t", "qemu:debian/6.12", "mlock/success"),
    "gVisor": ("run", "-t", "gvisor", "mlock/success"),
}
NEEDS = {"a guest": [pytest.mark.qemu("debian/6.12")], "gVisor": [pytest.mark.gvisor]}


@pytest.mark.parametrize(
    "command", [pytest.param(command, id=name, marks=NEEDS.get(name, [])) for name, command in COMMANDS.items()]
)
@pytest.mark.xdist_group("host")
def test_a_command_leaves_the_machine_as_it_was(command: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "temporary").mkdir()
    environment = os.environ | {"TMPDIR": str(tmp_path / "temporary")}
    mark = f"TMPDIR={tmp_path}"
    before = look(mark)
    done = subprocess.run(
        [LOCKPROOF, *command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode in {0, 1, 3}, done.stderr
    # Others on the machine come and go; what lockproof leaves stays.
    with suppress(AssertionError):
        until(lambda: not left_over(before, look(mark)), seconds=20)
    assert left_over(before, look(mark)) == []
    assert list((tmp_path / "temporary").iterdir()) == []


def left_over(before: Host, after: Host) -> list[str]:
    """Say what differs, but for what others mount below the temporary folder: lockproof mounts nothing."""
    return [line for line in differences(before, after) if not line.startswith(("mounts: + /tmp/", "mounts: - /tmp/"))]


@pytest.fixture
def left(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Leave something of each kind, and return what is to be found of it."""
    folder, shared = tmp_path / "mounted", Path("/dev/shm/lockproof-left")  # noqa: S108
    folder.mkdir()
    shared.touch()
    (tmp_path / "lockproof-probe").symlink_to("/bin/sleep")
    with subprocess.Popen([tmp_path / "lockproof-probe", "1000"]) as process:
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
        yield {"mounts": str(folder), "shared memory": shared.name, "processes": f"{tmp_path}/lockproof-probe 1000"}
        process.kill()
    subprocess.run(["umount", folder], check=True)
    shared.unlink()


@pytest.mark.root
@pytest.mark.xdist_group("host")
def test_what_is_left_is_found(request: pytest.FixtureRequest) -> None:
    before = look()
    what: dict[str, str] = request.getfixturevalue("left")
    found = differences(before, look())
    assert [
        kind for kind, name in what.items() if not any(line.startswith(f"{kind}: + {name}") for line in found)
    ] == []
