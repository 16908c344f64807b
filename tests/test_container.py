# SPDX-License-Identifier: Apache-2.0
"""The Containerfile: what hadolint says of it, and its steps, executed by buildah on a new Debian."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.places import CHECKOUT
from tests.roots import CERTIFICATES, new_archive

if TYPE_CHECKING:
    from collections.abc import Sequence

HADOLINT = Path(sys.executable).with_name("hadolint")
BASE = "docker.io/library/debian:trixie-slim"
CASE = "mlock/no-change/hole-after-prefix"


def hadolint(file: Path) -> list[str]:
    done = subprocess.run([HADOLINT, "--format", "json", file], capture_output=True, text=True, check=False)
    return [each["code"] for each in json.loads(done.stdout)]


@pytest.mark.skipif(not HADOLINT.exists(), reason="needs hadolint (an extra of lockproof: dev)")
def test_hadolint_has_nothing_to_say(tmp_path: Path) -> None:
    assert hadolint(CHECKOUT / "Containerfile") == []
    worse = (
        (CHECKOUT / "Containerfile")
        .read_text()
        .replace("USER 1000", "USER root")
        .replace("--no-install-recommends ", "")
    )
    (tmp_path / "Containerfile").write_text(worse)
    assert {"DL3002", "DL3015"} <= set(hadolint(tmp_path / "Containerfile"))


class Storage:
    """Images and containers of buildah in a folder."""

    def __init__(self, folder: Path) -> None:
        self.options = ["--root", str(folder / "root"), "--runroot", str(folder / "run"), "--storage-driver", "vfs"]

    def buildah(self, *words: str | Path) -> str:
        """Run a command, and return what it prints."""
        command = ["buildah", *self.options, *words]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout.strip()


def _trusting() -> Sequence[str]:
    """Let what runs in a container trust whom this machine trusts."""
    return [f"--volume={CERTIFICATES}:{CERTIFICATES}:ro", f"--env=PIP_CERT={CERTIFICATES}"]


@pytest.mark.slow
@pytest.mark.container
def test_the_image_is_built_and_tests_a_kernel_as_a_user_without_rights(tmp_path: Path) -> None:
    source = tmp_path / "source"
    subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{CHECKOUT}", source], check=True)
    storage = Storage(tmp_path / "storage")
    base = storage.buildah("from", "scratch")
    storage.buildah("add", "-q", base, new_archive("trixie", tmp_path / "debian.tar"), "/")
    storage.buildah("commit", "-q", base, BASE)
    storage.buildah("build", "--isolation", "chroot", "--pull=never", "-t", "lockproof", *_trusting(), source)

    container = storage.buildah("from", "--pull=never", "localhost/lockproof")
    top = Path(storage.buildah("mount", container))
    assert not list(top.glob("usr/bin/*gcc*"))
    assert not (top / "source").exists()
    inspected = json.loads(storage.buildah("inspect", "--type", "image", "localhost/lockproof"))["OCIv1"]["config"]
    assert (inspected["User"], inspected["Entrypoint"]) == ("1000", ["lockproof"])
    # 387 were seen: 128 of this Debian, which is not as slim as that of the registry, 74 of lockproof, and QEMU.
    megabytes = sum(path.lstat().st_blocks for path in top.rglob("*")) * 512 / 1e6
    assert megabytes < 400
    # It fetches the kernel, as whom the image says; 1 says that the kernel deviates.
    run = ["run", "--isolation", "chroot", f"--volume={CERTIFICATES}:{CERTIFICATES}:ro", container, "--", "sh", "-c"]
    said = storage.buildah(*run, f"id -u && lockproof run -t qemu:debian/6.12 {CASE} || [ $? -eq 1 ]")
    assert said.startswith("1000\n")
    assert re.search(r"^qemu:debian/6.12 .* 0     1           0            0         0$", said, re.MULTILINE), said
