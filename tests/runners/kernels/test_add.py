# SPDX-License-Identifier: Apache-2.0
"""Kernels out of packages: the layouts of distributions, what their kernels need, and packages that are bad."""

from __future__ import annotations

import gzip
import random
import struct
import sys
from typing import TYPE_CHECKING

import lz4.block
import lz4.frame
import pytest
import zstandard

from lockproof.conformance.errors import LockproofError, TargetError, UsageError
from lockproof.runners.kernels import add as adding
from lockproof.runners.kernels import catalogue, kernel
from lockproof.runners.target import make_target
from tests.runners.guest.test_initramfs import members
from tests.runners.kernels.images import arm64, bzimage
from tests.runners.kernels.made_packages import Link, arch_package, deb, rpm, tarball, xz, zst

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from lockproof.runners.kernels.catalogue import CachedKernel

IMAGE = bzimage()
OPTIONS = "\n".join(
    f"CONFIG_{name}=y" for name in ("BLK_DEV_INITRD", "BINFMT_ELF", "DEVTMPFS", "PROC_FS", "SERIAL_8250")
)
CONFIG = OPTIONS.encode()
MODULAR = CONFIG.replace(b"SERIAL_8250=y", b"SERIAL_8250=m")


def module(name: str, *depends: str) -> bytes:
    return b"\x7fELF\0license=GPL\0depends=" + ",".join(depends).encode() + b"\0name=" + name.encode() + b"\0"


BASE, DRIVER, PINS = module("8250_base", "serial-mctrl-gpio"), module("8250", "8250_base"), module("serial_mctrl_gpio")


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCKPROOF_CACHE", str(tmp_path / "cache"))


def said(line: str) -> None:
    assert "\n" not in line


def added(*paths: Path, name: str | None = None) -> CachedKernel:
    (made,) = adding.add([str(path) for path in paths], name, said)
    assert made.is_whole
    return made


def left_behind() -> list[str]:
    """Return the files in the cache that are neither locks nor empty folders."""
    return sorted(path.name for path in catalogue.folder().rglob("*") if path.is_file() and path.suffix != ".lock")


# Layouts

DEBIAN = "6.12.107+deb13-amd64"
UBUNTU = "6.8.0-31-generic"
FEDORA = "6.12.5-200.fc41.x86_64"
SUSE = "6.4.0-150600.23-default"
ARCH = "6.18.1-arch1-1"

