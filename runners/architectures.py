# SPDX-License-Identifier: Apache-2.0
"""The architectures that kernels and probes are had for, with all that is particular to one. A new one is an entry.

Beyond it, a kernel whose image is neither a bzImage, an Image of arm64 or riscv, an ELF file of 64 bits nor an image of
s390 needs a reader in kernels/image.py, and hosts on which KVM may run it a trial in guest/acceleration.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ARCHITECTURES", "DEFAULT", "Architecture", "Machine"]

DEFAULT = "x86_64"
"""What the name of a kernel means where it does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A computer that QEMU makes.

    The console, where the kernel logs, is on one device and the channel of the protocol on another, both with drivers
    that distributions build in. The character devices of its options are called `console` and `channel`.
    """

    program: str
    """The QEMU that makes it."""
    packages: tuple[str, ...]
    """Debian's packages with that program: today's, and that of older suites where it is another."""
    options: tuple[str, ...]
    console: str
    """What the kernel calls the device of its log."""
    channel: str
    """What the kernel calls the terminal of the protocol."""
    memory: int = 512
    """MiB. Enough for a few hundred pages of any size, and for as many mappings as a process may have."""
    cpu: str = "max"
    """Under TCG; KVM has the host's."""
    pci: bool = True
    """Whether devices are on a PCI bus: memory that is shared with the guest, and a disk that it may swap to."""
    drivers: Mapping[str, str] = field(default_factory=dict)
    """Options of a kernel that runs on it, and the module where one is none of the kernel itself, `-` as `_`."""
    parameters: str = ""
    """Of the kernel, beside those of every architecture."""
    hosts: tuple[str, ...] = ()
    """What `uname -m` says where KVM can run it."""
    patience: float = 90.0
    """Seconds until the probe must have said hello: some ten times what a host of two cores takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """How others call it, and what compiles and runs it."""

    name: str
    kernel: str
    """The architecture of the kernel image: its own name, unless the probe is of another kind than the kernel."""
    elf: int | None = None
    """The machine that an ELF file of 64 bits names which is a kernel that QEMU boots; None: it boots none of them."""
    big_endian: bool = False
    debian: str
    flavours: tuple[str, ...]
    """Of Debian's kernels, the best first."""
    triple: str
    """GNU's name, which begins that of Debian's cross compiler."""
    libc: str
    """Debian's package with the static C library for that compiler."""
    zig: str
    host: tuple[str, ...] = ()
    """What `uname -m` says where the probe of this machine is of this kind."""
    machine: Machine


_X86_64 = Architecture(
    name="x86_64",
    kernel="x86_64",
    debian="amd64",
    flavours=("cloud-amd64", "amd64"),
    triple="x86_64-linux-gnu",
    libc="libc6-dev-amd64-cross",
    zig="x86_64-linux-musl",
    host=("x86_64",),
    machine=Machine(
        program="qemu-system-x86_64",
        packages=("qemu-system-x86",),
        options=("-machine", "pc", "-serial", "chardev:console", "-serial", "chardev:channel"),
        # Where strings of bytes are said to be quick, kernels clear and copy pages by them; TCG does each byte alone,
        # and a case takes a third longer.
        cpu="max,-erms,-fsrm",
        console="ttyS0",
        channel="ttyS1",
        drivers={"CONFIG_SERIAL_8250": "8250"},
        # On a busy host the emulated timer is late, and the kernel's test of it would not end well.
        parameters="no_timer_check",
        hosts=("x86_64",),
    ),
)
_ARM64 = Architecture(
    name="arm64",
    kernel="arm64",
    debian="arm64",
    flavours=("arm64",),
    triple="aarch64-linux-gnu",
    libc="libc6-dev-arm64-cross",
    zig="aarch64-linux-musl",
    host=("aarch64",),
    machine=Machine(
        program="qemu-system-aarch64",
        packages=("qemu-system-arm",),
        options=("-machine", "virt", "-serial", "chardev:console", "-device", "pci-serial,chardev=channel"),
        cpu="max,pauth-impdef=on",  # the architecture's own pointer authentication is slow to emulate
        console="ttyAMA0",
        channel="ttyS0",
        drivers={
            "CONFIG_SERIAL_AMBA_PL011": "amba_pl011",
            "CONFIG_PCI_HOST_GENERIC": "pci_host_generic",
            "CONFIG_SERIAL_8250": "8250",
            "CONFIG_SERIAL_8250_PCI": "8250_pci",
        },
        hosts=("aarch64",),
    ),
)

