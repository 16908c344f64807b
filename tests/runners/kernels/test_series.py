# SPDX-License-Identifier: Apache-2.0
"""The series of patches that come with lockproof: which versions have one, and what is in it."""

from __future__ import annotations

import re

import pytest

from lockproof.conformance.errors import UsageError
from lockproof.runners.kernels import series

PATCHES = [
    (version, name, text.decode())
    for version in series.versions()
    for name, text in series.patches(f"debian/{version}")
]


def test_there_is_a_series_and_its_versions_are_told_oldest_first() -> None:
    numbers = [[int(part) for part in version.split(".")] for version in series.versions()]
    assert numbers
    assert numbers == sorted(numbers)


@pytest.mark.parametrize("source", ["debian/7.2", "/no/where/linux-7.2.13", "linux-source-7.2_7.2.13-1.tar.xz"])
def test_the_name_of_the_sources_tells_which_series_fits(source: str) -> None:
    assert series.patches(source) == series.patches("debian/7.2")


@pytest.mark.parametrize(
    ("source", "why"),
    [("debian/5.10", "for Linux 5.10"), ("/srv/7.2/linux", "where the name tells no version")],
)
def test_sources_without_a_series_are_told_those_that_have_one(source: str, why: str) -> None:
    with pytest.raises(UsageError) as error:
        series.patches(source)
    there = ", ".join(f"debian/{version}" for version in series.versions())
    assert str(error.value) == f"{source}: --posixmlock has no patches {why}; it has those for {there}"


@pytest.mark.parametrize(
    ("version", "name", "text"), PATCHES, ids=[f"{version}/{name}" for version, name, _ in PATCHES]
)
def test_each_patch_says_its_license_what_it_is_for_and_where_it_stands(version: str, name: str, text: str) -> None:
    numbers = sorted(int(other.partition("-")[0]) for v, other, _ in PATCHES if v == version)
    assert numbers == list(range(1, len(numbers) + 1))
    subject = re.search(r"^Subject: \[PATCH (\d+)/(\d+)\] (?:mm|selftests)[\w/]*: .+", text, re.MULTILINE)
    assert subject
    assert (int(subject[1]), int(subject[2])) == (int(name.partition("-")[0]), len(numbers))
    assert text.startswith("SPDX-License-Identifier: GPL-2.0-only\n")
    assert len(text[: text.index("\n---\n")].splitlines()) >= 10