LAYOUTS = {
    "debian.deb": (
        deb({f"boot/config-{DEBIAN}": CONFIG, f"boot/vmlinuz-{DEBIAN}": IMAGE, f"lib/modules/{DEBIAN}/modules.order": b""}),
        f"debian/{DEBIAN}", "debian", "6.12.107-1",
    ),
    "sid.deb": (deb({f"usr/lib/modules/{DEBIAN}/vmlinuz": IMAGE}), f"debian/{DEBIAN}", "debian", "6.12.107-1"),
    "ubuntu.deb": (
        deb({f"boot/vmlinuz-{UBUNTU}": IMAGE}, maintainer="Ubuntu Kernel Team <kernel-team@lists.ubuntu.com>",
            version="6.8.0-31.31", pack=zst, suffix="zst"),
        f"ubuntu/{UBUNTU}", "ubuntu", "6.8.0-31.31",
    ),
    "proxmox.deb": (
        deb({"boot/vmlinuz-6.8.12-4-pve": IMAGE}, maintainer="Proxmox Support Team <support@proxmox.com>", version="6.8.12-4"),
        "proxmox/6.8.12-4-pve", "proxmox", "6.8.12-4",
    ),
    "kernel-core.rpm": (
        rpm({f"lib/modules/{FEDORA}/.vmlinuz.hmac": b"x", f"lib/modules/{FEDORA}/config": CONFIG,
             f"lib/modules/{FEDORA}/vmlinuz": IMAGE, f"boot/symvers-{FEDORA}.zst": Link("/lib/modules/x")}),
        f"fedora/{FEDORA}", "fedora", "6.12.5-200.fc41",
    ),
    "kernel-default.rpm": (
        rpm({f"usr/lib/modules/{SUSE}/vmlinuz": IMAGE, f"usr/lib/modules/{SUSE}/vmlinux.xz": b"not looked at"},
            vendor="SUSE LLC <https://www.suse.com/>", version="6.4.0", release="150600.23.1", pack=xz),
        f"suse/{SUSE}", "suse", "6.4.0-150600.23.1",
    ),
    "linux.pkg.tar.zst": (
        arch_package({f"usr/lib/modules/{ARCH}/vmlinuz": IMAGE, f"usr/lib/modules/{ARCH}/pkgbase": b"linux\n"}),
        f"arch/{ARCH}", "arch", "6.18.1.arch1-1",
    ),
    "image.tar": (tarball({"boot/vmlinuz": Link("vmlinuz-6.6.1"), "boot/vmlinuz-6.6.1": IMAGE}), "6.6.1", "", "6.6.1"),
    "image.tar.gz": (gzip.compress(tarball({"./boot/vmlinuz-6.6.1": IMAGE})), "6.6.1", "", "6.6.1"),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_kernel_of_any_distribution_is_found_with_its_vendor_and_version(tmp_path: Path, name: str) -> None:
    content, wanted, vendor, version = LAYOUTS[name]
    (tmp_path / name).write_bytes(content)
    made = added(tmp_path / name)
    assert (made.name, made.arch, made.vendor, made.version) == (wanted, "x86_64", vendor, version)
    assert made.path.read_bytes() == IMAGE
    assert made.origin.startswith(f"added from {name}, ")
    assert kernel.find(wanted).packaged == ((vendor, version) if vendor else ("", ""))


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_path_of_a_package_is_a_kernel_that_is_not_listed(tmp_path: Path, name: str) -> None:
    content, _, vendor, version = LAYOUTS[name]
    (tmp_path / name).write_bytes(content)
    first, second = (kernel.find(str(tmp_path / name)) for _ in range(2))
    assert first == second
    assert (first.name, first.arch) == (str(tmp_path / name), "x86_64")
    assert first.image.read_bytes() == IMAGE
    assert first.packaged == ((vendor, version) if vendor else ("", ""))
    assert catalogue.known() == []


def tree(top: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(content)
    return top


def test_a_build_tree_is_a_kernel_and_is_read_anew_each_time(tmp_path: Path) -> None:
    out = tree(tmp_path / "out", {".config": CONFIG, "arch/x86/boot/bzImage": IMAGE, "vmlinux": b"\x7fELF"})
    assert kernel.find(str(out)).image.read_bytes() == IMAGE
    newer = bzimage(size=4096)
    (out / "arch/x86/boot/bzImage").write_bytes(newer)
    assert kernel.find(str(out)).image.read_bytes() == newer


# What a kernel needs

TREE = {
    ".config": MODULAR,
    "arch/x86/boot/bzImage": IMAGE,
    "drivers/tty/serial/8250/8250.ko": DRIVER,
    "drivers/tty/serial/8250/8250_base.ko": BASE,
    "drivers/tty/serial/serial_mctrl_gpio.ko": PINS,
    "drivers/net/other.ko": module("other"),
}


def loaded(made: CachedKernel) -> list[str]:
    """Return the lines of /modules/order in the archive of a kernel."""
    assert made.modules_path is not None
    found = {member.name: member.content for member in members(made.modules_path.read_bytes())}
    order = found["modules/order"].decode().split()
    assert set(found) == {"modules", "modules/order", "TRAILER!!!", *(f"modules/{name}.ko" for name in order)}
    return order


def packed_as(suffix: str, pack: Callable[[bytes], bytes]) -> bytes:
    where = f"lib/modules/{FEDORA}/kernel/drivers/tty/serial"
    return rpm(
        {
            f"lib/modules/{FEDORA}/config": MODULAR,
            f"lib/modules/{FEDORA}/vmlinuz": IMAGE,
            f"{where}/8250/8250.ko{suffix}": pack(DRIVER),
            f"{where}/8250/8250_base.ko{suffix}": pack(BASE),
            f"{where}/serial_mctrl_gpio.ko{suffix}": pack(PINS),
        }
    )


@pytest.mark.parametrize(("suffix", "pack"), [("", bytes), (".gz", gzip.compress), (".xz", xz), (".zst", zst)])
def test_a_driver_that_is_a_module_comes_with_what_it_depends_on_in_the_order_of_loading(
    tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes]
) -> None:
    (tmp_path / "kernel.rpm").write_bytes(packed_as(suffix, pack))
    made = added(tmp_path / "kernel.rpm")
    assert loaded(made) == ["serial_mctrl_gpio", "8250_base", "8250"]
    assert made.modules_path is not None
    assert all(part in made.modules_path.read_bytes() for part in (DRIVER, BASE, PINS))
    assert kernel.find(made.name).modules == made.modules_path


def test_a_build_tree_gives_the_modules_that_it_built(tmp_path: Path) -> None:
    assert loaded(added(tree(tmp_path / "out", TREE), name="mine")) == ["serial_mctrl_gpio", "8250_base", "8250"]


def test_a_kernel_with_its_drivers_built_in_has_no_modules(tmp_path: Path) -> None:
    assert added(tree(tmp_path / "out", TREE | {".config": CONFIG}), name="mine").modules_path is None


def test_a_package_of_modules_goes_with_the_kernel_of_its_release(tmp_path: Path) -> None:
    where = f"lib/modules/{UBUNTU}/kernel"
    image, modules = tmp_path / "linux-image.deb", tmp_path / "linux-modules.deb"
    image.write_bytes(deb({f"boot/vmlinuz-{UBUNTU}": IMAGE, f"boot/config-{UBUNTU}": MODULAR}))
    modules.write_bytes(
        deb({f"{where}/8250.ko": DRIVER, f"{where}/8250_base.ko": BASE, f"{where}/p/serial_mctrl_gpio.ko": PINS})
    )
    assert loaded(added(modules, image)) == ["serial_mctrl_gpio", "8250_base", "8250"]
    with pytest.raises(
        UsageError, match=rf"linux-modules.deb: has no kernel, only modules of {UBUNTU}; give the package"
    ):
        added(modules)
    with pytest.raises(
        UsageError, match="CONFIG_SERIAL_8250=m, and the module 8250 is not there; give the package with"
    ):
        added(image)


# Images

ARM = arm64()


def legacy(content: bytes) -> bytes:
    block: bytes = lz4.block.compress(content, store_size=False)
    return b"\x02\x21\x4c\x18" + struct.pack("<I", len(block)) + block


def zboot(payload: bytes, way: bytes) -> bytes:
    return b"MZ\0\0zimg" + struct.pack("<II8x", 64, len(payload)) + way.ljust(40, b"\0") + payload


PACKED = {"gz": gzip.compress, "xz": xz, "zst": zst, "lz4": lz4.frame.compress, "lz4 -l": legacy}


@pytest.mark.parametrize("way", PACKED)
def test_an_image_is_unpacked_however_it_is_compressed_also_as_efi_zboot(tmp_path: Path, way: str) -> None:
    for content in (PACKED[way](ARM), zboot(PACKED[way](ARM), way.encode())):
        (tmp_path / "Image").write_bytes(content)
        assert kernel.find(str(tmp_path / "Image")).image.read_bytes() == ARM
        (tmp_path / "Image").write_bytes(content[:-3])
        with pytest.raises(UsageError, match="truncated"):
            kernel.find(str(tmp_path / "Image"))


# Bad input

BOMB = zstandard.ZstdCompressor().compress(bytes(300 << 20))
GOOD = deb({f"boot/vmlinuz-{DEBIAN}": IMAGE})
IN_TREE = {f"boot/vmlinuz-{DEBIAN}": IMAGE}

BAD = {
    "no-kernel.deb": (deb({"usr/share/doc/x": b"x"}), "has no kernel; give a package that has one in /boot"),
    "cut.deb": (GOOD[:-20], "the package cannot be unpacked: it is truncated; get it again"),
    "cut.rpm": (rpm(IN_TREE)[:-5], "the package cannot be unpacked: it is truncated; get it again"),
    "cut-headers.rpm": (rpm(IN_TREE)[:130], "the package cannot be unpacked: its headers are truncated or damaged; get it again"),
    "cut.pkg.tar.zst": (arch_package(IN_TREE)[:-5], "is truncated; get it again"),
    "damaged.deb": (GOOD.replace(b"data.tar.xz", b"nota.tar.xz"), "the package cannot be unpacked: it has no data.tar; get it again"),
    "traversal.tar": (tarball({"../../etc/passwd": b"x", **IN_TREE}), "it has a file outside of itself, '../../etc/passwd'"),
    "absolute.tar": (tarball({"/etc/passwd": b"x", **IN_TREE}), "it has a file outside of itself, '/etc/passwd'"),
    "traversal.rpm": (rpm({"../x": b"x", **IN_TREE}), "it has a file outside of itself, './../x'"),
    "link.tar": (tarball({"boot/vmlinuz-6.1": Link("../../etc/passwd")}), "boot/vmlinuz-6.1 is a link that leads out of it"),
    "hard-link.tar": (tarball({"boot/vmlinuz-6.1": Link("../etc/passwd", is_hard=True)}), "it has a file outside of itself, '../etc/passwd'"),
    "dangling.tar": (tarball({"boot/vmlinuz-6.1": Link("/etc/passwd")}), "boot/vmlinuz-6.1 leads to etc/passwd, which is not there"),
    "two.tar": (tarball({"boot/vmlinuz-6.1": IMAGE, "boot/vmlinuz-6.2": IMAGE}), "has several kernels, 6.1, 6.2; give one of them"),
    "no-image.tar": (tarball({"boot/vmlinuz-6.1": bytes(0x20000)}), "no kernel image"),
    "other.tar": (tarball({"boot/vmlinux-6.1": b"\x7fELF\x02\x01\x01" + bytes(11) + b"\x08" + bytes(0x20000)}), "a kernel of an architecture that is not supported"),
    "bomb.tar.zst": (BOMB, "no kernel image"),
    "tar-bomb.tar.zst": (zst(tarball({"boot/vmlinuz-6.1": IMAGE}) + bytes(300 << 20)), "it unpacks to more than 268435456 bytes"),
    "without.tar": (
        tarball({"boot/vmlinuz-6.1": IMAGE, "boot/config-6.1": CONFIG.replace(b"CONFIG_SERIAL_8250=y", b"")}),
        "built without CONFIG_SERIAL_8250, so that it cannot be talked to",
    ),
    "garbage.deb": (b"!<arch>\n" + b"garbage " * 40, "the package cannot be unpacked"),
    "empty.deb": (b"", "the kernel image is truncated: it is empty"),
}  # fmt: skip


LARGE = {"boot/vmlinuz-6.1": bzimage() + random.Random(1).randbytes(400_000)}  # noqa: S311  what does not compress


@pytest.mark.parametrize(
    "content", [deb(LARGE), rpm(LARGE), arch_package(LARGE), tarball(LARGE)], ids=["deb", "rpm", "arch", "tar"]
)
def test_a_package_that_is_cut_anywhere_is_one_line_and_leaves_nothing_behind(tmp_path: Path, content: bytes) -> None:
    for size in (50, 300, 700, 5_000, 100_000, 300_000, len(content) - 20_000):
        (tmp_path / "cut").write_bytes(content[:size])
        with pytest.raises(UsageError) as caught:
            kernel.find(str(tmp_path / "cut"))
        assert str(tmp_path / "cut") in str(caught.value)
        assert "\n" not in str(caught.value)
        assert left_behind() == []


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_and_leaves_nothing_behind(tmp_path: Path, name: str) -> None:
    content, message = BAD[name]
    (tmp_path / name).write_bytes(content)
    for ask in (lambda path: adding.add([path], None, said), kernel.find):
        with pytest.raises(LockproofError) as caught:
            ask(str(tmp_path / name))
        assert message in str(caught.value)
        assert str(tmp_path / name) in str(caught.value)
        assert "\n" not in str(caught.value)
        assert caught.value.exit_code in {2, 3}
        assert left_behind() == []


def test_a_package_of_another_architecture_is_not_taken_for_the_wanted_one(tmp_path: Path) -> None:
    (tmp_path / "arm.deb").write_bytes(deb({"boot/vmlinuz-6.1.0-arm64": gzip.compress(ARM)}))
    assert added(tmp_path / "arm.deb").name == "debian/6.1.0-arm64@arm64"
    with pytest.raises(UsageError, match=r"arm\.deb: a kernel of arm64, not of s390x; leave out @s390x"):
        kernel.find(f"{tmp_path / 'arm.deb'}@s390x")


def test_a_name_is_for_one_kernel_and_is_none_of_debian_s(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(tarball(IN_TREE))
    for name in ("debian/6.1", "a b", "../x", "", "x@arm64", str(tmp_path)):
        with pytest.raises(UsageError, match="no name for one"):
            added(tmp_path / "a.tar", name=name)
    with pytest.raises(UsageError, match="--name x: for one kernel, and these are 2"):
        added(tmp_path / "a.tar", tmp_path / "a.tar", name="x")
    assert added(tmp_path / "a.tar", name="nightly/main").name == "nightly/main"


def test_an_address_is_fetched_and_one_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(tarball(IN_TREE))
    assert [made.name for made in adding.add([(tmp_path / "a.tar").as_uri()], "x", said)] == ["x"]
    with pytest.raises(TargetError, match=r"cannot be fetched: .*; check the address") as caught:
        adding.add(["http://127.0.0.1:9/a.deb"], "y", said)
    assert "\n" not in str(caught.value)


# In a guest


@pytest.mark.qemu("debian/6.12")
@pytest.mark.parametrize("kind", ["rpm", "arch"])
def test_a_real_kernel_boots_out_of_a_package_that_says_whose_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.delenv("LOCKPROOF_CACHE")
    content = catalogue.cached("debian/6.12")
    assert content is not None
    image = content.path.read_bytes()
    monkeypatch.setenv("LOCKPROOF_CACHE", str(tmp_path / "cache"))
    path = tmp_path / f"kernel.{kind}"
    if kind == "rpm":
        path.write_bytes(rpm({f"lib/modules/{FEDORA}/vmlinuz": image}))
        vendor, version = "fedora", "6.12.5-200.fc41"
    else:
        path.write_bytes(arch_package({f"usr/lib/modules/{ARCH}/vmlinuz": image}))
        vendor, version = "arch", "6.18.1.arch1-1"
    with make_target(f"qemu:{path}").session() as session:
        assert (session.info.vendor, session.info.package) == (vendor, version)
        assert session.info.release.startswith("6.12.")


def test_what_reads_an_rpm_is_named_where_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "kernel.rpm"
    path.write_bytes(rpm({"lib/modules/6.12.5/vmlinuz": IMAGE, "lib/modules/6.12.5/config": CONFIG}))
    monkeypatch.setitem(sys.modules, "rpmfile", None)
    with pytest.raises(UsageError) as caught:
        added(path)
    assert str(caught.value) == "an .rpm takes the Python package rpmfile, which is not installed"
    assert left_behind() == []
