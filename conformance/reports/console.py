# SPDX-License-Identifier: Apache-2.0
"""Where a command says things to people: a console whose reader may go away."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from rich.console import Console

__all__ = ["console"]

_WIDE = 200


def console(*, stderr: bool = False) -> Console:
    """Return standard output, or standard error; where it is no terminal, wide enough for any line."""
    made = _Console(stderr=stderr, highlight=False, soft_wrap=True, markup=False, emoji=False)
    if not made.is_terminal:
        made.width = _WIDE
    return made


class _Console(Console):
    """A console whose reader may go away or have no room: results matter more than what is shown of them."""

    def print(self, *things: Any, **options: Any) -> None:  # noqa: ANN401  rich's own signature
        """Show things, or fall silent for good."""
        try:
            super().print(*things, **options)
        except OSError:
            self.on_broken_pipe()

    def on_broken_pipe(self) -> None:
        """Fall silent, also when Python flushes what is left at its end."""
        self.quiet = True
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), self.file.fileno())
