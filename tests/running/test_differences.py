# SPDX-License-Identifier: Apache-2.0
"""Two runs are compared case by case; each difference is in one of six lists, and what was not tried is in none."""

from __future__ import annotations

from typing import Any

import pytest

from lockproof.conformance.errors import UsageError
from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.running.differences import LISTS, Differences, Pair, Seen, Side, differences

PASS, UNTESTED, UNSUPPORTED, UNRESOLVED = (
    Seen(status) for status in (Status.PASS, Status.UNTESTED, Status.UNSUPPORTED, Status.UNRESOLVED)
)
LOCKS = Seen(Status.FAIL, ("mlock.no-change:locked",))
RESULT = Seen(Status.FAIL, ("mlock.errors:result",))
BOTH = Seen(Status.FAIL, ("mlock.errors:result", "mlock.no-change:locked"))


def of(seen: dict[str, Seen], name: str = "A", **changes: Any) -> Side:  # noqa: ANN401
    return Side(name=name, targets={"local": seen}, **changes)


def lists(found: Differences) -> dict[str, list[str]]:
    return {name: cases for name in LISTS if (cases := [each.case for each in getattr(found, name)])}


@pytest.mark.parametrize(
    ("before", "after", "name", "code"),
    [
        (PASS, PASS, None, 0),
        (LOCKS, LOCKS, None, 0),
        (UNTESTED, UNSUPPORTED, None, 0),
        (PASS, LOCKS, "new_failures", 1),
        (UNRESOLVED, LOCKS, "new_failures", 1),
        (LOCKS, PASS, "fixed", 0),
        (LOCKS, RESULT, "changed_findings", 1),
        (LOCKS, BOTH, "changed_findings", 1),
        (BOTH, LOCKS, "changed_findings", 0),
        (UNTESTED, LOCKS, "new_cases", 0),
        (UNRESOLVED, PASS, "new_cases", 0),
        (None, LOCKS, "new_cases", 0),
        (None, UNTESTED, None, 0),
        (LOCKS, UNTESTED, "gone_cases", 0),
        (PASS, UNSUPPORTED, "gone_cases", 0),
        (PASS, None, "gone_cases", 0),
        (UNTESTED, None, None, 0),
        (UNRESOLVED, UNRESOLVED, "still_unresolved", 0),
        (PASS, UNRESOLVED, "still_unresolved", 3),
        (None, UNRESOLVED, "still_unresolved", 0),
    ],
)
def test_a_case_is_in_the_list_that_says_what_became_of_it(
    before: Seen | None, after: Seen | None, name: str | None, code: int
) -> None:
    found = differences(of({"a/b": before} if before else {}), of({"a/b": after} if after else {}))
    assert (lists(found), found.exit_code) == ({name: ["a/b"]} if name else {}, code)


def test_a_failure_is_worse_whatever_was_fixed_beside_it() -> None:
    found = differences(of({"a": LOCKS, "b": PASS, "c": LOCKS}), of({"a": PASS, "b": LOCKS, "c": PASS}))
    assert (lists(found), found.exit_code) == ({"new_failures": ["b"], "fixed": ["a", "c"]}, 1)


@pytest.mark.parametrize(
    ("partial", "gone", "why"),
    [
        ({"finished": False}, [], "it ended before all was run"),
        ({"selection": ("a",)}, ["a/c"], "only a was asked for"),
        ({"sweeps": "none"}, [], "only all cases without sweeps was asked for"),
    ],
)
def test_what_a_partial_run_did_not_run_is_not_gone(partial: dict[str, Any], gone: list[str], why: str) -> None:
    whole = of({"a/b": PASS, "a/c": LOCKS, "b/d": LOCKS})
    part = of({"a/b": PASS}, "B", **partial)
    found = differences(whole, part)
    assert [each.case for each in found.gone_cases] == gone
    assert found.remarks[0] == f"B is partial, {why}; what it did not run is neither gone nor new"
    assert lists(differences(part, whole)) == ({"new_cases": gone} if gone else {})


@pytest.mark.parametrize(
    ("before", "after", "pairs"),
    [
        (["local"], ["qemu:a"], ["local → qemu:a"]),
        (["local", "qemu:a"], ["local", "qemu:b"], ["local", "qemu:a → qemu:b"]),
        (["qemu:a", "qemu:b"], ["qemu:b", "qemu:c"], ["qemu:b", "qemu:a → qemu:c"]),
        (["local", "model:x"], ["local"], ["local"]),
    ],
)
def test_targets_are_paired_by_name_then_by_kind(before: list[str], after: list[str], pairs: list[str]) -> None:
    found = differences(*(Side(name="A", targets={name: {} for name in names}) for names in (before, after)))
    assert [str(pair) for pair in found.pairs] == pairs


@pytest.mark.parametrize(
    ("before", "after"), [(["local", "qemu:a"], ["qemu:b", "qemu:c"]), (["local", "model:x"], ["gvisor"])]
)
def test_targets_that_nobody_can_pair_are_asked_for(before: list[str], after: list[str]) -> None:
    sides = [Side(name=f"R{n}", targets={name: {} for name in names}) for n, names in enumerate((before, after))]
    with pytest.raises(UsageError, match="name one of each, such as 'R0#"):
        differences(*sides)


def test_a_target_without_a_partner_is_named() -> None:
    found = differences(
        Side(name="A", targets={"local": {}, "model:x": {}}), Side(name="B", targets={"local": {}, "gvisor": {}})
    )
    assert found.remarks == ("only A has model:x: not compared", "only B has gvisor: not compared")
    assert found.pairs == (Pair("local", "local"),)


def test_cases_that_have_changed_themselves_are_told() -> None:
    found = differences(of({"a": PASS}, corpus="1"), of({"a": PASS}, corpus="2"))
    assert found.remarks == ("the cases themselves have changed between the two: a difference may be theirs",)
    assert differences(of({"a": PASS}, corpus="1"), of({"a": PASS}, corpus="1")).remarks == ()
