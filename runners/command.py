# SPDX-License-Identifier: Apache-2.0
"""`command:ARGV`: whatever a command starts that speaks the probe's protocol on its standard input and output.

ARGV is split as a shell splits words; no shell is given. `{probe}` stands for the path of the probe built for this
machine, `{probe@ARCH}` for that of another architecture, such as arm64, which is compiled where it was not yet, and
`{probe:q}` or `{probe@ARCH:q}` for the path in quotation marks where a shell needs these, for what `sh -c` is given:

    command:setpriv --reuid=65534 --regid=65534 --clear-groups {probe}      another user
    command:ssh host ./lockproof-probe                                      another machine, copied over before
    command:sh -c 'scp -q {probe:q} host:/tmp/ && exec ssh host /tmp/lockproof-probe'     the same, copied each time
    command:qemu-aarch64-static {probe@arm64}                               Linux as QEMU's user mode imitates it
    command:{probe@x86_64-i386}                                             a program of 32 bits on this kernel
    command:adb shell /data/local/tmp/lockproof-probe                       an Android device, copied over before
"""

from __future__ import annotations

import re
import shlex

from lockproof.conformance.errors import UsageError
from lockproof.runners.host.tools import executable
from lockproof.runners.probe.compiled import host_probe, probe_for
from lockproof.runners.probe.session import ProbeTarget

__all__ = ["make", "names"]

_PROBE = re.compile(r"\{probe(?:@(?P<arch>[\w-]+))?(?P<quoted>:q)?\}")


def make(argument: str) -> ProbeTarget:
    """Make the target of a command.

    Raises UsageError where there is no command or it cannot be executed; for a probe also as `probe_for`.
    """
    name = f"command:{argument}"
    try:
        words = shlex.split(argument)
    except ValueError as error:
        msg = f"target {name!r}: {error}; close the quotation"
        raise UsageError(msg) from error
    if not words:
        msg = "target 'command:': no command; write one, such as command:ssh host ./lockproof-probe"
        raise UsageError(msg)
    probes = [_path(match) for word in words for match in _PROBE.finditer(word)]
    words = [_PROBE.sub(_quoted, word) for word in words]
    files = {"probe": probes[0]} if probes else {}
    return ProbeTarget(name, (executable(words[0], f"target {name!r}"), *words[1:]), files=files)


def _path(match: re.Match[str]) -> str:
    return str(probe_for(match["arch"])) if match["arch"] else host_probe()


def _quoted(match: re.Match[str]) -> str:
    return shlex.quote(_path(match)) if match["quoted"] else _path(match)


def names() -> tuple[str, ...]:
    """Return the arguments that name a target on every machine."""
    return ()
