# SPDX-License-Identifier: Apache-2.0
"""Which models there are (native/models)."""

from __future__ import annotations

from itertools import count, takewhile

from lockproof._models import ffi, lib

__all__ = ["model_names"]


def model_names() -> tuple[str, ...]:
    """Return the names of the models, in the order of the library."""
    found = takewhile(lambda name: name != ffi.NULL, map(lib.lockproof_model_name, count()))
    return tuple(ffi.string(name).decode() for name in found)
