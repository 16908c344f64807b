# SPDX-License-Identifier: Apache-2.0
"""`lockproof kernel fetch`: Debian's kernels and their sources, the newest package of a version that can be had."""

from __future__ import annotations

import functools
import re
import subprocess
import tarfile
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from lockproof.conformance.errors import LockproofError, TargetError, UsageError
from lockproof.runners.architectures import ARCHITECTURES, DEFAULT
from lockproof.runners.host import cache, processes, tools
from lockproof.runners.kernels import catalogue, kernel
from lockproof.runners.kernels.apt import Root
from lockproof.runners.kernels.packages import Package, fetched, fresh, lists

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from lockproof.runners.architectures import Architecture
    from lockproof.runners.host.cache import Say
    from lockproof.runners.kernels.catalogue import CachedKernel

__all__ = ["Package", "ask", "chosen", "fetch", "fetch_all", "fetch_source", "offered", "other_architectures"]

_T = TypeVar("_T")

_STABLE = {"bullseye": "5.10", "bookworm": "6.1", "trixie": "6.12"}
_BASE = _STABLE | {f"{suite}-security": base for suite, base in _STABLE.items()}
"""The kernel that a stable suite keeps; no other suite than these two has it any newer."""
_SUITES = (*_BASE, "bookworm-backports", "trixie-backports", "sid")
_SEVERAL = re.compile(r"debian/(?:all|(?P<first>\d+\.\d+)\.\.(?P<last>\d+\.\d+))")
_IMAGE = re.compile(r"\.?/?(?:boot|(?:usr/)?lib/modules/[^/]+)/vmlinu[xz](?:-[^/]*)?")
_AT_ONCE = 4
"""Kernels that are fetched at the same time: a mirror takes its time for each."""
_SOURCE = re.compile(r"\.?/?usr/src/linux-source-[\d.]+\.tar\.xz")


def fetch(text: str, say: Say, *, again: bool = False) -> CachedKernel:
    """Fetch `debian/VERSION[@ARCH]` into the catalogue; `again`: also where it is there, by lists of this minute.

    Raises UsageError, TargetError and StoreError.
    """
    name, arch = kernel.split(text)
    architecture = ARCHITECTURES[ARCHITECTURES[arch or DEFAULT].kernel]

    def take(package: Package) -> CachedKernel:
        wanted = catalogue.CachedKernel(
            name=kernel.full_name(name, architecture.name),
            arch=architecture.name,
            version=package.version,
            origin=str(package),
        )
        return catalogue.store(wanted, lambda new: _download(package, architecture, _IMAGE, new, say), say, again=again)

    return _first(_offers(_version(name, text), architecture, "", say, again=again), take, say)


def fetch_all(texts: Iterable[str], say: Say, *, again: bool = False) -> Iterator[CachedKernel]:
    """Fetch kernels, some at a time; yields them in their order, and raises for the others at the end, as `fetch`."""
    told: set[str] = set()
    telling = threading.Lock()
    errors: list[LockproofError] = []

    def say_once(line: str) -> None:  # trouble with a mirror is the same for each
        with telling:
            if line not in told:
                told.add(line)
                say(line)

    def attempt(text: str) -> CachedKernel | LockproofError:
        try:
            return fetch(text, say_once, again=again)
        except LockproofError as error:
            return error

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        try:
            for made in threads.map(attempt, texts):
                if isinstance(made, LockproofError):
                    errors.append(made)
                else:
                    yield made
        except BaseException:
            processes.end_all()  # that the threads wait for
            raise
    if errors:
        worst = max(errors, key=lambda error: error.exit_code)
        raise type(worst)("\n".join(map(str, errors))) from worst


def chosen(text: str, say: Say) -> list[str]:
    """Return the names of the kernels that `debian/all` or `debian/FIRST..LAST`, with @ARCH, means, oldest first.

    What they mean is what the mirror has now; any other text is returned as it is, and nothing is asked for it. Raises
    UsageError where it means none, and as `ask`.
    """
    name, arch = kernel.split(text)
    match = _SEVERAL.fullmatch(name)
    if match is None:
        return [text]
    wanted = ARCHITECTURES[arch or DEFAULT]
    for line in ask(say, wanted.kernel):
        say(line)
    first, last = (_numbers(match[end] or "") for end in ("first", "last"))
    found = {base for base, of in _bases() if of == wanted.kernel and _between(first, _numbers(base), last)}
    if not found:
        msg = f"kernel {text!r}: Debian has none of these; lockproof kernel list shows what it has"
        raise UsageError(msg)
    return [kernel.full_name(f"debian/{base}", wanted.name) for base in sorted(found, key=_numbers)]


