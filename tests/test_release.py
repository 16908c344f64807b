# SPDX-License-Identifier: Apache-2.0
"""What .ci/release makes: a wheel that brings the probes of all architectures, and man pages."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from lockproof.runners.architectures import ARCHITECTURES
from tests.places import CHECKOUT
from tests.roots import new_archive, new_root
from tests.test_ci_examples import GITHUB, GITLAB, JENKINS, STEPS

pytestmark = pytest.mark.skipif(not (CHECKOUT / ".git").exists(), reason="needs a git checkout")
PYTHON_3_11 = pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason="needs Python 3.11, which releases are made with"
)
ENVIRONMENT = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def release(checkout: Path) -> subprocess.CompletedProcess[str]:
    command = [checkout / ".ci/release"]
    return subprocess.run(command, cwd=checkout, env=ENVIRONMENT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkout of the last commit."""
    folder = tmp_path_factory.mktemp("release") / "lockproof"
    subprocess.run(["git", "clone", "-q", CHECKOUT, folder], check=True)
    return folder


@pytest.fixture
def copy(clone: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(clone, tmp_path / "lockproof", symlinks=True))


def test_a_tree_with_changes_is_not_released(copy: Path) -> None:
    (copy / "README.md").write_text("changed")
    done = release(copy)
    assert (done.returncode, done.stderr) == (
        1,
        ".ci/release: the tree has changes that are not committed; see git status\n",
    )
    assert not (copy / "dist").exists()


def test_a_version_that_the_change_log_does_not_know_is_not_released(copy: Path) -> None:
    log = copy / "CHANGELOG.md"
    log.write_text(re.sub(r"^## 1.*", "## 0.9.0", log.read_text(), flags=re.MULTILINE))
    subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qam", "Change"], cwd=copy, check=True
    )
    done = release(copy)
    assert done.returncode == 1
    assert re.fullmatch(r"\.ci/release: CHANGELOG\.md says nothing of version [0-9.]+; add a section\n", done.stderr)


def test_the_build_knows_the_triples_and_targets_of_all_architectures() -> None:
    text = (CHECKOUT / "native/probe/meson.build").read_text()
    assert dict(re.findall(r"'([a-z0-9_]+-linux-gnu)': '([a-z0-9_]+-linux-musl)'", text)) == {
        each.triple: each.zig for each in ARCHITECTURES.values()
    }


@pytest.fixture(scope="module")
def dist(clone: Path) -> Path:
    """Return what a release of the last commit makes."""
    done = release(clone)
    assert done.returncode == 0, done.stdout + done.stderr
    return clone / "dist"


@PYTHON_3_11
@pytest.mark.slow
def test_a_release_has_wheels_with_all_probes_and_a_man_page_for_each_command(dist: Path, tmp_path: Path) -> None:
    wheels = sorted(dist.glob("*.whl"))
    tags = [path.stem.split("-", 2)[2].removesuffix(f"_{os.uname().machine}") for path in wheels]
    assert tags == ["cp311-abi3-manylinux_2_28", "cp311-abi3-musllinux_1_2"]
    own = {each.triple for each in ARCHITECTURES.values() if os.uname().machine in each.host}
    for wheel in wheels:
        names = set(zipfile.ZipFile(wheel).namelist())
        triples = {each.triple for each in ARCHITECTURES.values()} - own
        assert {f"lockproof/native/lockproof-probe-{triple}" for triple in triples} <= names
        assert "lockproof/native/lockproof-probe" in names
    assert {"lockproof.1", "lockproof-run.1", "lockproof-kernel-add.1"} <= {
        path.name for path in (dist / "man").iterdir()
    }
    # Both installers; none of them finds a compiler.
    for tool in (["uv", "tool", "install", "-q"], ["pipx", "install", "-q"]):
        home = tmp_path / tool[0]
        environment = ENVIRONMENT | {
            "HOME": str(home),
            "UV_TOOL_DIR": str(home / "tools"),
            "UV_TOOL_BIN_DIR": str(home / "bin"),
            "PIPX_HOME": str(home / "pipx"),
            "PIPX_BIN_DIR": str(home / "bin"),
        }
        subprocess.run([*tool, "--python", sys.executable, wheels[0]], env=environment, check=True)
        environment["PATH"] = "/nowhere"
        said = subprocess.run(
            [home / "bin/lockproof", "probe", "--print-path", "--arch", "s390x"],
            env=environment, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        assert said.strip().endswith("lockproof/native/lockproof-probe-s390x-linux-gnu")


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def archive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a new Debian 12 or 13, packed."""
    return new_archive(request.param, tmp_path_factory.mktemp("debian") / f"{request.param}.tar")


@PYTHON_3_11
@pytest.mark.slow
@pytest.mark.debian_root
def test_the_wheel_tests_kernels_on_a_new_debian_without_a_compiler(dist: Path, archive: Path, tmp_path: Path) -> None:
    root = new_root(archive, tmp_path / "root")
    root.install("python3-venv", "qemu-system-x86")
    assert root.run("sh", "-c", "command -v cc gcc").returncode != 0
    (wheel,) = dist.glob("*manylinux*.whl")
    shutil.copy(wheel, root.path)
    script = """
        python3 -m venv venv
        venv/bin/pip install -q /*.whl
        image=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/ *Depends: \\(linux-image-[0-9].*\\)/\\1/p')
        apt-get download -qq "$image"
        set -- linux-image-*.deb
        venv/bin/lockproof run -t local -t "qemu:./$1" mlock/no-change || [ $? -eq 1 ]
    """
    done = root.run("sh", "-euc", script, folder="/root")
    counts = re.findall(r"^(local|qemu:\./linux-image\S+\.deb) .*?((?: +\d+){5})$", done.stdout, re.MULTILINE)
    assert [target[:6] for target, _ in counts] == ["local", "qemu:."], done.stdout + done.stderr
    for _, numbers in counts:
        passed, failed, unresolved, *_ = map(int, numbers.split())
        assert (passed > 5, failed > 5, unresolved) == (True, True, 0)


@PYTHON_3_11
@pytest.mark.slow
@pytest.mark.debian_root
@pytest.mark.parametrize("name", [GITHUB, GITLAB, JENKINS])
def test_the_recipes_for_ci_systems_install_the_wheel(name: str, dist: Path, tmp_path: Path) -> None:
    archive = new_archive("trixie", tmp_path / "debian.tar")  # what is inside of the image that they name
    root = new_root(archive, tmp_path / "root")
    (wheel,) = dist.glob("*manylinux*.whl")
    shutil.copy(wheel, root.path)
    for step in STEPS[name]():
        if step.name == "Install":
            done = root.run(*step.shell, step.script, LOCKPROOF=f"/{wheel.name}")
            assert done.returncode == 0, done.stderr
    assert root.run("lockproof", "--version").stdout.startswith("lockproof, version ")
    assert root.run("qemu-system-x86_64", "--version").returncode == 0
