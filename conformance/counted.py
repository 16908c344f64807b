# SPDX-License-Identifier: Apache-2.0
"""Numbers with their nouns."""

from __future__ import annotations

__all__ = ["counted", "page_numbers"]


def counted(number: int, noun: str, plural: str = "") -> str:
    """Write how many there are of something: `1 case`, `2 cases`; `plural`: where it is not the noun and an s."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def page_numbers(pages: list[int]) -> str:
    """Write page numbers as a person would: `pages 2, 5 to 7`."""
    spans: list[list[int]] = []
    for page in pages:
        if spans and page == spans[-1][-1] + 1:
            spans[-1].append(page)
        else:
            spans.append([page])
    text = ", ".join(f"{span[0]}" if len(span) == 1 else f"{span[0]} to {span[-1]}" for span in spans)
    return f"page{'s' if len(pages) > 1 else ''} {text}"
