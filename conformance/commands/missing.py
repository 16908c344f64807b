# SPDX-License-Identifier: Apache-2.0
"""Kernels of Debian that a target names and that are not here: fetched, saying so."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from lockproof.conformance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rich.console import Console

    from lockproof.runners.kernels.kernel import MissingKernelError
    from lockproof.runners.parcel import Packed

__all__ = ["packed", "with_kernels"]

_T = TypeVar("_T")


def with_kernels(begin: Callable[[], _T], progress: Callable[[], Console], *, offline: bool) -> _T:
    """Return what `begin` returns; where it finds no kernel of Debian, it is called again when that was fetched.

    Nothing else is imported before that. Raises what `begin` raises, and UsageError, TargetError and StoreError where a
    kernel cannot be had; with `offline` where it is not here.
    """
    fetched: set[str] = set()
    while True:
        try:
            return begin()
        except UsageError as error:
            from lockproof.runners.kernels import kernel  # noqa: PLC0415  few runs need it

            if offline or not isinstance(error, kernel.MissingKernelError) or error.name in fetched:
                raise
            fetched.add(error.name)
            _fetch(error, progress())


def packed(names: Iterable[str]) -> tuple[Packed, ...]:
    """Pack the targets of TARGET texts for other machines, each once. Raises as `with_kernels` takes it."""
    from lockproof.runners.parcel import pack_target  # noqa: PLC0415  most runs are on this machine

    return tuple(map(pack_target, dict.fromkeys(names)))


def _fetch(missing: MissingKernelError, progress: Console) -> None:
    from lockproof.conformance.commands.watching import watching  # noqa: PLC0415
    from lockproof.runners.kernels import debian  # noqa: PLC0415

    with watching(progress) as watcher:
        watcher.say(f"{missing.why}: fetching it (--offline forbids that)")
        debian.fetch(missing.name, watcher.say)
