# SPDX-License-Identifier: Apache-2.0
"""`uml:PROGRAM`: a kernel that is a program, User-mode Linux, where the probe is all that runs.

PROGRAM is `linux.uml` of Debian's package user-mode-linux, or the path of what `make ARCH=um` leaves. No QEMU and no
emulation: it boots in half a second. Its memory management is that of Linux, and its page tables are mappings of the
host (arch/um of Linux).
"""

from __future__ import annotations

import os
import signal
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lockproof.conformance.errors import UsageError
from lockproof.runners.guest.connection import Guest, new_console
from lockproof.runners.guest.initramfs import initramfs
from lockproof.runners.guest.mailbox import Terminal
from lockproof.runners.host import tools
from lockproof.runners.probe.compiled import host_probe
from lockproof.runners.probe.connection import Pipes, start_process
from lockproof.runners.probe.session import ProbeSession

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ANOTHER_PROCESSOR", "make", "names"]

ANOTHER_PROCESSOR = "it needs another processor"
"""What is said where the kernel of the machine does not take the registers back: there are more than it was given."""
_MEMORY = 512  # MiB, as a guest of QEMU has
# The channel is a terminal on the program's own input and output; the log goes to its standard error, by another.
_PARAMETERS = (
    *("con=null", "con0=null,fd:2", "console=tty0", "con1=fd:0,fd:1", "LOCKPROOF_CHANNEL=tty1"),
    *("quiet", "panic=-1", "oops=panic", "norandmaps", "cgroup.memory=nokmem"),
)
# It is more than one process, and some of them wait for ever for one that was killed. So the whole group is killed when
# the pipe $0, which only lockproof holds open, ends.
_GUARD = '(read -r _; kill -s KILL 0) <"/proc/self/fd/$0" >/dev/null 2>&1 & exec "$@"'
# The console's last word where the processor has more to save, such as the tiles of AMX, than the fixed 2696 bytes of
# Linux 6.1 (arch/x86/um/os-Linux/registers.c): PTRACE_SETREGSET takes all or nothing (arch/x86/kernel/fpu/regset.c).
_REGISTERS_REFUSED = "ptrace set fp regs failed, errno = 14"


def make(argument: str) -> UserModeTarget:
    """Make the target of a kernel that is a program. Raises UsageError where it is missing."""
    if not argument:
        msg = "target 'uml:': no program; write uml:linux.uml (apt install user-mode-linux), or the path of one"
        raise UsageError(msg)
    what = f"target 'uml:{argument}'"
    hint = "apt install user-mode-linux, or give the path of what make ARCH=um leaves"
    program = tools.executable(argument, what, hint)
    return UserModeTarget(f"uml:{argument}", program)


def names() -> tuple[str, ...]:
    """Return the arguments that name a target on every machine."""
    return ()


class _Program(Guest):
    """User-mode Linux, whose standard error is also the console of its kernel."""

    WHO = "User-mode Linux"
    BROKEN = (*Guest.BROKEN, -signal.SIGABRT)
    """A panic aborts the program: panic_exit in arch/um/kernel/um_arch.c."""

    def _tail(self) -> str:
        refused = next((line for line in self._log() if line.endswith(_REGISTERS_REFUSED)), None)
        if refused is None:
            return super()._tail()
        return f"; {ANOTHER_PROCESSOR}: it does not save all registers of this one ({refused}); take a guest of QEMU"


@contextmanager
def _held_pipe() -> Iterator[int]:
    """Give the end to read from of a pipe that ends with this context, or this process."""
    reading, writing = os.pipe()
    try:
        yield reading
    finally:
        os.close(reading)
        os.close(writing)


@dataclass(frozen=True, slots=True)
class UserModeTarget:
    """A kernel, as a program."""

    name: str
    program: str

    @property
    def files(self) -> dict[str, str]:
        """The kernel, and the probe. Raises UsageError without that."""
        return {"image": self.program, "probe": host_probe()}

    @contextmanager
    def session(self) -> Iterator[ProbeSession]:
        """Begin to boot; leaving the context switches it off. Raises TargetError, UsageError, StoreError."""
        init = initramfs(Path(host_probe()))
        # Where it would keep a socket for its management, below the home of the user.
        with tempfile.TemporaryDirectory(prefix="lockproof-uml-") as folder, _held_pipe() as pipe:
            session = ProbeSession(lambda: self._boot(init, folder, pipe))
            try:
                yield session
            finally:
                session.close()

    def _boot(self, init: Path, folder: str, pipe: int) -> Guest:
        console = new_console()
        command = (self.program, f"mem={_MEMORY}M", f"initrd={init}", f"uml_dir={folder}", *_PARAMETERS)
        process = start_process(("/bin/sh", "-c", _GUARD, str(pipe), *command), console, pass_fds=(pipe,))
        return _Program(process, Terminal(Pipes(process)), console, f"User-mode Linux, {_MEMORY} MiB")
