# SPDX-License-Identifier: Apache-2.0
"""The rules of libfault.so: what is read here the library reads too, and means the same by it."""

from __future__ import annotations

import errno
import os
import subprocess

import pytest

from lockproof.conformance.errors import UsageError
from lockproof.runners import shims
from lockproof.runners.shims import Rule, read_rules


def library_reads(text: str) -> bool:
    """Start a program with the library and rules, which it refuses with a line and exit status 2."""
    environment = os.environ | {"LD_PRELOAD": shims.path("fault"), shims.FAULT_VARIABLE: text}
    done = subprocess.run(["true"], env=environment, check=False, capture_output=True, text=True)
    assert (done.returncode, bool(done.stderr)) in {(0, False), (2, True)}
    return done.returncode == 0


RULES = {
    "mlock@2=fail:EAGAIN": Rule("mlock", 2, 2, "fail", "EAGAIN"),
    "munlock@3..=late:EPERM": Rule("munlock", 3, None, "late", "EPERM"),
    "any@9=lie": Rule("any", 9, 9, "lie"),
    "mmap=part": Rule("mmap", 1, None, "part"),
    "mlockall@999999999=fail": Rule("mlockall", 999999999, 999999999, "fail"),
}


def test_a_rule_is_a_value_and_its_text_is_what_was_read() -> None:
    assert read_rules(",".join(RULES), "here") == tuple(RULES.values())
    assert list(map(str, RULES.values())) == list(RULES)
    assert library_reads(",".join(RULES))


def test_from_the_first_on_is_every_one() -> None:
    assert read_rules("mlock@1..=fail", "here") == read_rules("mlock=fail", "here")


@pytest.mark.parametrize(
    "text", ["mlock=fall", "lock=fail", "mlock@0=fail", "mlock", "mlock=lie:EIO", "mlock@2...=fail", "mlock=fail:EOOPS"]
)
def test_what_is_refused_here_the_library_refuses(text: str) -> None:
    with pytest.raises(UsageError, match=r"^here: "):
        read_rules(text, "here")
    assert not library_reads(text)


def test_every_name_of_an_errno_that_is_taken_here_the_library_takes() -> None:
    names = sorted({name for name in dir(errno) if name.startswith("E")})
    taken: list[Rule] = []
    for name in names:
        try:
            taken += read_rules(f"any=fail:{name}", "here")
        except UsageError:
            continue
    assert len(taken) > 120
    for start in range(0, len(taken), 16):
        assert library_reads(",".join(map(str, taken[start : start + 16])))


@pytest.mark.parametrize(
    ("text", "call", "nth", "of_all", "about"),
    [
        ("mlock=fail", "mlock", 7, 9, True),
        ("mlock=fail", "munlock", 7, 9, False),
        ("mlock@2=fail", "mlock", 2, 9, True),
        ("mlock@2=fail", "mlock", 3, 2, False),
        ("mlock@2..=fail", "mlock", 3, 1, True),
        ("mlock@2..=fail", "mlock", 1, 3, False),
        ("any@2=fail", "munlock", 1, 2, True),
        ("any@2=fail", "munlock", 2, 3, False),
    ],
)
def test_a_rule_counts_the_calls_of_its_name_and_any_counts_all(
    text: str, call: str, nth: int, of_all: int, *, about: bool
) -> None:
    (rule,) = read_rules(text, "here")
    assert rule.is_about(call, nth, of_all) is about
