# SPDX-License-Identifier: Apache-2.0
"""The architectures that kernels and probes are had for; adding one is adding a line here."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ARCHITECTURES", "DEFAULT", "Architecture"]

DEFAULT = "x86_64"
"""What the name of a kernel means where it does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """How others call it."""

    name: str
    kernel: str
    """The architecture of the kernel image: its own name, unless the probe is of another kind than the kernel."""
    debian: str
    flavours: tuple[str, ...]
    """Of Debian's kernels, the best first."""
    triple: str
    """GNU's name, which begins that of Debian's cross compiler."""
    libc: str
    """Debian's package with the static C library for that compiler."""
    zig: str
    host: tuple[str, ...] = ()
    """What `uname -m` says where the probe of this machine is of this kind."""


ARCHITECTURES = {
    each.name: each
    for each in (
        Architecture(
            name="x86_64",
            kernel="x86_64",
            debian="amd64",
            flavours=("cloud-amd64", "amd64"),
            triple="x86_64-linux-gnu",
            libc="libc6-dev-amd64-cross",
            zig="x86_64-linux-musl",
            host=("x86_64",),
        ),
        Architecture(
            name="x86_64-i386",
            kernel="x86_64",
            debian="amd64",
            flavours=("cloud-amd64", "amd64"),
            triple="i686-linux-gnu",
            libc="libc6-dev-i386-cross",
            zig="x86-linux-musl",
        ),
        Architecture(
            name="i386",
            kernel="i386",
            debian="i386",
            flavours=("686-pae", "686"),
            triple="i686-linux-gnu",
            libc="libc6-dev-i386-cross",
            zig="x86-linux-musl",
        ),
        Architecture(
            name="arm64",
            kernel="arm64",
            debian="arm64",
            flavours=("arm64",),
            triple="aarch64-linux-gnu",
            libc="libc6-dev-arm64-cross",
            zig="aarch64-linux-musl",
            host=("aarch64",),
        ),
        Architecture(
            name="arm64-16k",
            kernel="arm64-16k",
            debian="arm64",
            flavours=("arm64-16k",),
            triple="aarch64-linux-gnu",
            libc="libc6-dev-arm64-cross",
            zig="aarch64-linux-musl",
            host=("aarch64",),
        ),
        Architecture(
            name="ppc64le",
            kernel="ppc64le",
            debian="ppc64el",
            flavours=("powerpc64le-64k", "powerpc64le"),  # with pages of 64K where there is a choice
            triple="powerpc64le-linux-gnu",
            libc="libc6-dev-ppc64el-cross",
            zig="powerpc64le-linux-musl",
            host=("ppc64le",),
        ),
        Architecture(
            name="riscv64",
            kernel="riscv64",
            debian="riscv64",
            flavours=("riscv64",),
            triple="riscv64-linux-gnu",
            libc="libc6-dev-riscv64-cross",
            zig="riscv64-linux-musl",
            host=("riscv64",),
        ),
        Architecture(
            name="s390x",
            kernel="s390x",
            debian="s390x",
            flavours=("s390x",),
            triple="s390x-linux-gnu",
            libc="libc6-dev-s390x-cross",
            zig="s390x-linux-musl",
            host=("s390x",),
        ),
    )
}
"""By name, in the order in which they are listed."""
