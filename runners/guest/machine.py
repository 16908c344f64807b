# SPDX-License-Identifier: Apache-2.0
"""What a guest runs on and with, as the options of its TARGET text ask for it, checked before anything is started."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockproof.conformance.errors import TargetError, UsageError, suggest
from lockproof.runners.guest.acceleration import kvm_works

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lockproof.runners.architectures import Machine
    from lockproof.runners.target import TargetInfo

__all__ = ["Asked", "asked"]

_ACCELERATORS = ("tcg", "kvm")
_MEMORY = (64, 1 << 20)  # MiB
_PROCESSORS = (1, 255)
_CPU = re.compile(r"[A-Za-z0-9][\w.,=:+-]*")
_LONGEST = 1500  # bytes of parameters: with ours less than the 2048 that x86_64 takes, beyond which nothing boots
_WORD = re.compile(r'(?:[^\s"]|"[^"]*")+')
"""A parameter, as next_arg in lib/cmdline.c of Linux takes it: what stands in quotation marks may have spaces."""
_OURS = {
    "console": "the log of the kernel is read from it",
    "panic": "a kernel that breaks has to end its guest",
    "oops": "a kernel that breaks has to end its guest",
    "init": "the probe is the first process",
    "rdinit": "the probe is the first process",
    "initrd": "the probe is in the first file system",
    "noinitrd": "the probe is in the first file system",
    "LOCKPROOF_CHANNEL": "the probe speaks there",
    "--": "what is behind it is none of the kernel's",
}
"""Parameters that a guest cannot do without as they are, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A machine, and the command line of its kernel."""

    memory: int
    """MiB."""
    smp: int
    """Processors."""
    cpu: str | None
    """QEMU's name of their model; None: what is best under the accelerator."""
    accel: str | None
    """None: KVM where it works."""
    append: str
    """What follows our own parameters."""
    options: Mapping[str, str]
    """What of all that is not as it goes without saying, for the name of the target."""

    def accelerator(self, *, has_kvm: bool) -> str:
        """Return the accelerator, on a host where KVM can run the machine or not."""
        return self.accel or ("kvm" if has_kvm and kvm_works() else "tcg")

    def check(self, info: TargetInfo) -> None:
        """Raise TargetError where the kernel was started with less than was asked for, or runs on less."""
        if self.append not in info.command_line:
            got = info.command_line
            msg = f"the kernel did not take the whole command line: {self.append!r} is not in {got!r:.300}"
            raise TargetError(msg)
        if info.processors not in (None, self.smp):
            runs = f"the kernel runs {info.processors} of {self.smp} processors"
            msg = f"{runs}; ask for +smp={info.processors}, or boot one with CONFIG_SMP and a larger CONFIG_NR_CPUS"
            raise TargetError(msg)


def asked(target: str, machine: Machine, options: Mapping[str, str], *, has_kvm: bool) -> Asked:
    """Read options; the machine has what they do not say. Raises UsageError, which names the target.

    `has_kvm`: whether a host like this one could run it by KVM.
    """
    where = f"target {target!r}"
    memory = _number(where, "memory", options.get("memory", str(machine.memory)), _MEMORY, " MiB")
    smp = _number(where, "smp", options.get("smp", "1"), _PROCESSORS, " processors")
    cpu, accel = options.get("cpu"), options.get("accel")
    if cpu is not None and not _CPU.fullmatch(cpu):
        msg = f"{where}: cpu={cpu!r} is no model of a processor; {machine.program} -cpu help lists them"
        raise UsageError(msg)
    if accel is not None and accel not in _ACCELERATORS:
        msg = f"{where}: accel={accel!r} is no accelerator; {suggest(accel, _ACCELERATORS)}"
        raise UsageError(msg)
    if accel == "kvm" and not (has_kvm and kvm_works()):
        msg = f"{where}: KVM does not run such a guest on this machine; leave out accel=kvm"
        raise UsageError(msg)
    append = options.get("append", "").strip()
    _check_append(where, append, machine)
    usual = {"memory": str(machine.memory), "smp": "1", "append": ""}
    found = {"memory": str(memory), "smp": str(smp), "cpu": cpu, "accel": accel, "append": append}
    told = {key: value for key, value in found.items() if value is not None and value != usual.get(key)}
    return Asked(memory=memory, smp=smp, cpu=cpu, accel=accel, append=append, options=told)


def _number(where: str, key: str, written: str, limits: tuple[int, int], unit: str) -> int:
    low, high = limits
    if not re.fullmatch(r"[0-9]{1,9}", written) or not low <= int(written) <= high:
        msg = f"{where}: {key}={written!r} is no number of{unit}; write one from {low} to {high}"
        raise UsageError(msg)
    return int(written)


def _check_append(where: str, append: str, machine: Machine) -> None:
    """Raise UsageError where parameters of the kernel would take the guest away from the probe."""
    if len(append.encode()) > _LONGEST:
        how_long = f"append has {len(append.encode())} bytes"
        msg = f"{where:.100}…: {how_long}; write at most {_LONGEST}, no kernel boots with more"
        raise UsageError(msg)
    if append.count('"') % 2:
        msg = f"{where}: append={append!r} has a quotation mark that is not closed; close it"
        raise UsageError(msg)
    for word in map(str, _WORD.findall(append)):
        key, _, value = word.replace('"', "").partition("=")
        if (why := _OURS.get(key)) is not None:
            msg = f"{where}: append has {word!r}, and {why}; leave it out"
            raise UsageError(msg)
        if machine.channel in value:
            msg = f"{where}: append has {word!r}, and the probe speaks on {machine.channel}; leave it out"
            raise UsageError(msg)
