# SPDX-License-Identifier: Apache-2.0
"""Certificates: what is signed of a run, and how a stranger finds out whether it holds.

`certified` makes a `Certificate` of a run with its folder, `sign` a signature; `verify` judges the traces again and
makes everything else anew. What is certified is said in one sentence for each profile, by the rules of conclusions.py.
"""

from lockproof.conformance.certificates.certificate import Certificate, Kernel, Suite
from lockproof.conformance.certificates.conclusions import Conclusion, Outcome, Standing
from lockproof.conformance.certificates.making import certified
from lockproof.conformance.certificates.signature import NAMESPACE, Signer, sign
from lockproof.conformance.certificates.statement import TEMPLATE, Statement, read_statement
from lockproof.conformance.certificates.verification import RefusedError, Verified, verify

__all__ = [
    "NAMESPACE",
    "TEMPLATE",
    "Certificate",
    "Conclusion",
    "Kernel",
    "Outcome",
    "RefusedError",
    "Signer",
    "Standing",
    "Statement",
    "Suite",
    "Verified",
    "certified",
    "read_statement",
    "sign",
    "verify",
]
