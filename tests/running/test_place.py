# SPDX-License-Identifier: Apache-2.0
"""Kernels are told by what their vendors and they themselves say, and versions are in their vendor's order."""

from __future__ import annotations

import sys

import pytest

from lockproof.conformance.errors import UsageError
from lockproof.conformance.running.place import VENDORS, Place, compare_upstream, place_of, read_range
from tests.helpers import target_info


@pytest.mark.parametrize(
    ("release", "version", "place"),
    [
        ("6.12.117+deb13-cloud-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.12.117-1 (2026-11-12)", ("debian", "6.12.117-1", "6.12.117")),
        ("6.16.12+deb13-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.16.12-1~bpo13+1 (2025-11-17)", ("debian", "6.16.12-1~bpo13+1", "6.16.12")),
        ("5.10.0-32-cloud-amd64", "#1 SMP Debian 5.10.223-1 (2024-08-10)", ("debian", "5.10.223-1", "5.10.223")),
        ("6.8.0-45-generic", "#45-Ubuntu SMP PREEMPT_DYNAMIC Fri Aug 30", ("ubuntu", "6.8.0-45.45", "6.8.0")),
        ("6.8.0-45-generic", "#45~22.04.1-Ubuntu SMP PREEMPT_DYNAMIC", ("ubuntu", "6.8.0-45.45~22.04.1", "6.8.0")),
        ("6.11.4-301.fc41.x86_64", "#1 SMP PREEMPT_DYNAMIC", ("fedora", "6.11.4-301.fc41", "6.11.4")),
        ("5.14.0-427.13.1.el9_4.x86_64", "#1 SMP PREEMPT_DYNAMIC", ("redhat", "5.14.0-427.13.1.el9_4", "5.14.0")),
        ("6.4.0-150600.23.25-default", "#1 SMP PREEMPT_DYNAMIC", ("suse", "6.4.0-150600.23.25", "6.4.0")),
        ("6.18.44-fc-v669", "#1 SMP PREEMPT_DYNAMIC @0", ("", "", "6.18.44")),
        ("7.3.0-rc2-00012-gabcdef", "#1 SMP", ("", "", "7.3.0-rc2")),
        ("4.4.0", "#1 SMP Sun Jan 10 15:06:54 PST 2016", ("gvisor", "", "")),
    ],
)  # fmt: skip
def test_a_kernel_says_who_built_it(release: str, version: str, place: tuple[str, str, str]) -> None:
    assert place_of("local", target_info(release=release, version=version)) == Place(*place)


def test_a_model_is_no_linux_and_a_library_in_front_of_a_kernel_is_another_place() -> None:
    assert place_of("model:posix", target_info(system="model")) == Place("", "", "")
    assert place_of("local+posixmlock", target_info()) is None
    assert place_of("qemu:debian/6.1+fault-injection", target_info()) is not None


@pytest.mark.parametrize(
    ("vendor", "order"),
    [
        ("debian", ["6.12.9-1", "6.12.107-1~bpo12+1", "6.12.107-1", "6.12.107-1+b1", "6.12.107-2", "1:5.10-1"]),
        ("ubuntu", ["6.8.0-45.45~22.04.1", "6.8.0-45.45", "6.8.0-101.101"]),
        ("redhat", ["5.14.0-70.el9", "5.14.0-427.el9", "5.14.0-427.13.1.el9_4", "6.12.0-1.el10", "1:5.0-1"]),
        ("suse", ["6.4.0-150600.9.1", "6.4.0-150600.23.25"]),
    ],
)
def test_packages_are_in_the_order_of_their_vendor(vendor: str, order: list[str]) -> None:
    pairs = [(one, other) for number, one in enumerate(order) for other in order[number + 1 :]]
    assert [pair for pair in pairs if not VENDORS[vendor](*pair) < 0 < VENDORS[vendor](*reversed(pair))] == []
    assert [each for each in order if VENDORS[vendor](each, each) != 0] == []


def test_versions_of_linux_are_in_order() -> None:
    order = ["2.6.16", "5.10", "6.9", "6.12.9", "6.12.107", "7.3-rc1", "7.3.0-rc12", "7.3", "7.3.1"]
    pairs = [(one, other) for number, one in enumerate(order) for other in order[number + 1 :]]
    assert [pair for pair in pairs if not compare_upstream(*pair) < 0 < compare_upstream(*reversed(pair))] == []
    assert compare_upstream("6.12", "6.12.0") == 0


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        (">= 6.1, < 7.4", ["6.1", "6.1.170", "7.3.99", "7.4-rc1"], ["6.0.19", "7.4", "7.4.1"]),
        ("< 6.1", ["2.6.16", "6.1-rc7"], ["6.1"]),
        ("> 6.1, <= 6.12.5", ["6.1.1", "6.12.5"], ["6.1", "6.12.6"]),
        ("= 6.12", ["6.12", "6.12.0"], ["6.12.1"]),
    ],
)
def test_a_range_has_what_is_between_its_bounds(text: str, inside: list[str], outside: list[str]) -> None:
    found = read_range(text, compare_upstream)
    assert [version in found for version in (*inside, *outside)] == [True] * len(inside) + [False] * len(outside)


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        (">= 6.1, < 6.12", ">= 6.12, < 7", False),
        (">= 6.1, <= 6.12", ">= 6.12, < 7", True),
        ("< 6.1", "< 5.10", True),
        ("= 6.1", "> 6.1, < 7", False),
    ],
)
def test_ranges_meet_where_a_version_can_be_in_both(one: str, other: str, meet: bool) -> None:  # noqa: FBT001
    first, second = (read_range(text, compare_upstream) for text in (one, other))
    assert (first.meets(second), second.meets(first)) == (meet, meet)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (">= 6.1", "has no end"),
        ("6.1", "'6.1' is no bound"),
        ("< 6.1, < 7", "two bounds on one side"),
        (">= 7, < 6", "has no version in it"),
        ("< six", "'< six' is no bound"),
    ],
)
def test_a_range_that_is_none_is_told(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_range(text, compare_upstream)


def test_what_orders_versions_of_rpm_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rpm_vercmp", None)
    with pytest.raises(UsageError, match="takes the Python package rpm-vercmp, which is not installed"):
        VENDORS["fedora"]("6.12.5-200.fc41", "6.12.6-200.fc41")
