# SPDX-License-Identifier: Apache-2.0
"""Whether KVM runs guests here. It may open and never run one, so it is tried, once for each boot of this machine."""

from __future__ import annotations

import os
import platform
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lockproof.conformance.files import replacing
from lockproof.runners.host import cache

__all__ = ["kvm_works"]

_LIMIT = 5.0  # seconds; the trial takes a tenth of one
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class _Trial:
    """The least guest: a few instructions that end QEMU with a known exit status."""

    program: str
    options: tuple[str, ...]
    image: bytes
    status: int


# The first instructions of a PC, at 0xffffff00. Where KVM runs nothing but what it emulates, they come to the paging.
_X86_CODE = bytes.fromhex(
    "fa"  # cli
    "2e660f0116d0ff"  # lgdtl %cs:0xffd0
    "0f20c0 0c01 0f22c0"  # protected mode: cr0 |= 1
    "66ea18ffffff0800"  # ljmpl $8, $0xffffff18
    "66b81000 8ed8 8ed0"  # %ds = %ss = 16
    "c7050010000083000000"  # a page directory at 0x1000: the first 4 MiB, and the last, where this code is
    "c705fc1f00008300c0ff"
    "0f20e0 0c10 0f22e0"  # cr4 |= PSE
    "b800100000 0f22d8"  # cr3 = 0x1000
    "0f20c0 0d00000080 0f22c0"  # paging: cr0 |= PG
    "b901000000 ff0500300000 e2f8"  # 1: incl 0x3000; loop 1b
    "b021 e6f4 f4"  # 0x21 to the device that ends QEMU; hlt
)
# At 0xffffffb8: nothing, flat code, flat data; and the pointer to these.
_X86_TABLE = bytes.fromhex("0000000000000000 ffff0000009bcf00 ffff00000093cf00 1700b8ffffff")
_X86_ROM = (
    bytes(0xFF00)
    + _X86_CODE.ljust(0xB8, b"\xf4")
    + _X86_TABLE.ljust(0x38, b"\xf4")
    + b"\xe9\x0d\xff".ljust(16, b"\xf4")
)

_TRIALS = {
    "x86_64": _Trial(
        "qemu-system-x86_64",
        ("-machine", "pc", "-cpu", "host", "-device", "isa-debug-exit,iobase=0xf4,iosize=1", "-bios"),
        _X86_ROM,
        (0x21 << 1) | 1,
    ),
    # mov w0, #8; movk w0, #0x8400, lsl #16; hvc #0; b . (PSCI's SYSTEM_OFF)
    "aarch64": _Trial(
        "qemu-system-aarch64",
        ("-machine", "virt", "-cpu", "host", "-kernel"),
        bytes.fromhex("00018052 0080b072 020000d4 00000014"),
        0,
    ),
}
"""By what `uname -m` says. On other machines KVM is not used."""


def kvm_works() -> bool:
    """Say whether this machine's KVM runs guests."""
    trial = _TRIALS.get(platform.machine())
    if trial is None or not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    try:
        boot = _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return _try(trial)
    known = cache.directory() / f"kvm-{os.geteuid()}"
    with suppress(OSError, ValueError):
        tried, result = known.read_text(encoding="ascii").split()
        if tried == boot:
            return result == "works"
    works = _try(trial)
    # Several may find it out at a time: they find the same, and a text that is cut off says nothing.
    with suppress(OSError):
        known.parent.mkdir(parents=True, exist_ok=True)
    with suppress(OSError), replacing(known) as new:
        new.write_text(f"{boot} {'works' if works else 'fails'}\n", encoding="ascii")
    return works


def _try(trial: _Trial) -> bool:
    with tempfile.NamedTemporaryFile() as image:
        image.write(trial.image)
        image.flush()
        general = ("-accel", "kvm", "-m", "64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot")
        command = [trial.program, *general, *trial.options, image.name]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_LIMIT, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return False
    return done.returncode == trial.status
