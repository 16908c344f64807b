# SPDX-License-Identifier: Apache-2.0
"""Where something was seen: a kernel by its vendor's package or its upstream version; and ranges of such versions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from lockproof.conformance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lockproof.runners.target import TargetInfo

__all__ = ["VENDORS", "Place", "Range", "compare_upstream", "place_of", "read_range"]

_UPSTREAM = re.compile(r"(\d+(?:\.\d+)*)(?:[^\d]*-rc(\d+))?")
_IN_FRONT = re.compile(r"\w+\+")  # local+posixmlock
_BOUND = re.compile(r"\s*(<=|>=|<|>|=)\s*([\w.+~:^-]+)\s*")
_RPM = re.compile(r"(?:(?P<epoch>\d+):)?(?P<version>[^-]*)-?(?P<release>.*)")


@dataclass(frozen=True, slots=True)
class Place:
    """A kernel."""

    vendor: str
    """Empty: not known."""
    package: str
    """Version of the vendor's package; empty: not known."""
    upstream: str
    """Version of Linux; empty: it is none, whatever it calls itself."""


def place_of(target: str, info: TargetInfo) -> Place | None:
    """Return where a target is; None: no kernel alone, as something stands in front of it (local+posixmlock)."""
    if _IN_FRONT.match(target):
        return None
    if info.system != "Linux" or info.vendor == "gvisor":
        return Place(info.vendor, info.package, "")
    # Debian's release names the ABI: 5.10.0-32 is Linux 5.10.223.
    said = info.package if info.vendor == "debian" else info.release
    match = _UPSTREAM.match(said)
    return Place(info.vendor, info.package, match[0] if match else "")


def compare_upstream(one: str, other: str) -> int:
    """Return less than, equal to or more than 0 as one version of Linux is before, the same as or behind another."""
    first, second = _numbers(one), _numbers(other)
    return (first > second) - (first < second)


def _numbers(version: str) -> tuple[tuple[int, ...], float]:
    match = _UPSTREAM.match(version)
    assert match is not None  # noqa: S101  ranges and places have no others
    numbers = [int(part) for part in match[1].split(".")]
    while numbers and not numbers[-1]:  # 6.12 is 6.12.0
        numbers.pop()
    return tuple(numbers), float(match[2]) if match[2] else float("inf")


def _dpkg(one: str, other: str) -> int:
    from debian.debian_support import version_compare  # noqa: PLC0415  few need it, and it takes its time

    return version_compare(one, other)


def _rpm(one: str, other: str) -> int:
    try:
        from rpm_vercmp import vercmp  # noqa: PLC0415
    except ModuleNotFoundError as error:  # Debian's package of lockproof comes without
        msg = "the order of versions of an .rpm takes the Python package rpm-vercmp, which is not installed"
        raise UsageError(msg) from error

    first, second = _RPM.fullmatch(one), _RPM.fullmatch(other)
    assert first is not None  # noqa: S101  anything matches
    assert second is not None  # noqa: S101
    epochs = int(first["epoch"] or 0), int(second["epoch"] or 0)
    if epochs[0] != epochs[1]:
        return epochs[0] - epochs[1]
    return int(vercmp(first["version"], second["version"]) or vercmp(first["release"], second["release"]))


VENDORS: dict[str, Callable[[str, str], int]] = {
    "debian": _dpkg,
    "ubuntu": _dpkg,
    "fedora": _rpm,
    "redhat": _rpm,
    "suse": _rpm,
    "arch": _rpm,
    "proxmox": _dpkg,
    "gvisor": _dpkg,
}
"""How the versions of packages of each vendor are ordered."""


class _Bound(NamedTuple):
    version: str
    inclusive: bool


@dataclass(frozen=True, slots=True)
class Range:
    """Versions between two bounds, in an order."""

    order: Callable[[str, str], int]
    lower: _Bound | None
    upper: _Bound | None

    def __contains__(self, version: str) -> bool:
        """Tell whether a version is one of these."""
        return not (
            (self.lower is not None and not self._before(self.lower, _Bound(version, inclusive=True)))
            or (self.upper is not None and not self._before(_Bound(version, inclusive=True), self.upper))
        )

    def meets(self, other: Range) -> bool:
        """Tell whether there may be a version in both, of the same order."""
        return all(
            lower is None or upper is None or self._before(lower, upper)
            for lower, upper in ((self.lower, other.upper), (other.lower, self.upper))
        )

    def _before(self, lower: _Bound, upper: _Bound) -> bool:
        order = self.order(lower.version, upper.version)
        return order < 0 or (order == 0 and lower.inclusive and upper.inclusive)


def read_range(text: str, order: Callable[[str, str], int]) -> Range:
    """Return the range that `>= 2.6.16, < 7.4` means. Raises ValueError where it is none, has no end, or is empty."""
    lower = upper = None
    for part in text.split(","):
        match = _BOUND.fullmatch(part)
        if match is None or (order is compare_upstream and not _UPSTREAM.fullmatch(match[2])):
            msg = f"{part.strip()!r} is no bound; write <, <=, >, >= or = and a version, such as '>= 6.1, < 7.4'"
            raise ValueError(msg)
        bound = _Bound(match[2], inclusive="=" in match[1])
        if ("<" not in match[1] and lower is not None) or (">" not in match[1] and upper is not None):
            msg = f"{text!r} has two bounds on one side; write one"
            raise ValueError(msg)
        lower = bound if "<" not in match[1] else lower
        upper = bound if ">" not in match[1] else upper
    found = Range(order, lower, upper)
    if upper is None:
        msg = f"{text!r} has no end, so that nobody would look at it again; add < and a version"
        raise ValueError(msg)
    if not found.meets(found):
        msg = f"{text!r} has no version in it; write the lower bound first"
        raise ValueError(msg)
    return found
