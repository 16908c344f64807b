# SPDX-License-Identifier: Apache-2.0
"""Starts a command under a seccomp filter, as containers do: `refusing.py CALL=ERRNO|SIGSYS,… COMMAND…`."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys

NUMBERS = {
    "x86_64": {"mmap": 9, "msync": 26, "mincore": 27, "clone": 56, "ptrace": 101, "mlock": 149, "munlock": 150,
               "mlockall": 151, "munlockall": 152, "mlock2": 325},
    "aarch64": {"mmap": 222, "msync": 227, "mincore": 232, "clone": 220, "ptrace": 117, "mlock": 228, "munlock": 229,
                "mlockall": 230, "munlockall": 231, "mlock2": 284},
}  # fmt: skip
"""Of system calls, by machine."""
MAP_LOCKED = 0x2000

_LOAD, _EQUAL, _HAS_BITS, _RETURN = 0x20, 0x15, 0x45, 0x06
_NUMBER, _FOURTH_ARGUMENT = 0, 40  # where they lie in struct seccomp_data
_ALLOW, _FAIL, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_SET_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2  # of prctl(2)


def _instruction(code: int, operand: int, when_true: int = 0, when_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, when_true, when_false, operand)


def _rule(text: str) -> list[bytes]:
    """Return the instructions of a rule; mmap is refused only where it locks."""
    call, _, how = text.partition("=")
    action = _KILL if how == "SIGSYS" else _FAIL | int(getattr(errno, how))
    number = NUMBERS[platform.machine()][call]
    if call != "mmap":
        return [_instruction(_EQUAL, number, 0, 1), _instruction(_RETURN, action)]
    return [
        _instruction(_EQUAL, number, 0, 4),
        _instruction(_LOAD, _FOURTH_ARGUMENT),
        _instruction(_HAS_BITS, MAP_LOCKED, 0, 1),
        _instruction(_RETURN, action),
        _instruction(_LOAD, _NUMBER),
    ]


def refuse(rules: str) -> None:
    """Set the filter for this process and all that it becomes or starts. Raises OSError."""
    program = [_instruction(_LOAD, _NUMBER)]
    for rule in rules.split(","):
        program += _rule(rule)
    program.append(_instruction(_RETURN, _ALLOW))
    code = ctypes.create_string_buffer(b"".join(program))
    descriptor = struct.pack("HP", len(program), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0) or libc.prctl(_SET_SECCOMP, _FILTER, descriptor, 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp filters cannot be set here")


if __name__ == "__main__":
    refuse(sys.argv[1])
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606  that is what it is for