def _between(first: list[int], numbers: list[int], last: list[int]) -> bool:
    """Say whether a version is none before the first and none behind the last, where there are these."""
    return (not first or first <= numbers) and (not last or numbers <= last)


def fetch_source(text: str, say: Say) -> tuple[Package, Path]:
    """Fetch the sources of `debian/VERSION`, a tarball, into the cache. Raises UsageError, TargetError, StoreError."""
    architecture = ARCHITECTURES[DEFAULT]

    def take(package: Package) -> tuple[Package, Path]:
        path = cache.directory() / "sources" / f"{package.name}_{package.version}.tar"
        return package, cache.once(path, lambda new: _download(package, architecture, _SOURCE, new, say), say)

    return _first(_offers(_version(text, text), architecture, "source", say), take, say)


def ask(say: Say, arch: str = DEFAULT) -> list[str]:
    """Ask for the lists of an architecture that are missing or old; return what could not be had, and why.

    Raises UsageError where this machine has no mirror, or not what it takes; StoreError.
    """
    tools.need("apt-get", "asking Debian for its kernels")
    trouble: dict[str, list[str]] = {}
    if any(not fresh(suite, ARCHITECTURES[arch]) for suite in _SUITES):
        say("asking Debian's mirror which kernels it has")
    lists(_SUITES, ARCHITECTURES[arch], trouble)
    return [f"left out: {line}" for line in _lines(trouble, ARCHITECTURES[arch])]


def offered() -> list[tuple[str, Package]]:
    """List what the lists that were fetched at any time offer: name of the kernel, newest package. No network."""
    best: dict[str, Package] = {}
    for architecture in ARCHITECTURES.values():
        if architecture.kernel == architecture.name:
            known = [fetched(suite, architecture) for suite in _SUITES]
            for package in _candidates(architecture, "", known):
                best.setdefault(kernel.full_name(f"debian/{package.base}", architecture.name), package)
    return list(best.items())


def other_architectures() -> list[str]:
    """Return what can follow an @ in the name of a kernel to be fetched, and need not be left out."""
    return [each.name for each in ARCHITECTURES.values() if each.kernel == each.name != DEFAULT]


def offered_names() -> set[str]:
    """Return the names of all that `offered` lists, without asking dpkg what is newest."""
    return {kernel.full_name(f"debian/{base}", arch) for base, arch in _bases()}


def _bases() -> Iterator[tuple[str, str]]:
    """Yield version and architecture of what the lists offer that were fetched at any time."""
    for architecture in ARCHITECTURES.values():
        if architecture.kernel == architecture.name:
            for suite in _SUITES:
                for package in fetched(suite, architecture):
                    if package.flavour in architecture.flavours:
                        yield package.base, architecture.name


def _version(name: str, text: str) -> str:
    if not kernel.is_debian(name):
        msg = f"kernel {text!r}: cannot be fetched; write debian/VERSION, such as debian/6.12 or debian/6.12@arm64"
        raise UsageError(msg)
    return name.partition("/")[2]


def _first(packages: Iterable[Package], take: Callable[[Package], _T], say: Say) -> _T:
    """Return what is made of the first package that can be had. Raises TargetError that names all that cannot."""
    # A mirror's list may name what its pool lacks, and a package may hold no kernel that can be used.
    failures: list[str] = []
    for package in packages:
        if failures:
            say(f"{failures[-1]}; trying {package}")
        try:
            return take(package)
        except (TargetError, UsageError) as error:
            failures.append(str(error))
    raise TargetError("; ".join(failures))


