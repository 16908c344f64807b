# SPDX-License-Identifier: Apache-2.0
"""The computers that QEMU makes, one for each architecture; adding one is adding a line here.

Each has its console, where the kernel logs, on one device and the channel of the protocol on another, both with
drivers that distributions build in.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["MACHINES", "Machine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A computer. The character devices of its options are called `console` and `channel`."""

    program: str
    """The QEMU that makes it."""
    options: tuple[str, ...]
    console: str
    """What the kernel calls the device of its log."""
    channel: str
    """What the kernel calls the terminal of the protocol."""
    memory: int = 512
    """MiB. Enough for a few hundred pages of any size, and for as many mappings as a process may have."""
    cpu: str = "max"
    """Under TCG; KVM has the host's."""
    mailbox: bool = True
    """Whether memory is shared through a PCI device."""
    parameters: str = ""
    """Of the kernel, beside those of every architecture."""
    hosts: tuple[str, ...] = ()
    """What `uname -m` says where KVM can run it."""
    patience: float = 90.0
    """Seconds until the probe must have said hello: some ten times what a host of two cores takes."""


def _x86(memory: int = 512) -> Machine:
    return Machine(
        program="qemu-system-x86_64",
        options=("-machine", "pc", "-serial", "chardev:console", "-serial", "chardev:channel"),
        memory=memory,
        console="ttyS0",
        channel="ttyS1",
        # On a busy host the emulated timer is late, and the kernel's test of it would not end well.
        parameters="no_timer_check",
        hosts=("x86_64",),
    )


def _arm64(memory: int = 512) -> Machine:
    return Machine(
        program="qemu-system-aarch64",
        options=("-machine", "virt", "-serial", "chardev:console", "-device", "pci-serial,chardev=channel"),
        memory=memory,
        cpu="max,pauth-impdef=on",  # the architecture's own pointer authentication is slow to emulate
        console="ttyAMA0",
        channel="ttyS0",
        hosts=("aarch64",),
    )


MACHINES = {
    "x86_64": _x86(),
    "x86_64-i386": _x86(),
    "i386": _x86(),
    "arm64": _arm64(),
    "arm64-16k": _arm64(1024),
    "ppc64le": Machine(
        program="qemu-system-ppc64",
        options=(
            *("-machine", "pseries,cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off"),
            *("-device", "spapr-vty,chardev=console,reg=0x30000000"),
            *("-device", "spapr-vty,chardev=channel,reg=0x30001000"),
        ),
        memory=1024,  # its pages have 64 KiB
        console="hvc0",
        channel="hvc1",
        patience=180.0,
        hosts=("ppc64le",),
    ),
    "riscv64": Machine(
        program="qemu-system-riscv64",
        options=("-machine", "virt", "-serial", "chardev:console", "-device", "pci-serial,chardev=channel"),
        cpu="rv64",
        console="ttyS0",
        channel="ttyS1",
        hosts=("riscv64",),
    ),
    "s390x": Machine(
        program="qemu-system-s390x",
        options=(
            *("-machine", "s390-ccw-virtio"),
            *("-device", "sclplmconsole,chardev=console", "-device", "sclpconsole,chardev=channel"),
        ),
        console="ttyS0",
        channel="ttysclp0",
        mailbox=False,
        hosts=("s390x",),
    ),
}
"""By the architecture of a kernel and its probe."""
