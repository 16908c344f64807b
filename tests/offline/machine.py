# SPDX-License-Identifier: Apache-2.0
"""A machine on which nothing but busybox is: a guest of QEMU with a disk that outlives its reboots."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from lockproof.runners import qemu

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Machine"]

_INIT = """\
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t tmpfs tmp /tmp
/bin/busybox mount -t debugfs debug /sys/kernel/debug
/bin/busybox mount -t cgroup2 cgroup /sys/fs/cgroup
echo +memory >/sys/fs/cgroup/cgroup.subtree_control
echo 4 >/proc/sys/vm/nr_hugepages
echo madvise >/sys/kernel/mm/transparent_hugepage/enabled
echo 1024 >/proc/sys/vm/max_map_count
echo 0 >/proc/sys/debug/exception-trace
/bin/busybox mount -t ext4 /dev/nvme0n1 /mnt
PATH=/nowhere /bin/busybox sh /mnt/run.sh
/bin/busybox umount /mnt
/bin/busybox poweroff -f
"""
"""What prepares the machine as a guest of lockproof is prepared, and runs what was carried there."""
_FOLDERS = ("bin", "dev", "mnt", "proc", "sys", "tmp")


class Machine:
    """A kernel, a first file system with busybox in it, and a disk with a folder."""

    def __init__(self, kernel: str, folder: Path, carried: Path) -> None:
        """Carry a folder to it; `folder`: where the files of the machine are kept."""
        self._kernel = qemu.make(kernel)
        self._folder = folder
        self._disk = folder / "disk"
        self._console = folder / "console"
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", carried, self._disk, "64M"], check=True)
        root = folder / "root"
        for name in _FOLDERS:
            (root / name).mkdir(parents=True)
        shutil.copy(str(shutil.which("busybox")), root / "bin" / "busybox")
        (root / "init").write_text(_INIT)
        (root / "init").chmod(0o755)
        names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
        with (folder / "initramfs").open("wb") as archive:
            command = ["busybox", "cpio", "-o", "-H", "newc"]
            subprocess.run(command, cwd=root, input=names.encode(), stdout=archive, stderr=subprocess.PIPE, check=True)

    def boot(self) -> str:
        """Boot it, until it switches itself off or breaks; returns what its console said."""
        parameters = f"console=ttyS0 {qemu.PARAMETERS} no_timer_check"
        subprocess.run(
            [
                self._kernel.qemu,
                *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-m", "512"),
                *("-cpu", "max,-erms,-fsrm", "-kernel", str(self._kernel.kernel.image)),
                *("-initrd", str(self._folder / "initramfs"), "-append", parameters),
                *("-serial", f"file:{self._console}"),
                *("-drive", f"file={self._disk},format=raw,if=none,id=disk", "-device", "nvme,serial=1,drive=disk"),
            ],
            stdin=subprocess.DEVNULL,
            check=True,
            timeout=900,
        )
        return self._console.read_text(errors="replace")

    def bring_back(self, to: Path) -> None:
        """Copy the folder back from its disk."""
        to.mkdir()
        command = ["debugfs", "-R", f'rdump / "{to}"', str(self._disk)]
        subprocess.run(command, check=True, capture_output=True)
