# SPDX-License-Identifier: Apache-2.0
"""A certificate as people read it: what is said of which kernel, what was not tried, and what would let it be tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockproof.conformance.columns import aligned
from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.language.requirements import Modality

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lockproof.conformance.certificates.certificate import Certificate
    from lockproof.conformance.certificates.statement import Statement
    from lockproof.runners.target import TargetInfo

__all__ = ["MEANS", "page"]

_FAULTS = (
    "a kernel with fault injection: lockproof kernel build debian/VERSION --fault-injection, "
    "and -t qemu:debian/VERSION+fault-injection"
)
_GUEST = "a guest of its own: -t qemu:KERNEL"
_SMAPS = "a readable /proc/self/smaps"
MEANS = {
    "each-allocation": _FAULTS,
    "from-each-allocation": _FAULTS,
    "apart": _FAULTS,
    "memory": "root, and a root cgroup that hands the memory controller on; in a guest: -t qemu:KERNEL",
    "reclaim": "root, a root cgroup that hands the memory controller on, and swap; in a guest: -t qemu:debian/VERSION",
    "alone": _GUEST,
    "counts": _GUEST,
    "privileged": "CAP_IPC_LOCK: run it as root",
    "memlock": "a higher RLIMIT_MEMLOCK: ulimit -l unlimited",
    "mapping-limit": "vm.max_map_count of at most 262144: sysctl vm.max_map_count=65530",
    "guard": "Linux 6.13 or later",
    "thp": "a kernel with CONFIG_TRANSPARENT_HUGEPAGE: echo madvise >/sys/kernel/mm/transparent_hugepage/enabled",
    "locks": f"{_SMAPS}, or an msync that tells locks",
    "residency": f"{_SMAPS}, or mincore",
    "mappings": _SMAPS,
    "accounting": _SMAPS,
    "elsewhere": _SMAPS,
    "page-faults": "a kernel whose getrusage() counts page faults",
}
"""What would have to be there for what could not be tried."""


_NO_CONFIG = "not known: the target has neither /proc/config.gz nor /boot/config-RELEASE"


def page(certificate: Certificate, statement: Statement) -> Iterator[str]:
    """Yield the lines of a certificate."""
    info, kernel = certificate.info, certificate.kernel
    yield f"{statement.product} {statement.version}, by {statement.who} ({statement.contact})"
    agreed = "" if certificate.observers_agreed else ", which disagreed"
    rows = [
        ("kernel", f"{info.kernel}, {info.page_size // 1024} KiB pages"),
        ("image", f"sha256 {kernel.image}" if kernel.image else "not known"),
        ("build id", info.build_id or "not known"),
        ("config", f"sha256 {info.config[1]} of {info.config[0]}" if info.config else _NO_CONFIG),
        ("started", f"with {info.command_line}" if info.command_line else "not known with what"),
        ("taint", f"{_number(kernel.taint_before)} before, {_number(kernel.taint_after)} after"),
        ("observers", f"{', '.join(info.lock_observers) or 'none'}{agreed}"),
        ("faults", ", ".join(f"{what} by {by}" for what, by in info.faults.items()) or "none"),
        *([("settings", _settings(info))] if info.knobs else []),
        *([("judged by", ", ".join(certificate.readings))] if certificate.readings else []),
        ("cases", ", ".join(f"{count} {status}" for status, count in certificate.counts.items())),
        ("suite", f"lockproof {certificate.suite.lockproof}, {certificate.finished}"),
    ]
    yield from aligned([(f"  {name}", text) for name, text in rows])
    yield ""
    yield from aligned([(str(profile), each.sentence) for profile, each in certificate.profiles.items()])
    yield from _untested(certificate)
    yield from _resting(certificate)


def _settings(info: TargetInfo) -> str:
    return ", ".join(f"{knob} found {was}, set to {now}" for knob, (was, now) in info.knobs.items())


def _number(taint: int | None) -> str:
    return "not known" if taint is None else str(taint)


def _resting(certificate: Certificate) -> Iterator[str]:
    """Yield the requirements about which a verdict rests on a reading of the standard, and on which."""
    resting = [each for each in certificate.requirements if each.rests_on]
    if resting:
        yield ""
        yield "resting on a reading of the standard (lockproof explain --interpretations):"
    yield from (f"  {each.requirement} ({each.profile}): {', '.join(each.rests_on)}" for each in resting)


def _untested(certificate: Certificate) -> Iterator[str]:
    """Yield what was not tried, for want of what, and what would provide that."""
    untested = [
        each for each in certificate.requirements if each.verdict is Status.UNTESTED and each.modality is Modality.SHALL
    ]
    if untested:
        yield ""
        yield "untested:"
    for each in untested:
        yield f"  {each.requirement} ({each.profile}), for want of {', '.join(each.means) or 'a case that tells'}"
    for means in sorted({means for each in untested for means in each.means if means in MEANS}):
        yield f"  {means}: needs {MEANS[means]}"
