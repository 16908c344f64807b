# SPDX-License-Identifier: Apache-2.0
"""Debian's package, from debian/: built, looked at by lintian, installed where nothing else is, and tested by autopkgtest."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.places import CHECKOUT
from tests.roots import Root, new_archive, new_root

if TYPE_CHECKING:
    from pathlib import Path

SUITE = "forky"  # the first that has the versions that lockproof takes


def test_the_package_has_the_version_of_what_is_in_it() -> None:
    version = re.search(r"version: '(.*?)'", (CHECKOUT / "meson.build").read_text())
    assert version is not None
    assert (CHECKOUT / "debian/changelog").read_text().startswith(f"lockproof ({version[1]}) unstable;")


@pytest.mark.slow
@pytest.mark.debian_root
@pytest.mark.autopkgtest
def test_the_package_is_built_installed_and_tested(tmp_path: Path) -> None:
    archive = new_archive(SUITE, tmp_path / "root.tar")
    builder = new_root(archive, tmp_path / "builder")
    source = builder.path / "build/lockproof"
    subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{CHECKOUT}", source], check=True)
    builder.install("build-essential", "lintian")
    for words in (["apt-get", "-qq", "build-dep", "-y", "./"], ["dpkg-buildpackage", "-us", "-uc"]):
        done = builder.run(*words, folder="/build/lockproof")
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    done = builder.run(
        "sh", "-c", "lintian --allow-root --fail-on error,warning,info --display-info *.changes", folder="/build"
    )
    assert (done.returncode, done.stdout) == (0, "")

    (package,) = (builder.path / "build").glob("lockproof_*.deb")
    root = new_root(archive, tmp_path / "installed")
    shutil.copy(package, root.path)
    root.install(f"./{package.name}")
    _it_works(root)

    under_test = new_root(archive, tmp_path / "tested")
    under_test.install("apt-utils")  # autopkgtest makes a repository of the package
    done = _autopkgtest(under_test, package, source, tmp_path / "out")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    summary = (tmp_path / "out/summary").read_text()
    assert re.findall(r"^(\S+) +(\S+)", summary, re.MULTILINE) == [("models", "PASS"), ("running-kernel", "PASS")], (
        done.stdout[-3000:]
    )


def _it_works(root: Root) -> None:
    assert root.run("sh", "-c", "command -v cc gcc").returncode != 0
    assert root.run("lockproof", "--version").stdout == "lockproof, version 1.0.0\n"
    assert {"lockproof.1.gz", "lockproof-kernel-add.1.gz"} <= {
        path.name for path in (root.path / "usr/share/man/man1").iterdir()
    }
    targets = ["-t", "local", "-t", "local+posixmlock", "-t", "model:posix"]
    done = root.run("lockproof", "run", *targets, "mlock/no-change/hole-after-prefix", folder="/root")
    counts = re.findall(r"^(local|local\+posixmlock|model:posix) .*?((?: +\d+){5})$", done.stdout, re.MULTILINE)
    passed = {name: counts.split()[0] for name, counts in counts}
    assert passed == {"local": "0", "local+posixmlock": "1", "model:posix": "1"}, done.stdout + done.stderr


def _autopkgtest(root: Root, package: Path, source: Path, out: Path) -> subprocess.CompletedProcess[str]:
    words = ["autopkgtest", str(package), f"{source}/", "-o", str(out), "--", "chroot", str(root.path)]
    script = 'mount --rbind /dev "$1/dev"; mount -t proc proc "$1/proc"; shift; exec "$@"'
    return subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-euc", script, "sh", str(root.path), *words],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
