# SPDX-License-Identifier: Apache-2.0
"""One run over a .deb, an .rpm, a package of Arch Linux and a build tree: one table, one JUnit file and one page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import html5lib
import pytest
from lxml import etree

from lockproof.runners import qemu
from tests.command import lockproof, verdicts
from tests.places import JUNIT_SCHEMA
from tests.runners.kernels.made_packages import arch_package, deb, rpm

if TYPE_CHECKING:
    from pathlib import Path

KERNEL = "debian/6.12"
PACKAGED = {
    "qemu:./linux-image.deb": ["debian", "6.12.107-1"],
    "qemu:./kernel-core.rpm": ["fedora", "6.12.5-200.fc41"],
    "qemu:./linux.pkg.tar.zst": ["arch", "6.18.1.arch1-1"],
    "qemu:./out": ["", ""],
}
"""What each target says of its package."""
SELECTION = ["mlock/no-change", "munlock/no-change"]

pytestmark = pytest.mark.qemu(KERNEL)


def pack(folder: Path) -> None:
    """Put one kernel into a package of each kind, where its distribution has it, and into what make leaves."""
    image = qemu.make(KERNEL).kernel.image.read_bytes()
    (folder / "linux-image.deb").write_bytes(deb({"boot/vmlinuz-6.12.107+deb13-amd64": image}))
    (folder / "kernel-core.rpm").write_bytes(rpm({"lib/modules/6.12.5-200.fc41.x86_64/vmlinuz": image}))
    (folder / "linux.pkg.tar.zst").write_bytes(arch_package({"usr/lib/modules/6.18.1-arch1-1/vmlinuz": image}))
    built = folder / "out" / "arch" / "x86" / "boot" / "bzImage"
    built.parent.mkdir(parents=True)
    built.write_bytes(image)


def test_packages_of_all_kinds_and_a_build_tree_are_one_run_with_one_report_of_each_kind(tmp_path: Path) -> None:
    pack(tmp_path)
    targets = [option for target in PACKAGED for option in ("-t", target)]
    reports = ["--report", "html=matrix.html", "--report", "junit=matrix.xml"]
    done = lockproof("run", "-j", "2", *targets, *reports, *SELECTION, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    found = verdicts(tmp_path)
    by_target = {target: {case: status for (of, case), status in found.items() if of == target} for target in PACKAGED}
    assert by_target["qemu:./out"]["mlock/no-change/hole-after-prefix"] == "FAIL"
    assert all(each == by_target["qemu:./out"] for each in by_target.values())
    assert "UNRESOLVED" not in found.values()
    (manifest,) = tmp_path.glob("results/*/run.json")
    info = json.loads(manifest.read_text())["info"]
    assert {target: info[target]["packaged"] for target in info} == PACKAGED

    junit = etree.parse(str(tmp_path / "matrix.xml")).getroot()
    etree.XMLSchema(etree.parse(str(JUNIT_SCHEMA))).assertValid(junit)
    said = [{each.attrib["name"]: each.attrib["value"] for each in suite.iter("property")} for suite in junit]
    assert {each["lockproof.target"]: each.get("lockproof.package", "").split() for each in said} == {
        target: list(filter(None, package)) for target, package in PACKAGED.items()
    }
    assert len(junit.findall(".//testcase")) == len(found)

    page = html5lib.parse((tmp_path / "matrix.html").read_text(), namespaceHTMLElements=False)
    rows = [list(row.itertext()) for row in page.iter("th") if row.get("scope") == "row"]
    for target, package in PACKAGED.items():
        (kernel,) = (row[1] for row in rows if row[0] == target)
        assert kernel.partition(" x86_64, 4 KiB pages")[2] == (f"; {' '.join(package)}" if package[0] else "")
