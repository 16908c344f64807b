# SPDX-License-Identifier: Apache-2.0
"""`qemu:KERNEL[@ARCH]`: a kernel in a guest of QEMU, where the probe is all that runs.

KERNEL is what `lockproof kernel list` shows, or the path of an image, a package or a build tree. Options behind it,
`+memory=MIB`, `+smp=N`, `+cpu=MODEL`, `+accel=tcg` and `+append=PARAMETERS`, say what it runs on and with
(docs/targets.md). The guest is booted once for a session and switched off at its end. A kernel that breaks under a
program takes the guest with it: the console says how, and the guest is booted again for the next programs.
"""

from __future__ import annotations

import os
import platform
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lockproof.conformance.errors import UsageError
from lockproof.runners import options
from lockproof.runners.architectures import ARCHITECTURES
from lockproof.runners.guest.connection import Guest, guarded, new_console
from lockproof.runners.guest.initramfs import initramfs
from lockproof.runners.guest.machine import asked
from lockproof.runners.guest.mailbox import SIZE, Mailbox, Terminal
from lockproof.runners.host import tools
from lockproof.runners.kernels import kernel
from lockproof.runners.kernels.kernel import Kernel
from lockproof.runners.parcel import Packed, Parcel
from lockproof.runners.parcel import pack as pack_files
from lockproof.runners.probe import compiled
from lockproof.runners.probe.connection import Pipes, start_process
from lockproof.runners.probe.session import ProbeSession

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from lockproof.runners.architectures import Machine
    from lockproof.runners.guest.machine import Asked
    from lockproof.runners.target import TargetInfo

__all__ = ["PARAMETERS", "make", "names", "pack", "unpack"]

# An oops ends the guest as a panic does, and both end QEMU: a kernel that has broken is not asked any more.
# Secret memory has to be allowed before Linux 6.5.
# The kernel's tests of its cryptography take a sixth of a boot.
# Where things lie, and with it how often a call allocates, is the same in every boot; and so is how many pages a
# process gets before the limit of its cgroup: of what the kernel itself takes, parts of a page are left from others.
PARAMETERS = "quiet panic=-1 oops=panic secretmem.enable=1 cryptomgr.notests norandmaps cgroup.memory=nokmem"
_SWAP = 64 << 20
"""Bytes of the disk that a guest may swap to. Its driver is the one that Debian's kernels for clouds have built in."""
_OPTIONS = (
    *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
    *("-chardev", "file,id=console,path=/proc/self/fd/2,append=on"),
    *("-chardev", "stdio,id=channel,signal=off"),
)


def make(argument: str) -> GuestTarget:
    """Make the target of a kernel. Raises UsageError where it or what it needs is missing, TargetError, StoreError."""
    wanted, written = _read(argument)
    try:
        found = kernel.find(wanted)
    except kernel.MissingKernelError as missing:
        _programs(wanted, missing.arch)  # no kernel is fetched that nothing here can boot
        raise
    programs = _programs(wanted, found.arch)
    machine = ARCHITECTURES[found.arch].machine
    special = _ask(argument, machine, written)
    name = options.join(f"qemu:{found.name}", special.options)
    return GuestTarget(name, found, machine, special, programs[machine.program], programs["setpriv"])


def pack(argument: str) -> Packed:
    """Pack the target of a kernel, which needs no QEMU here. Raises as `make`, TargetError without a compiler."""
    wanted, written = _read(argument)
    found = kernel.find(wanted)
    special = _ask(argument, ARCHITECTURES[found.arch].machine, written)
    files = {"image": found.image, "initrd": initramfs(compiled.probe_for(found.arch), found.modules)}
    vendor, version = found.packaged
    facts = {"arch": found.arch, "vendor": vendor, "version": version}
    return pack_files(options.join(f"qemu:{found.name}", special.options), files, facts)


def unpack(parcel: Parcel, files: Mapping[str, Path]) -> GuestTarget:
    """Make the target of a kernel that comes from elsewhere. Raises UsageError where what boots a guest is missing."""
    arch, packaged = parcel.facts["arch"], (parcel.facts["vendor"], parcel.facts["version"])
    machine = ARCHITECTURES[arch].machine
    argument = parcel.name.removeprefix("qemu:")
    wanted, written = _read(argument)
    programs = _programs(wanted, arch)
    sent = Kernel(wanted, files["image"], arch, packaged=packaged)
    special = _ask(argument, machine, written)
    qemu, setpriv = programs[machine.program], programs["setpriv"]
    return GuestTarget(parcel.name, sent, machine, special, qemu, setpriv, initrd=files["initrd"])


