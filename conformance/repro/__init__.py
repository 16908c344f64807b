# SPDX-License-Identifier: Apache-2.0
"""A case as a C program that stands alone.

`repro` writes it, in at most MOST_LINES lines that need nothing but a C compiler; fragments.py has what is the same in
all of them.
"""

from lockproof.conformance.repro.program import MOST_LINES, repro

__all__ = ["MOST_LINES", "repro"]
