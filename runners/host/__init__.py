# SPDX-License-Identifier: Apache-2.0
"""The machine that lockproof runs on: the cache of its user, and the programs that are installed.

Whatever the other rooms take long to get is in the cache; what is missing is named with the command that installs it.
"""

from __future__ import annotations

from lockproof.runners.host import cache, tools

__all__ = ["cache", "tools"]