def _read(argument: str) -> tuple[str, dict[str, str]]:
    """Return the kernel that is named, and the options behind it. Raises UsageError."""
    wanted, written = options.split(argument)
    if not wanted:
        msg = "target 'qemu:': no kernel; write one, such as qemu:debian/6.12 (lockproof kernel list shows them)"
        raise UsageError(msg)
    if not kernel.mode(wanted):
        options.refuse_unknown(f"qemu:{argument}", wanted)
    return wanted, written


def _ask(argument: str, machine: Machine, written: Mapping[str, str]) -> Asked:
    has_kvm = platform.machine() in machine.hosts
    return asked(f"qemu:{argument}", machine, written, has_kvm=has_kvm)


def _programs(argument: str, arch: str) -> dict[str, str]:
    """Return the paths of what boots a guest. Raises UsageError where one is missing."""
    return tools.need_all([ARCHITECTURES[arch].machine.program, "setpriv"], f"target 'qemu:{argument}'")


def names() -> tuple[str, ...]:
    """Return the arguments that name a target on every machine: none, kernels have to be fetched or built first."""
    return ()


@dataclass(frozen=True, slots=True)
class GuestTarget:
    """A kernel, and the machine that it runs on."""

    name: str
    kernel: Kernel
    machine: Machine
    asked: Asked
    qemu: str
    setpriv: str
    initrd: Path | None = None
    """The first file system of the guest; None: it is made of the probe and the kernel's modules."""

    @property
    def files(self) -> dict[str, str]:
        """The image, and the probe for its architecture. Raises UsageError, TargetError, StoreError without one."""
        return {"image": str(self.kernel.image), "probe": str(compiled.probe_for(self.kernel.arch))}

    @contextmanager
    def session(self) -> Iterator[ProbeSession]:
        """Begin to boot the guest; leaving the context switches it off. Raises TargetError, UsageError, StoreError."""
        init = self.initrd or initramfs(compiled.probe_for(self.kernel.arch), self.kernel.modules)
        accelerator = self.asked.accelerator(has_kvm=platform.machine() in self.machine.hosts)
        command = (self.qemu, *self._options(accelerator), "-initrd", str(init))
        started = guarded(self.setpriv, command)
        processors = f", {self.asked.smp} processors" if self.asked.smp > 1 else ""
        about = f"{accelerator.upper()}, {self.asked.memory} MiB{processors}"
        session = ProbeSession(
            lambda: _boot(started, about, pci=self.machine.pci),
            hello_limit=self.machine.patience,
            complete=self._complete,
        )
        try:
            yield session
        finally:
            session.close()

    def _complete(self, info: TargetInfo) -> TargetInfo:
        """Return what the probe found, and what is known of the kernel's package. Raises TargetError; see Asked."""
        self.asked.check(info)
        return replace(info, packaged=self.kernel.packaged)

    def _options(self, accelerator: str) -> tuple[str, ...]:
        machine = self.machine
        ours = f"console={machine.console} LOCKPROOF_CHANNEL={machine.channel} {PARAMETERS}"
        parameters = " ".join(filter(None, (ours, machine.parameters, self.asked.append)))
        return (
            *_OPTIONS,
            *machine.options,
            *("-accel", accelerator),
            *("-cpu", self.asked.cpu or ("host" if accelerator == "kvm" else machine.cpu)),
            *(("-smp", str(self.asked.smp)) if self.asked.smp > 1 else ()),
            *("-m", str(self.asked.memory), "-kernel", str(self.kernel.image), "-append", parameters),
        )


def _boot(command: tuple[str, ...], about: str, *, pci: bool) -> Guest:
    """Start QEMU. What it and the console say, mailbox and disk are files in memory that nobody else can see."""
    console = new_console()
    if not pci:
        process = start_process(command, console)
        return Guest(process, Terminal(Pipes(process)), console, about)
    with _file_in_memory("mailbox", SIZE) as memory, _file_in_memory("swap", _SWAP) as disk:
        devices = (
            *("-object", f"memory-backend-file,id=mailbox,share=on,size={SIZE},mem-path=/proc/self/fd/{memory}"),
            *("-device", "ivshmem-plain,memdev=mailbox"),
            *("-blockdev", f"driver=file,node-name=swap,locking=off,filename=/proc/self/fd/{disk}"),
            *("-device", "nvme,drive=swap,serial=swap"),
        )
        process = start_process((*command, *devices), console, pass_fds=(memory, disk))
        return Guest(process, Mailbox(memory, Pipes(process)), console, about)


@contextmanager
def _file_in_memory(name: str, size: int) -> Iterator[int]:
    """Yield the descriptor of a file of so many bytes, none of which takes memory before it is written."""
    file = os.memfd_create(f"lockproof-{name}")
    try:
        os.ftruncate(file, size)
        yield file
    finally:
        os.close(file)
