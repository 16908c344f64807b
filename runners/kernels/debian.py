# SPDX-License-Identifier: Apache-2.0
"""Debian's kernels and their sources, through apt, which checks every signature and hash.

apt gets a root of its own in the cache, one for each suite and architecture: a mirror in the middle of its
synchronisation breaks one of them only. The mirror and its keys are the machine's own; the machine's own lists and
packages are neither read nor changed.
"""

from __future__ import annotations

import functools
import os
import re
import subprocess
import tarfile
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import TypeAdapter, ValidationError

from lockproof.conformance.errors import LockproofError, TargetError, UsageError
from lockproof.runners.kernels import cache, kernel, tools
from lockproof.runners.kernels.architectures import ARCHITECTURES, DEFAULT
from lockproof.runners.kernels.kernel import Entry
from lockproof.runners.kernels.sources_list import mirror

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from lockproof.runners.kernels.architectures import Architecture
    from lockproof.runners.kernels.cache import Say

__all__ = ["Package", "fetch", "fetch_all", "fetch_source", "offered"]

_T = TypeVar("_T")

_BASE = {"bullseye": "5.10", "bookworm": "6.1", "trixie": "6.12"}
"""The kernel that a stable suite keeps; no other suite has it any newer."""
_SUITES = (*_BASE, "bookworm-backports", "trixie-backports", "sid")
_FRESH = 24 * 3600
"""Seconds for which lists of packages are taken as they are."""

# Cleared: hooks of the machine, which would act on its own files; other indexes than that of packages. The mode is
# -eany: apt-get update ends well otherwise when a signature cannot be verified and older lists are there.
_CONFIGURATION = """\
#clear APT::Update;
APT::Update::Error-Mode "any";
#clear Acquire::IndexTargets;
#clear Dir::Etc::SourceList;
Acquire::IndexTargets::deb::Packages {{
  MetaKey "$(COMPONENT)/binary-$(ARCHITECTURE)/Packages"; ShortDescription "Packages"; Description "$(RELEASE)";
  Optional "no";
}};
Acquire::Languages "none";
Acquire::GzipIndexes "true";
Acquire::PDiffs "false";
Acquire::Retries "2";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
APT::Get::AllowUnauthenticated "false";
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
APT::Sandbox::User "{user}";
Dir::State "{root}/state";
Dir::State::Lists "{root}/state/lists";
Dir::State::status "/dev/null";
Dir::Cache "{root}/cache";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "{root}/sources";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "{root}/none";
"""


@dataclass(frozen=True, slots=True)
class Package:
    """A package with a kernel image, or with a kernel's sources."""

    name: str
    version: str
    suite: str
    flavour: str
    """Empty: sources."""
    size: int
    """Bytes of the package."""

    def __str__(self) -> str:
        """Name it with the suite that it comes from."""
        return f"{self.name} {self.version} ({self.suite})"

    @property
    def base(self) -> str:
        """The version of the kernel, as its name in the catalogue has it: 6.12."""
        return ".".join(self.upstream.split(".")[:2])

    @property
    def upstream(self) -> str:
        """The version without Debian's revision."""
        return self.version.partition("-")[0]


_PACKAGES = TypeAdapter(list[Package])


