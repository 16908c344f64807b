# SPDX-License-Identifier: Apache-2.0
"""The catalogue keeps kernels that were fetched or built, whole, one for each name."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lockproof.conformance.errors import StoreError, TargetError, UsageError
from lockproof.runners.host import cache
from lockproof.runners.kernels import catalogue, kernel
from lockproof.runners.kernels.catalogue import CachedKernel
from lockproof.runners.kernels.kernel import Kernel
from tests.runners.kernels.images import arm64, bzimage, writes

if TYPE_CHECKING:
    from pathlib import Path


def fails(_: Path) -> None:
    pytest.fail("the kernel was there")


WANTED = CachedKernel(name="debian/6.12", arch="x86_64", version="6.12.1-1", origin="linux-image-6.12.1-amd64 (trixie)")
OF_ARM = replace(WANTED, name="debian/6.12@arm64", arch="arm64")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the working directory empty, and the catalogue too."""
    monkeypatch.setenv("LOCKPROOF_CACHE", str(tmp_path / "cache"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def refused(text: str) -> str:
    """Return what is said to a user who asks for a kernel."""
    with pytest.raises(UsageError) as caught:
        kernel.find(text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_empty_catalogue_knows_nothing() -> None:
    assert catalogue.known() == []
    assert catalogue.cached("debian/6.12") is None


def test_what_is_entered_is_found_by_its_name() -> None:
    made = catalogue.store(WANTED, writes(bzimage()))
    assert made == replace(WANTED, image="debian%2f6.12.image", size=2048)
    assert catalogue.cached("debian/6.12") == made
    assert made.path.read_bytes() == bzimage()
    assert kernel.find("debian/6.12") == Kernel("debian/6.12", made.path, "x86_64")
    assert kernel.find("debian/6.12@x86_64") == Kernel("debian/6.12", made.path, "x86_64")
    assert kernel.find("debian/6.12@x86_64-i386") == Kernel("debian/6.12@x86_64-i386", made.path, "x86_64-i386")


def test_a_kernel_is_entered_for_each_architecture_and_known_by_name() -> None:
    arm = catalogue.store(OF_ARM, writes(arm64()))
    x86 = catalogue.store(WANTED, writes(bzimage()))
    older = catalogue.store(replace(WANTED, name="debian/6.1"), writes(bzimage()))
    assert catalogue.known() == [older, x86, arm]
    assert kernel.find("debian/6.12@arm64") == Kernel("debian/6.12@arm64", arm.path, "arm64")


def test_a_kernel_is_not_written_again_unless_its_origin_is_another() -> None:
    first = catalogue.store(WANTED, writes(bzimage()))
    assert catalogue.store(WANTED, fails) == first
    newer = replace(WANTED, version="6.12.2-1", origin="linux-image-6.12.2-amd64 (trixie)")
    assert catalogue.store(newer, writes(bzimage(size=4096))) == replace(newer, image=first.image, size=4096)
    assert catalogue.known() == [replace(newer, image=first.image, size=4096)]
    assert first.path.read_bytes() == bzimage(size=4096)


def test_a_kernel_whose_image_was_deleted_is_written_again() -> None:
    made = catalogue.store(WANTED, writes(bzimage()))
    made.path.unlink()
    assert refused("debian/6.12") == (
        f"kernel 'debian/6.12': its image is damaged or gone ({made.path}); run: lockproof kernel fetch debian/6.12"
    )
    assert catalogue.store(WANTED, writes(bzimage())) == made
    assert kernel.find("debian/6.12").image == made.path


FLIPPED = bytearray(bzimage())
FLIPPED[1000] ^= 1


@pytest.mark.parametrize(
    "content",
    [bzimage(size=4096), bzimage(bits=32), bzimage() + b"more", bzimage()[:1500], b"", bytes(FLIPPED)],
    ids=["other size", "i386", "longer", "cut", "empty", "flipped"],
)
def test_an_image_that_was_damaged_is_refused_and_written_again(content: bytes) -> None:
    made = catalogue.store(WANTED, writes(bzimage()))
    made.path.write_bytes(content)
    assert refused("debian/6.12") == (
        f"kernel 'debian/6.12': its image is damaged or gone ({made.path}); run: lockproof kernel fetch debian/6.12"
    )
    said: list[str] = []
    assert catalogue.store(WANTED, writes(bzimage()), said.append) == made
    assert said == [f"{made.path}: damaged; getting debian/6.12 again"]
    assert kernel.find("debian/6.12").image.read_bytes() == bzimage()


def test_of_a_damaged_kernel_that_was_built_is_said_how_it_was() -> None:
    origin = "built from debian/6.1, b57ff4"
    made = catalogue.store(replace(WANTED, name="debian/6.1+one", origin=origin), writes(bzimage()))
    made.path.write_bytes(bytes(FLIPPED))
    assert refused("debian/6.1+one") == (
        f"kernel 'debian/6.1+one': its image is damaged or gone ({made.path}); "
        f"run the same lockproof kernel build again, it was {origin}"
    )


def test_a_kernel_is_written_again_where_that_is_asked() -> None:
    catalogue.store(WANTED, writes(bzimage()))
    again = catalogue.store(WANTED, writes(bzimage(size=4096)), again=True)
    assert (again.size, again.path.read_bytes()) == (4096, bzimage(size=4096))


def test_a_kernel_that_is_removed_is_gone_with_what_it_was_built_as_and_no_other_is() -> None:
    built = catalogue.folder() / "built"
    built.mkdir(parents=True)
    for name, size in (("ours", 2048), ("other", 4096)):
        cache.keep(built / name, writes(bzimage(size=size)))
    made = catalogue.store(replace(WANTED, name="linux+tiny"), writes(bzimage()))
    other = catalogue.store(WANTED, writes(bzimage(size=8192)))
    assert catalogue.remove("linux+tiny") == made
    assert catalogue.remove("linux+tiny") is None
    assert catalogue.known() == [other]
    assert sorted(path.name for path in built.iterdir()) == ["other", "other.sha256"]
    assert sorted(path.name for path in catalogue.folder().iterdir() if "linux" in path.name) == [
        ".linux+tiny.image.lock"
    ]


@pytest.mark.parametrize(("content", "message"), [
    (arm64(), "a kernel of arm64 came instead of one of x86_64"),
    (bzimage(bits=32), "a kernel of i386 came instead of one of x86_64"),
    (bzimage()[:-1], "the kernel image is truncated: it has 2047 bytes and should have at least 2048; get it again"),
    (b"<html>", "no kernel image, or the beginning of one: it has only 6 bytes"),
], ids=["arm64", "i386", "cut", "none"])  # fmt: skip
def test_a_wrong_image_is_not_entered_and_the_old_one_stays(content: bytes, message: str) -> None:
    made = catalogue.store(WANTED, writes(bzimage()))
    with pytest.raises(UsageError) as caught:
        catalogue.store(replace(WANTED, origin="another"), writes(content))
    assert str(caught.value).endswith(message)
    assert kernel.find("debian/6.12") == Kernel("debian/6.12", made.path, "x86_64")
    assert catalogue.known() == [made]
    assert {path.name for path in catalogue.folder().iterdir()} == {
        "debian%2f6.12.image", "debian%2f6.12.image.sha256", "debian%2f6.12.json", ".debian%2f6.12.image.lock"
    }  # fmt: skip


def test_a_fetch_that_fails_enters_nothing() -> None:
    def broken(new: Path) -> None:
        new.write_bytes(bzimage()[:100])
        msg = "the mirror is away"
        raise TargetError(msg)

    with pytest.raises(TargetError, match="the mirror is away"):
        catalogue.store(WANTED, broken)
    assert catalogue.known() == []
    assert [path.name for path in catalogue.folder().iterdir()] == [".debian%2f6.12.image.lock"]


NAMES = st.text(st.sampled_from("ab/%25fF.+~_-@2"), min_size=1, max_size=20)


@given(first=NAMES, second=NAMES)
@example(first="a/b", second="a%2fb")
@example(first="a%2fb", second="a%252fb")
def test_two_names_never_share_a_file_and_none_leaves_the_catalogue(
    tmp_path_factory: pytest.TempPathFactory, first: str, second: str
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCKPROOF_CACHE", str(tmp_path_factory.mktemp("cache")))
        made = {name: catalogue.store(replace(WANTED, name=name), writes(bzimage())) for name in (first, second)}
        assert len({entry.path for entry in made.values()}) == len(made)
        assert all(entry.path.parent == catalogue.folder() for entry in made.values())
        assert {name: catalogue.cached(name) for name in made} == made
        assert sorted(entry.name for entry in catalogue.known()) == sorted(made)


@pytest.mark.parametrize("content", [
    b"", b"{", b"[]", b"7", b"null", b"{}", b"\xff",
    json.dumps(asdict(WANTED) | {"digest": "1"}).encode(),
    json.dumps({"name": "debian/6.12"}).encode(),
    json.dumps(asdict(WANTED) | {"image": 5}).encode(),
])  # fmt: skip
def test_a_damaged_entry_is_a_store_error_that_names_the_file(content: bytes) -> None:
    made = catalogue.store(WANTED, writes(bzimage()))
    file = made.path.with_suffix(".json")
    file.write_bytes(content)
    for read in (catalogue.known, lambda: kernel.find("debian/6.12"), lambda: catalogue.store(WANTED, fails)):
        with pytest.raises(StoreError) as caught:
            read()
        assert str(caught.value).startswith(f"{file}: cannot be read (")
        assert str(caught.value).endswith("); delete it, and fetch or build the kernel again")
    file.unlink()
    assert catalogue.store(WANTED, writes(bzimage())) == made


ENTER = """
import sys, time
from pathlib import Path
from lockproof.runners.kernels import catalogue
image, waited = map(Path, sys.argv[1:])
def write(new):
    print("writing", flush=True)
    while not waited.exists():
        time.sleep(0.005)
    new.write_bytes(image.read_bytes())
def say(line):
    print(line, flush=True)
    waited.touch()
print(catalogue.store(catalogue.CachedKernel(name="a", arch="x86_64", version="1", origin="o"), write, say).size)
"""


def test_of_two_processes_at_once_one_writes_a_kernel_and_both_have_it(folder: Path) -> None:
    (folder / "image").write_bytes(bzimage())
    command = [sys.executable, "-c", ENTER, str(folder / "image"), str(folder / "waited")]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    assert first.stdout.readline() == "writing\n"
    second = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    assert second.stdout == "waiting for another lockproof, which is making a.image\n2048\n"
    assert first.communicate(timeout=60)[0] == "2048\n"
