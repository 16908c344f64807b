# SPDX-License-Identifier: Apache-2.0
"""The library of native/models, besides running programs on it (model.py).

Which models there are (names.py), their deliberate defects (mutants.py), and every state of small address spaces
(exhaustive.py).
"""

from __future__ import annotations

from lockproof.runners.models.mutants import MODEL, Mutant
from lockproof.runners.models.names import model_names

__all__ = ["MODEL", "Mutant", "model_names"]