@dataclass(frozen=True, slots=True)
class _Root:
    """A private root of apt."""

    suite: str
    architecture: str
    """Debian's name of it."""

    @property
    def path(self) -> Path:
        return cache.directory() / "apt" / f"{self.suite}-{self.architecture}"

    @property
    def summary(self) -> Path:
        """The packages that concern us; its time is that of the lists."""
        return self.path / "kernels.json"

    def run(self, *arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run apt-get."""
        command = [tools.need("apt-get"), "-qq", "-c", str(self.path / "apt.conf"), *arguments]
        return subprocess.run(
            command,
            cwd=folder,
            env=os.environ | {"LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


def fetch(text: str, say: Say) -> Entry:
    """Fetch `debian/VERSION[@ARCH]` into the catalogue. Raises UsageError, TargetError and StoreError."""
    name, arch = kernel.split(text)
    architecture = ARCHITECTURES[ARCHITECTURES[arch or DEFAULT].kernel]

    def take(package: Package) -> Entry:
        wanted = Entry(
            name=kernel.full_name(name, architecture.name),
            arch=architecture.name,
            version=package.version,
            origin=str(package),
        )
        return kernel.enter(wanted, lambda new: _download(package, architecture, _IMAGE, new, say), say)

    return _first(_offers(_version(name, text), architecture, "", say), take, say)


def fetch_all(texts: Iterable[str], say: Say) -> Iterator[Entry]:
    """Fetch kernels one by one; raises for those that cannot be had in the end, as `fetch` does for one."""
    told: set[str] = set()
    errors: list[LockproofError] = []

    def say_once(line: str) -> None:  # trouble with a mirror is the same for each
        if line not in told:
            told.add(line)
            say(line)

    for text in texts:
        try:
            made = fetch(text, say_once)
        except LockproofError as error:
            errors.append(error)
        else:
            yield made
    if errors:
        worst = max(errors, key=lambda error: error.exit_code)
        raise type(worst)("\n".join(map(str, errors))) from worst


def fetch_source(text: str, say: Say) -> tuple[Package, Path]:
    """Fetch the sources of `debian/VERSION`, a tarball, into the cache. Raises UsageError, TargetError, StoreError."""
    architecture = ARCHITECTURES[DEFAULT]

    def take(package: Package) -> tuple[Package, Path]:
        path = cache.directory() / "sources" / f"{package.name}_{package.version}.tar"
        return package, cache.once(path, lambda new: _download(package, architecture, _SOURCE, new, say), say)

    return _first(_offers(_version(text, text), architecture, "source", say), take, say)


def offered() -> list[tuple[str, Package]]:
    """List what the lists that were fetched at any time offer: name of the kernel, newest package. No network."""
    best: dict[str, Package] = {}
    for architecture in ARCHITECTURES.values():
        if architecture.kernel == architecture.name:
            lists = [_stored(_Root(suite, architecture.debian)) or [] for suite in _SUITES]
            for package in _candidates(architecture, "", lists):
                best.setdefault(kernel.full_name(f"debian/{package.base}", architecture.name), package)
    return list(best.items())


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


def _offers(version: str, architecture: Architecture, kind: str, say: Say) -> Iterator[Package]:
    """Yield the packages of a version, newest first: those of the suite that keeps it, then those of the others.

    The lists of the others are asked for when they are needed. Raises TargetError or UsageError where there is none.
    """
    tools.need_all(["apt-get", "dpkg-deb"], "fetching kernels from Debian")
    trouble: dict[str, list[str]] = {}
    others: set[str] = set()
    keepers = [suite for suite, base in _BASE.items() if version == base or version.startswith(f"{base}.")]
    found = False
    for suites in (keepers, [suite for suite in _SUITES if suite not in keepers]):
        candidates = _candidates(architecture, kind, _lists(suites, architecture, trouble))
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


def _candidates(architecture: Architecture, kind: str, lists: Iterable[list[Package]]) -> list[Package]:
    """Give the packages of the kind (sources, or the flavour that the architecture has best), the newest first."""
    flavours = ("",) if kind == "source" else architecture.flavours
    packages = [package for each in lists for package in each if package.flavour in flavours]

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


# Lists of packages


def _lists(suites: Iterable[str], architecture: Architecture, trouble: dict[str, list[str]]) -> list[list[Package]]:
    """Give the packages of suites, asked for at the same time; those that cannot be had go to `trouble` by reason."""

    def ask(suite: str) -> list[Package] | str:
        root = _Root(suite, architecture.debian)
        with cache.locked(root.path):
            stored = _stored(root) if _age(root) < _FRESH else None
            return _refresh(root) if stored is None else stored

    with ThreadPoolExecutor(4) as threads:
        answers = dict(zip(suites, threads.map(ask, suites), strict=True))
    for suite, answer in answers.items():
        if isinstance(answer, str):
            trouble.setdefault(answer, []).append(suite)
    return [answer for answer in answers.values() if not isinstance(answer, str)]


def _age(root: _Root) -> float:
    with cache.reporting(root.summary):
        try:
            return time.time() - root.summary.stat().st_mtime
        except FileNotFoundError:
            return float("inf")


def _stored(root: _Root) -> list[Package] | None:
    """Give the packages of the list that is there; None: there is none, or not one that this lockproof can read."""
    with cache.reporting(root.summary):
        try:
            return _PACKAGES.validate_json(root.summary.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None


def _refresh(root: _Root) -> list[Package] | str:
    """Ask the mirror for its list. Gives the reason where there is none that is signed and whole."""
    with cache.reporting(root.path):
        for folder in ("state/lists/partial", "cache/archives/partial", "sources", "none"):
            (root.path / folder).mkdir(parents=True, exist_ok=True)
        user = "root" if os.geteuid() == 0 else ""  # root's own cache is closed to the user _apt
        text = _CONFIGURATION.format(root=root.path, architecture=root.architecture, user=user)
        (root.path / "apt.conf").write_text(text)
        (root.path / "sources" / "debian.sources").write_text(mirror().stanza(root.suite, root.architecture))
    done = root.run("update")
    absent = "does not have a Release file" in done.stdout
    if done.returncode and not absent:
        return _reason(done.stdout)
    index = "" if absent else _index(root)
    packages = list(_parse(index, root))
    cache.replace(root.summary, lambda new: _write(new, _PACKAGES.dump_json(packages)))
    return packages


def _index(root: _Root) -> str:
    listing = root.run("indextargets", "--format", "$(FILENAME)", "Created-By: Packages").stdout.split()
    if not listing:
        return ""  # the suite has nothing for this architecture
    helper = "/usr/lib/apt/apt-helper"  # no program for users: it is not on PATH, and always there
    return subprocess.run([helper, "cat-file", *listing], capture_output=True, text=True, check=False).stdout


def _parse(index: str, root: _Root) -> Iterator[Package]:
    flavours = [
        flavour
        for architecture in ARCHITECTURES.values()
        if architecture.debian == root.architecture
        for flavour in architecture.flavours
    ]
    release, flavour = r"\d[\w.+~]*(?:-\d+)?", "|".join(map(re.escape, flavours))
    kernel_name = re.compile(rf"linux-(?:image|binary)-(?:unsigned-)?{release}-({flavour})(?:-unsigned)?")
    source_name = re.compile(r"linux-source-\d+\.\d+()")
    for stanza in re.findall(
        r"^Package: linux-(?:image|binary|source)-.*?(?:\n\n|\Z)", index, re.DOTALL | re.MULTILINE
    ):
        fields = dict(re.findall(r"^(\S+): (.*)$", stanza, re.MULTILINE))
        match = kernel_name.fullmatch(fields["Package"]) or source_name.fullmatch(fields["Package"])
        if match:
            yield Package(fields["Package"], fields["Version"], root.suite, match[1], int(fields["Size"]))


def _reason(said: str) -> str:
    """Give the line of apt's output that says most, without its mark."""
    lines = [line for line in said.splitlines() if line[:2] in {"E:", "W:"}]
    telling = [line for line in lines if "Some index files" not in line]
    telling.sort(key=lambda line: line[:2])  # errors before warnings
    line = (telling or lines or ["E: apt-get failed without a word"])[0][2:].strip()
    # Without sizes the same trouble with two files is one.
    line = re.sub(r"^Failed to fetch \S+\s+|\s+\[IP: .*?\]|\s+\(\d+ != \d+\)", "", line)
    return " ".join(line.split())


# Packages

_IMAGE = re.compile(r"\.?/?(?:boot|(?:usr/)?lib/modules/[^/]+)/vmlinu[xz](?:-[^/]*)?")
_SOURCE = re.compile(r"\.?/?usr/src/linux-source-[\d.]+\.tar\.xz")


def _download(package: Package, architecture: Architecture, wanted: re.Pattern[str], new: Path, say: Say) -> None:
    """Download a package, and write the one file that is wanted of it. Raises TargetError."""
    say(f"fetching {package}, {package.size / 1e6:.1f} MB")
    root = _Root(package.suite, architecture.debian)
    # A folder of its own: apt-get takes a file that is there already, if it only has the right size.
    with tempfile.TemporaryDirectory(dir=new.parent, prefix=".download-") as folder:
        done = root.run("download", f"{package.name}={package.version}", folder=Path(folder))
        debs = list(Path(folder).glob("*.deb"))
        if done.returncode or len(debs) != 1:
            msg = f"{package.name} {package.version} cannot be fetched from {package.suite}: {_reason(done.stdout)}"
            raise TargetError(msg)
        _unpack(debs[0], wanted, new)


def _unpack(deb: Path, wanted: re.Pattern[str], new: Path) -> None:
    command = [tools.need("dpkg-deb"), "--fsys-tarfile", str(deb)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as unpacking:
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


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
