# SPDX-License-Identifier: Apache-2.0
"""What reports are made of: a run's manifest, its results case by case, and the cases themselves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lockproof.conformance.language.case import Case
    from lockproof.conformance.language.loading import Corpus
    from lockproof.conformance.running.manifest import Manifest
    from lockproof.conformance.running.tally import Tally

__all__ = ["Run"]


@dataclass(frozen=True)
class Run:
    """A run as reports see it."""

    manifest: Manifest
    tally: Tally
    corpus: Corpus

    @cached_property
    def cases(self) -> Mapping[str, Case]:
        """The cases of the corpus, by name."""
        return {case.name: case for case in self.corpus.cases}
