# SPDX-License-Identifier: Apache-2.0
"""A certificate as people read it: what identifies the kernel, and what could not be read of it."""

from __future__ import annotations

from dataclasses import replace

from lockproof.conformance.certificates import read_statement
from lockproof.conformance.certificates.certificate import Kernel
from lockproof.conformance.certificates.page import MEANS, page
from lockproof.conformance.judging.applicability import unmet
from lockproof.conformance.judging.verdict import Status
from lockproof.runners.target import SystemCounts
from tests.certificates.certified import STATEMENT, certificate, corpus, files

SAID = read_statement(STATEMENT, "STATEMENT.yaml")


def test_what_identifies_a_kernel_is_shown() -> None:
    made = certificate(files())
    info = replace(
        made.info,
        build_id="ab12",
        config=("/proc/config.gz", "c" * 64),
        command_line="quiet panic=-1",
        knobs={"failslab/ignore-gfp-wait": ("Y", "N")},
        taint=0,
    )
    kernel = Kernel(image="d" * 64, taint_before=0, taint_after=512)
    lines = [line.split(None, 1) for line in page(replace(made, info=info, kernel=kernel), SAID) if line[:1] == " "]
    shown = dict(line for line in lines if len(line) == 2)
    assert shown["image"] == f"sha256 {'d' * 64}"
    assert shown["build"] == "id   ab12"
    assert shown["config"] == f"sha256 {'c' * 64} of /proc/config.gz"
    assert shown["started"] == "with quiet panic=-1"
    assert shown["taint"] == "0 before, 512 after"
    assert shown["settings"] == "failslab/ignore-gfp-wait found Y, set to N"


def test_what_could_not_be_read_of_a_kernel_is_said() -> None:
    lines = [" ".join(line.split()) for line in page(certificate(files()), SAID)]
    assert "image not known" in lines
    assert "build id not known" in lines
    assert "config not known: the target has neither /proc/config.gz nor /boot/config-RELEASE" in lines
    assert "started not known with what" in lines
    assert not any(line.startswith("settings") for line in lines)


def test_a_requirement_is_shown_with_the_reading_that_verdicts_about_it_rest_on() -> None:
    lines = list(page(certificate(files()), SAID))
    at = lines.index("resting on a reading of the standard (lockproof explain --interpretations):")
    assert lines[at + 1 :] == ["  mlock.mapping-limit (posix): mapping-limit=limit"]


def test_of_whatever_is_wanting_it_is_said_what_would_provide_it() -> None:
    whole = certificate(files()).info
    poor = [
        replace(whole, faults={}),
        replace(whole, faults={"each-allocation": "fail-nth", "from-each-allocation": "make-it-fail"}),
        replace(whole, lock_observers=(), residency=None, mappings=False, accounting=False, elsewhere=False),
        replace(whole, residency=None),
        replace(whole, mappings=False),
        replace(whole, accounting=False),
        replace(whole, elsewhere=False),
        replace(whole, page_faults=False),
        replace(whole, thp=None),
        replace(whole, reclaim=()),
        replace(whole, counts=None),
        replace(whole, alone=True, counts=None),
        replace(whole, alone=True, counts=SystemCounts(mlocked=0, vm_areas=None)),
        replace(whole, guard=False),
        replace(whole, privileged=False, memlock=0),
        replace(whole, max_map_count=1 << 30),
    ]
    found = [unmet(case, info) for info in poor for case in corpus().cases]
    wanting = {each.lacks for each in found if each is not None and each.status is Status.UNTESTED and each.lacks}
    assert wanting == set(MEANS)
