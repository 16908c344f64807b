# SPDX-License-Identifier: Apache-2.0
"""Kernels of a git work tree of Linux, one commit after another.

All of them are built in one folder of the cache, so that only what has changed is compiled, and each is kept: whoever
comes back to a commit waits for nothing. The tree itself is not touched.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockproof.conformance.errors import UsageError
from lockproof.runners.host import cache, tools
from lockproof.runners.kernels import config
from lockproof.runners.kernels.build import Work, compiler, cross_prefix, need_tools

if TYPE_CHECKING:
    from pathlib import Path

    from lockproof.runners.kernels.build import Watcher

__all__ = ["TreeRequest", "build_tree", "commit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeRequest:
    """What the user asked for."""

    tree: Path
    """The top of a work tree."""
    fault_injection: bool = False
    fragments: tuple[Path, ...] = ()


def commit(tree: Path) -> str:
    """Return the name of the commit of a work tree, and its subject. Raises UsageError where it is none."""
    return _git(tree, "log", "-1", "--format=%h %s")


def build_tree(request: TreeRequest, watcher: Watcher) -> Path:
    """Return the image of the kernel that the work tree is, built unless that was done before.

    Raises UsageError where something is missing or does not fit, TargetError where the compiler fails, StoreError.
    """
    tree = request.tree.resolve()
    if not ((tree / "Kconfig").is_file() and (tree / "mm").is_dir() and (tree / ".git").exists()):
        msg = f"{tree}: not the top of a git work tree of Linux; go there, or name it with --tree"
        raise UsageError(msg)
    if (tree / ".config").exists():  # kbuild refuses to build such a tree elsewhere
        msg = f"{tree}: there is a .config, so that it cannot be built in another folder; run make mrproper there"
        raise UsageError(msg)
    cross = cross_prefix()
    need_tools(cross, ["git"])
    own = [config.own(path) for path in request.fragments]
    needed, optional = config.fragments(fault_injection=request.fault_injection)
    setting = (needed, optional, own, compiler(cross))
    top = cache.directory() / "bisect"
    folder = top / _digest(str(tree), setting)

    def make(new: Path) -> None:
        with cache.locked(folder, watcher.say) as lock, cache.reporting(folder):
            work = Work(folder, lock, folder.with_suffix(".log"), cross, watcher, tree)
            work.output.mkdir(parents=True, exist_ok=True)
            for line in config.check(work.configure([needed, optional, *own]), needed, own):
                watcher.say(line)
            work.compile()
            shutil.copyfile(work.image, new)

    path = top / f"{_digest(_content(tree), setting)}.image"
    return cache.once(path, make, watcher.say)


def _content(tree: Path) -> str:
    """Return what tells the sources apart: the tree of the commit, and what is not committed of it."""
    return _git(tree, "rev-parse", "HEAD^{tree}") + _git(tree, "diff", "HEAD")


def _git(tree: Path, *arguments: str) -> str:
    command = [tools.need("git"), "-C", str(tree), *arguments]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        msg = f"{tree}: {said[0] if said else 'git failed'}; go to a git work tree of Linux, or name it with --tree"
        raise UsageError(msg)
    return done.stdout.decode(errors="replace").strip()


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
