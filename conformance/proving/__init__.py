# SPDX-License-Identifier: Apache-2.0
"""Every state of small address spaces on a model, here or on a cluster.

`prove` explores the models of a `ProofRequest`; what breaks a requirement first is a `Counterexample`: a few letters, a
case, and a picture.
"""

from lockproof.conformance.proving.counterexample import Counterexample
from lockproof.conformance.proving.exploration import Proof, prove
from lockproof.conformance.proving.request import ProofRequest

__all__ = ["Counterexample", "Proof", "ProofRequest", "prove"]