ARCHITECTURES = {
    each.name: each
    for each in (
        _X86_64,
        replace(
            _X86_64,
            name="x86_64-i386",
            triple="i686-linux-gnu",
            libc="libc6-dev-i386-cross",
            zig="x86-linux-musl",
            host=(),
        ),
        replace(
            _X86_64,
            name="i386",
            kernel="i386",
            debian="i386",
            flavours=("686-pae", "686"),
            triple="i686-linux-gnu",
            libc="libc6-dev-i386-cross",
            zig="x86-linux-musl",
            host=(),
        ),
        _ARM64,
        replace(
            _ARM64,
            name="arm64-16k",
            kernel="arm64-16k",
            flavours=("arm64-16k",),
            machine=replace(_ARM64.machine, memory=1024),
        ),
        Architecture(
            name="ppc64le",
            kernel="ppc64le",
            elf=21,
            debian="ppc64el",
            flavours=("powerpc64le-64k", "powerpc64le"),  # with pages of 64K where there is a choice
            triple="powerpc64le-linux-gnu",
            libc="libc6-dev-ppc64el-cross",
            zig="powerpc64le-linux-musl",
            host=("ppc64le",),
            machine=Machine(
                program="qemu-system-ppc64",
                packages=("qemu-system-ppc",),
                options=(
                    *("-machine", "pseries,cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off"),
                    *("-device", "spapr-vty,chardev=console,reg=0x30000000"),
                    *("-device", "spapr-vty,chardev=channel,reg=0x30001000"),
                ),
                memory=1024,  # its pages have 64 KiB
                console="hvc0",
                channel="hvc1",
                drivers={"CONFIG_HVC_CONSOLE": "hvc_vio"},
                patience=180.0,
                hosts=("ppc64le",),
            ),
        ),
        Architecture(
            name="riscv64",
            kernel="riscv64",
            elf=243,
            debian="riscv64",
            flavours=("riscv64",),
            triple="riscv64-linux-gnu",
            libc="libc6-dev-riscv64-cross",
            zig="riscv64-linux-musl",
            host=("riscv64",),
            machine=Machine(
                program="qemu-system-riscv64",
                packages=("qemu-system-riscv", "qemu-system-misc"),
                options=("-machine", "virt", "-serial", "chardev:console", "-device", "pci-serial,chardev=channel"),
                cpu="rv64",
                console="ttyS0",
                channel="ttyS1",
                drivers={
                    "CONFIG_SERIAL_8250": "8250",
                    "CONFIG_SERIAL_OF_PLATFORM": "8250_of",
                    "CONFIG_PCI_HOST_GENERIC": "pci_host_generic",
                    "CONFIG_SERIAL_8250_PCI": "8250_pci",
                },
                hosts=("riscv64",),
            ),
        ),
        Architecture(
            name="s390x",
            kernel="s390x",
            elf=22,
            big_endian=True,
            debian="s390x",
            flavours=("s390x",),
            triple="s390x-linux-gnu",
            libc="libc6-dev-s390x-cross",
            zig="s390x-linux-musl",
            host=("s390x",),
            machine=Machine(
                program="qemu-system-s390x",
                packages=("qemu-system-s390x", "qemu-system-misc"),
                options=(
                    *("-machine", "s390-ccw-virtio"),
                    *("-device", "sclplmconsole,chardev=console", "-device", "sclpconsole,chardev=channel"),
                ),
                console="ttyS0",
                channel="ttysclp0",
                drivers={"CONFIG_SCLP_TTY": "sclp_tty", "CONFIG_SCLP_CONSOLE": "sclp_con"},
                pci=False,
                hosts=("s390x",),
            ),
        ),
    )
}
"""By name, in the order in which they are listed."""
