# SPDX-License-Identifier: Apache-2.0
"""What a forger changes is found, whether the signature is renewed or not, and named in one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import zstandard
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lockproof.conformance import certificates
from lockproof.conformance.certificates import Outcome, RefusedError, folder
from lockproof.conformance.certificates.page import page
from lockproof.conformance.errors import UsageError
from lockproof.conformance.judging.judge import judge
from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.language.requirements import Profile
from lockproof.conformance.protocol.trace import read_trace
from lockproof.conformance.running.results import read_result, result_line
from tests.certificates.certified import (
    RELYING,
    STATEMENT,
    certificate,
    changed,
    claimed,
    corpus,
    files,
    key,
    signed,
    signers,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.certificates.certified import Files

RESULTS, TRACES = folder.RESULTS, folder.TRACES


def refused(place: Path) -> str:
    """Return why a certificate is refused."""
    with pytest.raises(RefusedError) as caught:
        certificates.verify(place, corpus(), signers())
    said = str(caught.value)
    assert said.startswith(f"{place}: refused: ")
    assert "\n" not in said
    return said.removeprefix(f"{place}: refused: ")


@pytest.mark.parametrize("target", ["model:posix", "model:linux-6"])
def test_a_certificate_that_nobody_touched_holds(target: str, tmp_path: Path) -> None:
    verified = certificates.verify(signed(files(target), tmp_path / "c"), corpus(), signers())
    outcome = Outcome.CONFORMS if target == "model:posix" else Outcome.DEVIATES
    assert verified.certificate.profiles[Profile.POSIX].outcome is outcome
    assert str(verified.signer).startswith("vendor@example.org (ED25519 SHA256:")


def test_a_certificate_says_by_which_readings_it_was_judged(tmp_path: Path) -> None:
    verified = certificates.verify(signed(files("model:linux-6", RELYING), tmp_path / "c"), corpus(), signers())
    usual = certificate(files("model:linux-6"))
    made = verified.certificate
    assert (usual.readings, made.readings) == ((), ("size-max=wraps",))
    assert "mlock.enomem.unmapped" in usual.profiles[Profile.POSIX].sentence
    assert "mlock.enomem.unmapped" not in made.profiles[Profile.POSIX].sentence
    assert made.profiles[Profile.POSIX].sentence.endswith(", by size-max=wraps")
    resting = {each.requirement: each.rests_on for each in made.requirements if each.rests_on}
    assert resting["mlock.enomem.unmapped"] == ("size-max=wraps",)
    assert resting["mlock.mapping-limit"] == ("mapping-limit=limit",)
    assert "  judged by  size-max=wraps" in list(page(made, verified.statement))


def lines(of: Files, name: str = RESULTS) -> list[bytes]:
    return of[name].splitlines(keepends=True)


def with_lines(of: Files, new: list[bytes]) -> Files:
    return changed(of, **{RESULTS: b"".join(new)})


def traces(of: Files) -> list[tuple[str, ...]]:
    return list(folder.unpacked(of[TRACES]))


def with_traces(of: Files, new: list[tuple[str, ...]]) -> Files:
    return changed(of, **{TRACES: folder.packed(new)})


def verdict_changed(of: Files) -> Files:
    at = next(number for number, line in enumerate(lines(of)) if b'"FAIL"' in line)
    new = lines(of)
    new[at] = new[at].replace(b'"status":"FAIL"', b'"status":"PASS"')
    return with_lines(of, new)


def trace_changed(of: Files) -> Files:
    """Let a failed call look as if it had changed nothing, but do not touch the verdict."""
    new = traces(of)
    at = next(n for n, line in enumerate(lines(of)) if b"mlock/no-change/hole-after-prefix" in line)
    new[at] = tuple(line.replace("LL", ".L") for line in new[at])
    assert new != traces(of)
    return with_traces(of, new)


def trace_and_verdict_changed(of: Files) -> Files:
    """Let a failed call look as if it had changed nothing, in the trace and in the verdict."""
    new, said = traces(of), lines(of)
    case = next(case for case in corpus().cases if case.name == "mlock/no-change/hole-after-prefix")
    at = corpus().cases.index(case)
    new[at] = tuple(line.replace(".LL__...", ".L.__...") for line in new[at])
    verdict = judge(case, read_trace(new[at], len(case.map)), corpus().requirements)
    assert verdict.status is Status.PASS
    said[at] = result_line(replace(read_result(said[at]), verdict=verdict))
    return with_lines(with_traces(of, new), said)


def swapped(of: Files) -> Files:
    first, second, *rest = lines(of)
    return with_lines(of, [second, first, *rest])


def renamed(of: Files) -> Files:
    return with_lines(of, [lines(of)[0].replace(b'"case":"', b'"case":"x'), *lines(of)[1:]])


def traces_swapped(of: Files) -> Files:
    """Give the trace of a case that passes to one that fails."""
    new, said = traces(of), lines(of)
    bad = next(number for number, line in enumerate(said) if b'"FAIL"' in line)
    like = [n for n, line in enumerate(said) if b'"PASS"' in line and n != bad]
    good = next(n for n in like if len(corpus().cases[n].map) == len(corpus().cases[bad].map))
    new[bad] = new[good]
    return with_traces(of, new)


def tried_after_all(of: Files) -> Files:
    """Add a trace of a case that the target cannot run."""
    new = traces(of)
    at = next(n for n, line in enumerate(lines(of)) if b'"UNTESTED"' in line and not new[n])
    new[at] = new[0]
    return with_traces(of, new)


def standing_mended(of: Files) -> Files:
    standings = [
        replace(each, verdict=Status.PASS, deviating=()) if each.verdict is Status.FAIL else each
        for each in certificate(of).requirements
    ]
    return claimed(of, requirements=tuple(standings))


def profile_mended(of: Files) -> Files:
    posix = certificates.Conclusion(outcome=Outcome.CONFORMS, sentence="conforms")
    return claimed(of, profiles={**certificate(of).profiles, Profile.POSIX: posix})


def word_mended(of: Files) -> Files:
    said = certificate(of).profiles
    return claimed(of, profiles={**said, Profile.POSIX: replace(said[Profile.POSIX], sentence="conforms")})


def sentence_without_reading(of: Files) -> Files:
    said = certificate(of).profiles
    posix = said[Profile.POSIX]
    return claimed(of, profiles={**said, Profile.POSIX: replace(posix, sentence=posix.sentence.partition(", by ")[0])})


def rests_on_nothing(of: Files) -> Files:
    return claimed(of, requirements=tuple(replace(each, rests_on=()) for each in certificate(of).requirements))


def suite_of(of: Files, **changes: str) -> Files:
    return claimed(of, suite=replace(certificate(of).suite, **changes))


def json_edited(of: Files, edit: Callable[[bytes], bytes]) -> Files:
    return of | {folder.CERTIFICATE: edit(of[folder.CERTIFICATE])}


OTHER = "0" * 64
LIES: dict[str, tuple[Callable[[Files], Files], str]] = {
    "a verdict changed": (verdict_changed, "results.jsonl:"),
    "a trace changed": (trace_changed, "results.jsonl:"),
    "a trace changed, and its verdict": (trace_and_verdict_changed, "certificate.json: "),
    "the trace of another case": (traces_swapped, "certificate.json: counts: the traces show"),
    "the traces of another kernel": (
        lambda of: changed(of, **{TRACES: files("model:posix")[TRACES]}),
        "traces.jsonl.zst: memory/secretmem/",  # which the kernel that it says it is has not got
    ),
    "a trace of what cannot be run": (tried_after_all, "traces.jsonl.zst: "),
    "a case left out": (lambda of: with_lines(of, lines(of)[1:]), "results.jsonl: "),
    "a case doubled": (lambda of: with_lines(of, [*lines(of), lines(of)[0]]), "results.jsonl: "),
    "two cases swapped": (swapped, "results.jsonl:1: it is of "),
    "a case renamed": (renamed, "results.jsonl:1: it is of x"),
    "a case of no name": (lambda of: with_lines(of, [b"{}\n", *lines(of)[1:]]), "results.jsonl:1: "),
    "a result that is no text": (lambda of: with_lines(of, [b"\xff\n", *lines(of)[1:]]), "results.jsonl:1: "),
    "a trace left out": (lambda of: with_traces(of, traces(of)[1:]), "traces.jsonl.zst: "),
    "a trace doubled": (lambda of: with_traces(of, [*traces(of), traces(of)[0]]), "traces.jsonl.zst: "),
    "a trace that is none": (lambda of: with_traces(of, [("{}",), *traces(of)[1:]]), "traces.jsonl.zst: "),
    "traces cut short": (lambda of: changed(of, **{TRACES: of[TRACES][:-9]}), "traces.jsonl.zst: "),
    "traces with something behind": (lambda of: changed(of, **{TRACES: of[TRACES] + b"x"}), "traces.jsonl.zst: "),
    "traces that are not packed": (lambda of: changed(of, **{TRACES: b"[]\n"}), "traces.jsonl.zst: not what zstd"),
    "traces written otherwise": (
        lambda of: changed(of, **{TRACES: zstandard.compress(b"[ ]\n" * len(corpus().cases))}),
        "traces.jsonl.zst: not written as lockproof writes it",
    ),
    "a bomb": (lambda of: changed(of, **{TRACES: zstandard.compress(bytes(600 << 20))}), "traces.jsonl.zst: more than"),
    "a requirement that holds after all": (standing_mended, "certificate.json: requirements: the traces show"),
    "a profile that conforms after all": (profile_mended, "certificate.json: profiles: the traces show"),
    "a sentence that is another": (word_mended, "certificate.json: profiles: the traces show"),
    "other counts": (lambda of: claimed(of, counts=dict.fromkeys(Status, 0)), "certificate.json: counts: "),
    "observers that disagreed": (lambda of: claimed(of, observers_agreed=False), "certificate.json: observers_agreed: "),
    "another taint": (
        lambda of: claimed(of, kernel=replace(certificate(of).kernel, taint_after=512)),
        "certificate.json: kernel.taint_after: ",
    ),
    "another corpus": (lambda of: suite_of(of, corpus=OTHER), "made with other cases than those of this lockproof"),
    "other requirements": (lambda of: suite_of(of, requirements=OTHER), "made with other requirements than those"),
    "a wrong page size": (
        lambda of: claimed(of, info=replace(certificate(of).info, page_size=16384)),
        "junit.xml:",
    ),
    "another release": (lambda of: claimed(of, info=replace(certificate(of).info, release="6.99")), "junit.xml:"),
    "another target": (lambda of: claimed(of, target="local"), "results.jsonl:1: "),
    "another time": (lambda of: claimed(of, started="2020-01-01T00:00:00+00:00"), "junit.xml:"),
    "a report in words of one's own": (
        lambda of: changed(of, **{"report.html": of["report.html"].replace(b"FAIL", b"PASS")}),
        "report.html:",
    ),
    "a JUnit file without failures": (
        lambda of: changed(of, **{"junit.xml": of["junit.xml"].replace(b"<failure", b"<skipped")}),
        "junit.xml:",
    ),
    "a statement that disclaims nothing that counts": (
        lambda of: changed(of, **{folder.STATEMENT: b"who: me\n"}),
        "STATEMENT.yaml:1:1: ",
    ),
    "a reading that the statement does not rely on": (
        lambda of: claimed(of, readings=("size-max=wraps",)), "certificate.json: readings: the traces show (), not",
    ),
    "a statement that relies on another reading": (
        lambda of: changed(of, **{folder.STATEMENT: RELYING}), "made with other cases than those of this lockproof",
    ),
    "a statement that relies on no reading any more": (
        lambda _: changed(files("model:linux-6", RELYING), **{folder.STATEMENT: STATEMENT}),
        "made with other cases than those of this lockproof",
    ),
    "a reading that there is not": (
        lambda of: changed(of, **{folder.STATEMENT: RELYING.replace(b"wraps", b"wrap")}),
        "STATEMENT.yaml: interpretations: reading 'size-max=wrap': 'wrap' is no reading of size-max; did you mean wraps?",
    ),
    "a sentence that hides the reading": (
        lambda _: sentence_without_reading(files("model:linux-6", RELYING)), "certificate.json: profiles: the traces show",
    ),
    "a requirement that hides the reading": (rests_on_nothing, "certificate.json: requirements: the traces show"),
    "a statement that is a list": (lambda of: changed(of, **{folder.STATEMENT: b"[]\n"}), "STATEMENT.yaml: no statement"),
    "a field too many": (lambda of: json_edited(of, lambda t: t.replace(b'"format": 1', b'"format": 1,\n  "x": 1')), "certificate.json: x: "),
    "a field twice": (lambda of: json_edited(of, lambda t: t.replace(b'"format": 1', b'"format": 1,\n  "format": 1')), "certificate.json: not written as"),
    "another format": (lambda of: json_edited(of, lambda t: t.replace(b'"format": 1', b'"format": 2')), "certificate.json: format: "),
    "no JSON": (lambda of: json_edited(of, lambda _: b"["), "certificate.json: "),
    "JSON without a bottom": (lambda of: json_edited(of, lambda _: b"[" * 100000), "certificate.json: "),
    "other files": (lambda of: claimed(of, files={}), "certificate.json: files: "),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_signer_who_lies_is_found_out(lie: str, tmp_path: Path) -> None:
    forge, said = LIES[lie]
    assert refused(signed(forge(files("model:linux-6")), tmp_path / "c")).startswith(said)


@pytest.mark.parametrize("name", [folder.CERTIFICATE, *folder.CONTENTS])
def test_what_is_changed_after_it_was_signed_is_found(name: str, tmp_path: Path) -> None:
    place = signed(files(), tmp_path / "c")
    content = (place / name).read_bytes()
    (place / name).write_bytes(content.replace(b"e", b"f", 1) if name != TRACES else content[:-1] + b"\x00")
    said = "the signature: " if name == folder.CERTIFICATE else f"{name}: not the file that was signed"
    assert refused(place).startswith((said, f"{folder.CERTIFICATE}: "))


FORGED: dict[str, Callable[[Files], Files]] = {
    "another probe": lambda of: suite_of(of, probe=OTHER),
    "another image": lambda of: claimed(of, kernel=replace(certificate(of).kernel, image=OTHER)),
    "another build id": lambda of: claimed(of, info=replace(certificate(of).info, build_id="ab")),
    "another configuration": lambda of: claimed(
        of, info=replace(certificate(of).info, config=("/proc/config.gz", OTHER))
    ),
    "another command line": lambda of: claimed(of, info=replace(certificate(of).info, command_line="quiet")),
    "other settings": lambda of: claimed(of, info=replace(certificate(of).info, knobs={"a": ("Y", "N")})),
    "everything made anew": lambda _: files("model:linux-6"),
}


@pytest.mark.parametrize("forgery", FORGED)
def test_what_only_the_signer_knows_is_what_was_signed(forgery: str, tmp_path: Path) -> None:
    place = signed(files(), tmp_path / "c")
    for name, content in FORGED[forgery](files()).items():
        (place / name).write_bytes(content)
    assert refused(place).startswith("the signature: ")


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_no_line_of_what_follows_from_the_traces_can_be_another(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from([RESULTS, "junit.xml", "report.html"]))
    of = files("model:linux-6")
    said = lines(of, name)
    one, other = (data.draw(st.integers(0, len(said) - 1)) for _ in range(2))
    match data.draw(st.sampled_from(["leave out", "double", "swap", "replace", "edit"])):
        case "leave out":
            del said[one]
        case "double":
            said.insert(other, said[one])
        case "swap":
            said[one], said[other] = said[other], said[one]
        case "replace":
            said[one] = said[other]
        case _:
            at = data.draw(st.integers(0, len(said[one]) - 1))
            said[one] = said[one][:at] + data.draw(st.binary(max_size=3)) + said[one][at + 1 :]
    new = b"".join(said)
    assume(new != of[name])
    refused(signed(changed(of, **{name: new}), tmp_path_factory.mktemp("mutated") / "c"))


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_no_mutation_of_a_byte_verifies(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    place = signed(files(), tmp_path_factory.mktemp("mutated") / "c")
    path = place / data.draw(st.sampled_from(sorted(path.name for path in place.iterdir())))
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    armoured = path.name == folder.SIGNATURE
    path.write_bytes(content)
    try:
        certificates.verify(place, corpus(), signers())
    except RefusedError:
        return
    assert armoured  # the armour of a signature takes blanks and line ends as they come
    subprocess.run(["ssh-keygen", "-Y", "check-novalidate", "-n", certificates.NAMESPACE, "-s", path], check=True,
                   input=(place / folder.CERTIFICATE).read_bytes(), capture_output=True)  # fmt: skip


def test_a_signature_of_somebody_else_does_not_count(tmp_path: Path) -> None:
    place = signed(files(), tmp_path / "c", by="forger")
    assert f"of whom {signers()} knows nothing" in refused(place)
    assert certificates.verify(place, corpus()).signer.principal is None


def test_a_signature_for_something_else_does_not_count(tmp_path: Path) -> None:
    place = tmp_path / "c"
    folder.write(place, files())
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-n", "file", "-f", key("vendor"), place / folder.CERTIFICATE],
                   check=True, capture_output=True)  # fmt: skip
    assert refused(place).startswith("the signature: ")


def test_a_certificate_without_a_signature_is_none(tmp_path: Path) -> None:
    folder.write(tmp_path / "c", files())
    assert refused(tmp_path / "c") == "it is not signed"


def replaced_by(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def forge(place: Path) -> None:
        (place / RESULTS).unlink()
        make(place / RESULTS)

    return forge


FOLDERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a file is missing": (lambda place: (place / "junit.xml").unlink(), "junit.xml missing"),
    "a file too many": (lambda place: (place / "README").touch(), "README does not belong there"),
    "a folder too many": (lambda place: (place / "more").mkdir(), "more does not belong there"),
    "a link": (replaced_by(lambda path: path.symlink_to("/etc/passwd")), "results.jsonl cannot be read as a file"),
    "a folder": (replaced_by(lambda path: path.mkdir()), "results.jsonl is no regular file"),
    "a pipe": (replaced_by(os.mkfifo), "results.jsonl is no regular file"),
    "a huge file": (lambda place: os.truncate(place / RESULTS, 1 << 34), "results.jsonl has more than 67108864 bytes"),
}


@pytest.mark.parametrize("what", FOLDERS)
def test_a_folder_that_means_harm_is_refused(what: str, tmp_path: Path) -> None:
    forge, said = FOLDERS[what]
    place = signed(files(), tmp_path / "c")
    forge(place)
    assert refused(place).startswith(said)


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "nothing") == "it cannot be read: No such file or directory"
    (tmp_path / "file").touch()
    assert refused(tmp_path / "file") == "it cannot be read: Not a directory"


def test_a_certificate_of_another_version_says_which_one_to_install(tmp_path: Path) -> None:
    place = signed(suite_of(files(), lockproof="0.0.9"), tmp_path / "c")
    with pytest.raises(UsageError, match=r"made by lockproof 0\.0\.9, this is .*; pip install lockproof==0\.0\.9"):
        certificates.verify(place, corpus(), signers())


def test_the_verifier_knows_no_way_to_reach_a_target() -> None:
    look = (
        "import sys, lockproof.conformance.certificates\n"
        "print(sorted(name for name in sys.modules if name.startswith('lockproof.runners.')))"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    # What a TARGET text means is read; nothing that starts one is there.
    assert done.stdout.strip() == "['lockproof.runners.options', 'lockproof.runners.target']"


def test_what_the_statement_says_is_part_of_what_is_signed(tmp_path: Path) -> None:
    place = signed(files(), tmp_path / "c")
    assert (place / folder.STATEMENT).read_bytes() == STATEMENT
    assert json.loads((place / folder.CERTIFICATE).read_text())["files"][folder.STATEMENT] == folder.digest(STATEMENT)
