# SPDX-License-Identifier: Apache-2.0
"""The connection to the scheduler of a Dask cluster, and one line for whatever is wrong with it."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lockproof.conformance.errors import TargetError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distributed import Client

__all__ = ["connected", "lost"]

_LIMIT = 10.0  # seconds until a scheduler must have answered
_CLOSING = 2.0  # seconds that it may take to say good-bye
_LARGE = "1 TiB"
"""Of a task, from which on Dask warns: a kernel is as large as it is."""


@contextmanager
def connected(address: str) -> Iterator[Client]:
    """Connect to a scheduler. Raises UsageError without Dask, TargetError where it cannot be reached or has no worker.

    What Dask has to say of a connection is not printed while the context lasts: the errors of lockproof say it.
    """
    try:
        import dask  # noqa: PLC0415  an optional extra
        from distributed import Client  # noqa: PLC0415
        from distributed.comm.addressing import resolve_address  # noqa: PLC0415
    except ModuleNotFoundError as error:
        msg = "--scheduler needs Dask; pip install 'lockproof[cluster]', or '.[cluster]' in a checkout"
        raise UsageError(msg) from error
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": _LARGE}):
            try:
                resolve_address(address)  # a client that has no address to ask takes 20 s to say so
                client = Client(address, timeout=_LIMIT, set_as_default=False)
            except (OSError, ValueError, TypeError, RuntimeError) as error:
                why = " ".join(str(error).split())
                msg = f"scheduler {address!r}: cannot be reached ({why}); give its address, such as tcp://HOST:8786"
                raise TargetError(msg) from error
            try:
                if not client.nthreads():
                    msg = f"scheduler {address!r}: it has no worker; start some: dask worker {address}"
                    raise TargetError(msg)
                yield client
            finally:
                client.close(timeout=_CLOSING)
    finally:
        logging.disable(before)


def lost(address: str) -> TargetError:
    """Return the error of a scheduler that is gone."""
    return TargetError(f"scheduler {address!r}: the connection is lost; what was recorded is kept, go on with --resume")
