# SPDX-License-Identifier: Apache-2.0
"""From a run of the whole corpus on one target to the files of its certificate. No baseline has any influence."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

from lockproof.conformance.certificates import folder
from lockproof.conformance.certificates.certificate import Certificate, Kernel, Suite
from lockproof.conformance.certificates.evidence import judged
from lockproof.conformance.errors import UsageError
from lockproof.conformance.reports import kinds
from lockproof.conformance.reports.run import Run
from lockproof.conformance.running.manifest import corpus_digest
from lockproof.conformance.running.results import result_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lockproof.conformance.certificates.evidence import Evidence
    from lockproof.conformance.certificates.statement import Statement
    from lockproof.conformance.language.loading import Corpus
    from lockproof.conformance.running.manifest import Manifest
    from lockproof.conformance.running.results import Result

__all__ = ["REPORTS", "certified", "derived", "suite"]

REPORTS = {"junit": "junit.xml", "html": "report.html"}
"""Kinds of reports, and what they are called in the folder."""


def certified(
    manifest: Manifest,
    results: Sequence[Result],
    corpus: Corpus,
    digests: Mapping[str, str],
    statement: Statement,
    statement_file: bytes,
) -> tuple[Certificate, dict[str, bytes]]:
    """Return the certificate of a run, and the files of its folder, not signed yet.

    `digests`: SHA-256 of the `image` that was booted and of the `probe`, as far as they are known.

    Raises UsageError where it is not a whole run of the whole corpus on one target, once.
    """
    _refuse_partial(manifest, corpus)
    (target,) = manifest.targets
    by_case = {result.case: result for result in results}
    if missing := [case.name for case in corpus.cases if case.name not in by_case]:
        msg = f"run {manifest.run!r}: no result of {missing[0]}; run it to its end first, with --resume"
        raise UsageError(msg)
    ordered = [by_case[case.name] for case in corpus.cases]
    info = manifest.info[target]
    found = judged(corpus, target, info, [each.trace for each in ordered], [each.seconds for each in ordered])
    made = Certificate(
        run=manifest.run,
        started=manifest.started,
        finished=manifest.finished or "",
        time_limit=manifest.time_limit,
        target=target,
        readings=corpus.readings,
        kernel=Kernel(image=digests.get("image"), taint_before=info.taint, taint_after=found.taint_after),
        info=info,
        suite=suite(corpus, manifest.lockproof, digests.get("probe")),
        observers_agreed=found.observers_agreed,
        counts=found.counts,
        requirements=found.standings,
        profiles=found.profiles(statement),
        files={},
    )
    contents = {
        **derived(made, found, corpus),
        folder.TRACES: folder.packed(result.trace for result in found.results),
        folder.STATEMENT: statement_file,
    }
    whole = replace(made, files={name: folder.digest(contents[name]) for name in folder.CONTENTS})
    return whole, {folder.CERTIFICATE: whole.as_json().encode(), **contents}


def _refuse_partial(manifest: Manifest, corpus: Corpus) -> None:
    run = f"run {manifest.run!r}"
    if len(manifest.targets) != 1 or manifest.repeat != 1:
        msg = f"{run}: a certificate is of one target and one run of each case; start a run of that"
    elif manifest.readings != corpus.readings:
        one, other = (", ".join(each) or "what was decided" for each in (manifest.readings, corpus.readings))
        msg = f"{run}: judged by {one}, and the statement relies on {other}; start a run, or change the statement"
    elif manifest.cases is not None or manifest.selection or manifest.corpus != corpus_digest(corpus.cases):
        msg = f"{run}: not of all cases that this lockproof brings along; start a run without --cases and without names"
    elif manifest.finished is None or manifest.targets[0] not in manifest.info:
        msg = f"{run}: it ended early; run it to its end first, with --resume"
    else:
        return
    raise UsageError(msg)


def suite(corpus: Corpus, version: str, probe: str | None) -> Suite:
    """Return what identifies the suite."""
    return Suite(
        lockproof=version,
        corpus=corpus_digest(corpus.cases),
        requirements=sha256(repr(tuple(corpus.requirements.values())).encode()).hexdigest(),
        probe=probe,
    )


def derived(made: Certificate, found: Evidence, corpus: Corpus) -> Mapping[str, bytes]:
    """Return the files that follow from the traces: the results without them, and the reports."""
    lines = (result_line(replace(result, trace=())) for result in found.results)
    run = Run(made.manifest, found.tally, corpus)
    reports = {name: kinds.make(kinds.Asked(kind), [run]) for kind, name in REPORTS.items()}
    return {folder.RESULTS: b"".join(lines), **{name: str(text).encode() for name, text in reports.items()}}
