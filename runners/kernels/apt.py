# SPDX-License-Identifier: Apache-2.0
"""apt, which checks every signature and hash, with a root of its own for each suite and architecture.

A mirror in the middle of its synchronisation breaks one of them only. The mirror and its keys are the machine's own;
the machine's own lists and packages are neither read nor changed.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockproof.conformance.errors import TargetError
from lockproof.runners.host import cache, processes, tools
from lockproof.runners.kernels.sources_list import mirror, security_mirror

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Root"]

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
class Root:
    """A private root of apt, in the cache."""

    suite: str
    architecture: str
    """Debian's name of it."""

    @property
    def path(self) -> Path:
        """The folder of the root; it is there after the first `update`."""
        return cache.directory() / "apt" / f"{self.suite}-{self.architecture}"

    def update(self) -> str:
        """Ask the mirror for its index of packages, and return it; empty: it does not have the suite.

        Suites of security updates have a mirror of their own, which a machine need not have. Raises TargetError, only
        with the reason, where there is no index that is signed and whole; UsageError, StoreError.
        """
        with cache.reporting(self.path):
            for folder in ("state/lists/partial", "cache/archives/partial", "sources", "none"):
                (self.path / folder).mkdir(parents=True, exist_ok=True)
            place = security_mirror() if self.suite.endswith("-security") else mirror()
            if place is None:
                return ""
            user = "root" if os.geteuid() == 0 else ""  # root's own cache is closed to the user _apt
            text = _CONFIGURATION.format(root=self.path, architecture=self.architecture, user=user)
            (self.path / "apt.conf").write_text(text)
            (self.path / "sources" / "debian.sources").write_text(place.stanza(self.suite, self.architecture))
        done = self._run("update")
        if "does not have a Release file" in done.stdout:
            return ""
        if done.returncode:
            raise TargetError(_reason(done.stdout))
        listing = self._run("indextargets", "--format", "$(FILENAME)", "Created-By: Packages").stdout.split()
        if not listing:
            return ""  # the suite has nothing for this architecture
        helper = "/usr/lib/apt/apt-helper"  # no program for users: it is not on PATH, and always there
        return str(processes.run([helper, "cat-file", *listing], stdout=subprocess.PIPE, text=True).stdout)

    def download(self, package: str, version: str, folder: Path) -> Path:
        """Download a package into a folder, and return the file. Raises TargetError, only with the reason."""
        done = self._run("download", f"{package}={version}", folder=folder)
        found = list(folder.glob("*.deb"))
        if done.returncode or len(found) != 1:
            raise TargetError(_reason(done.stdout))
        return found[0]

    def _run(self, *arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        command = [tools.need("apt-get"), "-qq", "-c", str(self.path / "apt.conf"), *arguments]
        return processes.run(
            command,
            cwd=folder,
            env=os.environ | {"LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def _reason(said: str) -> str:
    """Return the line of apt's output that says most, without its mark."""
    lines = [line for line in said.splitlines() if line[:2] in {"E:", "W:"}]
    telling = [line for line in lines if "Some index files" not in line]
    telling.sort(key=lambda line: line[:2])  # errors before warnings
    line = (telling or lines or ["E: apt-get failed without a word"])[0][2:].strip()
    # Without sizes the same trouble with two files is one.
    line = re.sub(r"^Failed to fetch \S+\s+|\s+\[IP: .*?\]|\s+\(\d+ != \d+\)", "", line)
    return " ".join(line.split())
