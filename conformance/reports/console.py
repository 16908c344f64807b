# SPDX-License-Identifier: Apache-2.0
"""Where a command says things to people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.segment import Segment

from lockproof.conformance.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import ConsoleOptions

__all__ = ["console"]

_WIDE = 200


def console(*, stderr: bool = False) -> Console:
    """Return standard output, or standard error; where it is no terminal, wide enough for any line."""
    made = _Console(stderr=stderr, highlight=False, soft_wrap=True, markup=False, emoji=False)
    if not made.is_terminal:
        made.width = _WIDE
    return made


class _Console(Console):
    """A console that nothing controls but rich: what is shown may quote any program."""

    def print(self, *things: Any, **options: Any) -> None:  # noqa: ANN401  rich's own signature
        """Show things, their control characters as in Python."""
        super().print(*(visible(thing) if isinstance(thing, str) else _Visible(thing) for thing in things), **options)


@dataclass(frozen=True, slots=True)
class _Visible:
    """Something drawn by rich, whose texts control nothing."""

    thing: Any

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        """Draw it; what rich itself says to the terminal is in segments of their own."""
        for segment in console.render(self.thing, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)
