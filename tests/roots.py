# SPDX-License-Identifier: Apache-2.0
"""A new Debian in a folder, as a container or a machine that was just installed has it."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lockproof.runners.kernels.sources_list import mirror

__all__ = ["CERTIFICATES", "Root", "new_archive", "new_root"]

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
"""What this machine trusts."""
_ENTER = """
mount --rbind /dev "$1/dev"
mount -t proc proc "$1/proc"
root=$1 folder=$2; shift 2
exec chroot "$root" sh -euc 'cd "$0"; exec "$@"' "$folder" "$@"
"""
"""In name spaces of its own, so that nothing stays mounted and no process stays."""
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
    "PIP_CERT": str(CERTIFICATES),
}


@dataclass(frozen=True, slots=True)
class Root:
    """Debian in a folder; needs root."""

    path: Path

    def run(self, *command: str, folder: str = "/", **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command in it, as its root, with nothing of this environment."""
        enter = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-euc", _ENTER, "sh", str(self.path)]
        return subprocess.run(
            [*enter, folder, *command],
            env=_ENVIRONMENT | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def install(self, *packages: str) -> None:
        """Install packages of Debian, and not what they recommend; a path to one begins with ./."""
        for words in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
            done = self.run("apt-get", "-qq", *words)
            assert done.returncode == 0, done.stderr


def new_archive(suite: str, archive: Path) -> Path:
    """Fetch a suite of Debian from the mirror of this machine, the least that it calls a system, and return it packed."""
    # Where this machine's apt takes a mirror that stands still, so has that of the new one.
    options = subprocess.run(
        ["apt-config", "dump", "Acquire::Check-Valid-Until"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    words = ["mmdebstrap", "--quiet", "--variant=minbase", "--include=ca-certificates"]
    subprocess.run([*words, *(f"--aptopt={each}" for each in options), suite, archive, mirror().address], check=True)
    return archive


def new_root(archive: Path, folder: Path) -> Root:
    """Unpack a packed Debian into a folder, that knows the network as this machine does."""
    folder.mkdir(parents=True)
    subprocess.run(["tar", "-xf", archive, "-C", folder, "--exclude=./dev/*"], check=True)
    shutil.copy("/etc/resolv.conf", folder / "etc/resolv.conf")
    shutil.copy(CERTIFICATES, folder / CERTIFICATES.relative_to("/"))
    return Root(folder)
