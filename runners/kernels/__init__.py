# SPDX-License-Identifier: Apache-2.0
"""Kernels to boot: those that are here, by name or path (`find`, `known`), and where they come from.

debian.py fetches one (apt.py, packages.py), build.py makes one from sources (source.py, series.py, config.py). These
two are imported by whoever needs them: booting a kernel that is here takes neither.
"""

from __future__ import annotations

from lockproof.runners.kernels.catalogue import CachedKernel, known
from lockproof.runners.kernels.kernel import Kernel, find

__all__ = ["CachedKernel", "Kernel", "find", "known"]
