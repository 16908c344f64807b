# SPDX-License-Identifier: Apache-2.0
"""Which packages of a list are kernels that an architecture can have, or sources."""

from __future__ import annotations

import pytest

from lockproof.runners.kernels.apt import Root
from lockproof.runners.kernels.packages import Package, _parse

INDEX = """\
Package: linux-image-amd64
Version: 6.12.117-1
Size: 1500
Description: meta

Package: linux-image-6.12.117+deb13-amd64
Source: linux-signed-amd64 (6.12.117+1)
Version: 6.12.117-1
Depends: kmod, linux-base
Description: Linux 6.12 for 64-bit PCs
 Version: 7
Size: 108488460

Package: linux-image-6.12.117+deb13-cloud-amd64-unsigned
Version: 6.12.117-1
Size: 34670992

Package: linux-image-6.12.117+deb13-rt-amd64
Version: 6.12.117-1
Size: 1

Package: linux-image-6.12.117+deb13-amd64-dbg
Version: 6.12.117-1
Size: 1

Package: linux-headers-6.12.117+deb13-amd64
Version: 6.12.117-1
Size: 1

Package: linux-image-6.1.0-47-cloud-amd64
Version: 6.1.170-3
Size: 26429640

Package: linux-binary-unsigned-7.2.13+deb14-amd64
Version: 7.2.13-1
Size: 14250700

Package: linux-binary-7.2.13+deb14-cloud-amd64
Version: 7.2.13-1
Size: 13717736

Package: linux-source
Version: 6.12.117-1
Size: 1

Package: linux-source-6.12
Version: 6.12.117-1
Size: 153474904
"""


def test_of_a_list_the_kernels_and_sources_are_kept_that_an_architecture_can_have() -> None:
    assert list(_parse(INDEX, Root("sid", "amd64"))) == [
        Package("linux-image-6.12.117+deb13-amd64", "6.12.117-1", "sid", "amd64", 108488460),
        Package("linux-image-6.12.117+deb13-cloud-amd64-unsigned", "6.12.117-1", "sid", "cloud-amd64", 34670992),
        Package("linux-image-6.1.0-47-cloud-amd64", "6.1.170-3", "sid", "cloud-amd64", 26429640),
        Package("linux-binary-unsigned-7.2.13+deb14-amd64", "7.2.13-1", "sid", "amd64", 14250700),
        Package("linux-binary-7.2.13+deb14-cloud-amd64", "7.2.13-1", "sid", "cloud-amd64", 13717736),
        Package("linux-source-6.12", "6.12.117-1", "sid", "", 153474904),
    ]


@pytest.mark.parametrize(("architecture", "flavours"), [
    ("arm64", ["arm64", "arm64-16k"]), ("i386", ["686-pae", "686"]),
    ("ppc64el", ["powerpc64le", "powerpc64le-64k"]), ("s390x", ["s390x"]),
])  # fmt: skip
def test_each_architecture_has_its_own_flavours(architecture: str, flavours: list[str]) -> None:
    names = [
        "arm64",
        "arm64-16k",
        "rt-arm64",
        "686-pae",
        "686",
        "rt-686-pae",
        "powerpc64le",
        "powerpc64le-64k",
        "s390x",
    ]
    index = "\n".join(f"Package: linux-image-6.12.117+deb13-{name}\nVersion: 6.12.117-1\nSize: 1\n" for name in names)
    assert [package.flavour for package in _parse(index, Root("sid", architecture))] == flavours


def test_an_empty_list_has_no_packages() -> None:
    assert list(_parse("", Root("sid", "amd64"))) == []
