# SPDX-License-Identifier: Apache-2.0
"""A certificate as statements of in-toto: https://in-toto.io/attestation/test-result/v0.1, one for each profile.

That predicate has no word for what was not tested, and its readers refuse fields of our own: what was not tried is
neither among the passed nor among the failed, and makes a WARNED of what would be a PASSED.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lockproof.conformance.certificates.conclusions import Outcome
from lockproof.conformance.judging.verdict import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lockproof.conformance.certificates.certificate import Certificate
    from lockproof.conformance.language.requirements import Profile

__all__ = ["in_toto"]

_RESULTS = {Outcome.CONFORMS: "PASSED", Outcome.NO_DEVIATION: "WARNED"}
_NAMES = {Status.PASS: "passedTests", Status.FAIL: "failedTests", Status.UNRESOLVED: "warnedTests"}


def in_toto(certificate: Certificate, digest: str) -> Iterator[str]:
    """Yield a statement for each profile, each a line of JSON; `digest`: SHA-256 of certificate.json.

    The subject is the image where it is known; else the certificate, which says what was certified.
    """
    image = certificate.kernel.image
    subject = {"name": certificate.target, "digest": {"sha256": image}} if image else _itself(digest)
    for profile in certificate.profiles:
        yield json.dumps(
            {
                "_type": "https://in-toto.io/Statement/v1",
                "subject": [subject],
                "predicateType": "https://in-toto.io/attestation/test-result/v0.1",
                "predicate": _predicate(certificate, profile, digest),
            },
            separators=(",", ":"),
        )


def _itself(digest: str) -> dict[str, Any]:
    return {"name": "certificate.json", "digest": {"sha256": digest}}


def _predicate(certificate: Certificate, profile: Profile, digest: str) -> dict[str, Any]:
    own = [each for each in certificate.requirements if each.profile is profile]
    names = {name: [each.requirement for each in own if each.verdict is status] for status, name in _NAMES.items()}
    result = _RESULTS.get(certificate.profiles[profile].outcome, "FAILED")
    return {"result": result, "configuration": [_itself(digest)], **names}
