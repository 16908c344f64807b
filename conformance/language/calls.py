# SPDX-License-Identifier: Apache-2.0
"""The one table of the calls that a step can make: whoever wants to know something about a call reads it here.

A new kind of step is a line in it, and then what the step does: in the probe (native/probe), and where cases are
generated (exploring/generator.py, exploring/naive.py) or written as C (repro) if it is to appear there.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ARGUMENTS", "Call", "Signature"]


@dataclass(frozen=True, slots=True)
class Signature:
    """What a step with a call has, and where it may stand."""

    name: str
    """In a case, a program and a trace."""
    _: KW_ONLY
    needs: tuple[str, ...] = ()
    """Fields of the step that it cannot do without."""
    may_have: tuple[str, ...] = ()
    """Fields that it may have besides."""
    flags: tuple[str, ...] = ()
    """Names of its flags."""
    bytewise: bool = True
    """Whether its range may have byte offsets: it is an address and a length, not a number of pages."""
    swept: bool = True
    """Whether allocations inside it can be made to fail, so that the step may have a `fault`."""
    system_call: bool = True
    """Whether it is a system call of its own that a target may lack, and is asked for beforehand."""
    everywhere: bool = False
    """Whether it concerns the locks of the whole address space, not only of a range."""
    not_within: Mapping[str, str] = field(default_factory=dict)
    """Calls whose `child` cannot make it, each with the reason and what to write instead."""
    checks: tuple[str, ...] = ()
    """Requirements of lockproof's catalogue that say what may be seen after it; a generated case names them."""


_A_LOCK_LASTS = ("mlock.until-unlocked",)
_NO_FORK = "a child does not fork again; write the steps after the fork"
_NO_THREAD = "children do not nest; write the steps after the fork or thread"
_NO_EXEC = "would end all other threads; write the step after the thread"
_NO_CHILD = "a thread of the probe has no child; write the step after the thread"
_NO_REST = "the system is not at rest while a child runs; settle after the fork"


_NO_AT_ONCE = "calls at the same time are system calls of one process; write the step before or after"


def _in_any(reason: str) -> dict[str, str]:
    return dict.fromkeys(("fork", "thread"), reason) | {"threads": _NO_AT_ONCE}


def _of_a_spawn(name: str) -> Signature:
    return Signature(
        name,
        may_have=("image",),
        swept=False,
        system_call=False,
        everywhere=True,
        not_within={"thread": _NO_CHILD, "threads": _NO_AT_ONCE},
        checks=_A_LOCK_LASTS,
    )


class Call(StrEnum):
    """What a step does; the system calls are made raw."""

    _value_: str
    signature: Signature

    def __new__(cls, signature: Any) -> Self:  # noqa: ANN401  mypy takes the look-up Call("mlock") for this
        """Make the member of a Signature."""
        call = str.__new__(cls, signature.name)
        call._value_ = signature.name
        call.signature = signature
        return call

    MLOCK = Signature("mlock", needs=("range",), checks=("mlock.failure.no-change", "mlock.locked-and-resident"))
    MLOCK2 = Signature("mlock2", needs=("range", "flags"), flags=("ONFAULT",), checks=("linux.mlock2.on-fault",))
    MUNLOCK = Signature(
        "munlock", needs=("range",), checks=("munlock.failure.no-change", "munlock.unlocks", *_A_LOCK_LASTS)
    )
    MLOCKALL = Signature(
        "mlockall",
        needs=("flags",),
        flags=("CURRENT", "FUTURE", "ONFAULT"),
        everywhere=True,
        checks=("mlockall.failure.no-additional", "mlockall.locked-and-resident"),
    )
    MUNLOCKALL = Signature("munlockall", everywhere=True, checks=("munlockall.unlocks-all", "munlockall.always-zero"))
    MMAP = Signature(
        "mmap",
        needs=("range", "region"),
        may_have=("flags",),
        flags=("LOCKED",),
        bytewise=False,
        checks=("mlockall.future",),
    )
    MUNMAP = Signature("munmap", needs=("range",), checks=("munmap.removed", *_A_LOCK_LASTS))
    MPROTECT = Signature("mprotect", needs=("range", "protection"), checks=_A_LOCK_LASTS)
    MADVISE = Signature("madvise", needs=("range", "advice"), checks=_A_LOCK_LASTS)
    MSYNC = Signature(
        "msync",
        needs=("range", "flags"),
        flags=("ASYNC", "SYNC", "INVALIDATE"),
        checks=("msync.ebusy", *_A_LOCK_LASTS),
    )
    MREMAP = Signature(
        "mremap",
        needs=("range", "to"),
        may_have=("flags",),
        flags=("DONTUNMAP",),
        bytewise=False,
        checks=("linux.mremap", "linux.mlock2.eager"),
    )
    BRK = Signature("brk", needs=("range",), bytewise=False, checks=("linux.brk", "linux.mlock2.eager"))
    SETRLIMIT = Signature("setrlimit", needs=("soft", "hard"), system_call=False, checks=("linux.rlimit-memlock",))
    FTRUNCATE = Signature("ftruncate", needs=("region", "file_pages"), system_call=False, checks=_A_LOCK_LASTS)
    SHMCTL = Signature("shmctl", needs=("region", "command"), system_call=False, checks=_A_LOCK_LASTS)
    EXEC = Signature(
        "exec",
        may_have=("image",),
        swept=False,
        everywhere=True,
        not_within={"thread": _NO_EXEC, "threads": _NO_AT_ONCE},
        checks=("exec.removed",),
    )
    VFORK = _of_a_spawn("vfork")
    POSIX_SPAWN = _of_a_spawn("posix_spawn")
    FORK = Signature(
        "fork",
        needs=("child",),
        everywhere=True,
        not_within=_in_any(_NO_FORK),
        checks=("fork.parent-keeps", *_A_LOCK_LASTS),
    )
    THREAD = Signature("thread", needs=("child",), swept=False, not_within=_in_any(_NO_THREAD), checks=_A_LOCK_LASTS)
    THREADS = Signature(
        "threads",
        needs=("times", "child"),
        swept=False,
        system_call=False,
        everywhere=True,
        not_within=_in_any(_NO_THREAD),
        checks=("threads.in-some-order", *_A_LOCK_LASTS),
    )
    TOUCH = Signature(
        "touch",
        needs=("range",),
        bytewise=False,
        swept=False,
        system_call=False,
        not_within={"threads": _NO_AT_ONCE},
        checks=("mmap.past-end", "mmap.no-access", *_A_LOCK_LASTS),
    )
    OBSERVE = Signature(
        "observe",
        swept=False,
        system_call=False,
        everywhere=True,
        not_within={"threads": _NO_AT_ONCE},
        checks=("fork.not-inherited", *_A_LOCK_LASTS),
    )
    SETTLE = Signature(
        "settle", swept=False, system_call=False, not_within=_in_any(_NO_REST), checks=("quality.mlocked-returns",)
    )
    RECLAIM = Signature(
        "reclaim",
        swept=False,
        system_call=False,
        everywhere=True,
        not_within={"threads": _NO_AT_ONCE},
        checks=_A_LOCK_LASTS,
    )


ARGUMENTS = tuple(dict.fromkeys(name for call in Call for name in (*call.signature.needs, *call.signature.may_have)))
"""The fields of a step that are arguments of some call."""
