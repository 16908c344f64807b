# SPDX-License-Identifier: Apache-2.0
"""The page: what runs have shown, as one HTML file that asks nobody for anything and needs no script.

`html` makes it. gather.py turns runs into the facts of page.py, with matrix.py for what became of each case,
requirements.py, releases.py and evidence.py for the parts, and sentences.py for what is said in words; render.py puts
them into the template, where everything that comes from a target is hostile until it is escaped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lockproof.conformance.reports.run import Run

__all__ = ["html"]


def html(runs: Sequence[Run], option: str = "") -> str:  # noqa: ARG001  it has no options
    """Return the page of runs. Raises UsageError where two have a target of one name."""
    # The engine of templates takes its time, and few ask for a page.
    from lockproof.conformance.reports.html.render import render  # noqa: PLC0415

    return render(runs)