def _offers(version: str, architecture: Architecture, kind: str, say: Say, *, again: bool = False) -> Iterator[Package]:
    """Yield the packages of a version, newest first: those of the suite that keeps it, then those of the others.

    The lists of the others are asked for when they are needed. Raises TargetError or UsageError where there is none.
    """
    tools.need_all(["apt-get", "dpkg-deb"], "fetching kernels from Debian")
    trouble: dict[str, list[str]] = {}
    others: set[str] = set()
    keepers = [suite for suite, base in _BASE.items() if version == base or version.startswith(f"{base}.")]
    found = False
    for suites in (keepers, [suite for suite in _SUITES if suite not in keepers]):
        candidates = _candidates(architecture, kind, lists(suites, architecture, trouble, again=again))
        wanted = [each for each in candidates if each.upstream == version or each.upstream.startswith(f"{version}.")]
        for line in _lines(trouble, architecture) if wanted else ():
            say(f"left out: {line}")
        yield from wanted
        found = found or bool(wanted)
        others |= {package.base for package in candidates}
    if found:
        return
    what = f"Debian has no {'sources of ' if kind else ''}Linux {version} for {architecture.name}"
    why = "".join(f"; {line}" for line in _lines(trouble, architecture))
    there = ", ".join(sorted(others, key=_numbers))
    msg = f"{what}{why}; {f'it has {there}' if there else 'and no other'}"
    raise TargetError(msg) if trouble else UsageError(msg)


def _lines(trouble: dict[str, list[str]], architecture: Architecture) -> list[str]:
    return [f"{', '.join(suites)} for {architecture.debian}: {reason}" for reason, suites in trouble.items()]


def _numbers(version: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", version)]


def _candidates(architecture: Architecture, kind: str, found: Iterable[list[Package]]) -> list[Package]:
    """Return the packages of the kind (sources, or the flavour that the architecture has best), the newest first."""
    flavours = ("",) if kind == "source" else architecture.flavours
    packages = [package for each in found for package in each if package.flavour in flavours]

    def order(one: Package, other: Package) -> int:
        if one.version != other.version:
            newer = ["dpkg", "--compare-versions", one.version, "gt", other.version]
            return -1 if subprocess.run(newer, check=False).returncode == 0 else 1
        return rank(one) - rank(other)

    def rank(package: Package) -> int:
        # A package without a signature for secure boot may name its image otherwise; it is the same one.
        return 2 * flavours.index(package.flavour) + ("unsigned" in package.name)

    # One version may have an image only in linux-binary-*, and nothing in the linux-image-* of the same version.
    real = {(package.version, package.flavour) for package in packages if package.name.startswith("linux-binary-")}
    packages = [
        package
        for package in packages
        if package.name.startswith("linux-binary-") or (package.version, package.flavour) not in real
    ]
    # Flavours may differ in the size of pages, and the name of a kernel means one size: no version is had in two.
    best: dict[str, int] = {}
    for package in packages:
        index = flavours.index(package.flavour)
        best[package.version] = min(index, best.get(package.version, index))
    packages = [package for package in packages if flavours.index(package.flavour) == best[package.version]]
    return sorted(packages, key=functools.cmp_to_key(order))


def _download(package: Package, architecture: Architecture, wanted: re.Pattern[str], new: Path, say: Say) -> None:
    """Download a package, and write the one file that is wanted of it. Raises TargetError."""
    say(f"fetching {package}, {package.size / 1e6:.1f} MB")
    # A folder of its own: apt-get takes a file that is there already, if it only has the right size.
    with tempfile.TemporaryDirectory(dir=new.parent, prefix=".download-") as folder:
        root = Root(package.suite, architecture.debian)
        try:
            deb = root.download(package.name, package.version, Path(folder))
        except TargetError as reason:
            msg = f"{package.name} {package.version} cannot be fetched from {package.suite}: {reason}"
            raise TargetError(msg) from reason
        _unpack(deb, wanted, new)


def _unpack(deb: Path, wanted: re.Pattern[str], new: Path) -> None:
    command = [tools.need("dpkg-deb"), "--fsys-tarfile", str(deb)]
    with processes.started(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as unpacking:
        try:
            with tarfile.open(fileobj=unpacking.stdout, mode="r|") as archive:
                for member in archive:
                    content = archive.extractfile(member) if wanted.fullmatch(member.name) else None
                    if content is not None:
                        with new.open("wb") as file:
                            while block := content.read(1 << 20):
                                file.write(block)
                        return
        except tarfile.TarError as error:
            msg = f"{deb.name}: cannot be unpacked: {error}"
            raise TargetError(msg) from error
        finally:
            unpacking.kill()
    msg = f"{deb.name}: has no kernel where Debian's packages have it"
    raise TargetError(msg)
