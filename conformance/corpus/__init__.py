# SPDX-License-Identifier: Apache-2.0
"""The corpus itself.

`coverage` says which cases check which requirement, `examine` which mutants of the reference model they kill, and
`lint` what a person should look at in them.
"""

from lockproof.conformance.corpus.coverage import Covered, coverage
from lockproof.conformance.corpus.lint import lint
from lockproof.conformance.corpus.mutants import KillMatrix, RawSession, examine

__all__ = ["Covered", "KillMatrix", "RawSession", "coverage", "examine", "lint"]
