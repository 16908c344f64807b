# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
from dataclasses import replace

import pytest

from lockproof.conformance.errors import UsageError
from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.reports.by_target import by_target, folder, leaf
from tests.reports.made_up import manifest, result, run


def test_the_folder_and_the_leaf_of_a_case_make_its_name() -> None:
    name = "mlock/v1.2/hole[of=a/b,n=1]"
    assert (folder(name), leaf(name)) == ("mlock/v1.2", "hole[of=a/b,n=1]")


def test_cases_come_by_folder_in_one_order() -> None:
    names = ["a/b/2", "a/c[n=/]", "a/b/1", "a-b/1"]
    (only,) = by_target([run(*(result(Status.PASS, name) for name in names))])
    assert [(name, [entry.worst.case for entry in entries]) for name, entries in only.folders()] == [
        ("a", ["a/c[n=/]"]),
        ("a-b", ["a-b/1"]),
        ("a/b", ["a/b/1", "a/b/2"]),
    ]


def test_labels_of_targets_are_safe_and_their_own() -> None:
    targets = ("qemu:debian/6.12", "command:é 'x' #1", "command:ü 'x' #1", "???")
    made = by_target([run(result(Status.PASS, target=target), of=manifest(target), name="m") for target in targets])
    assert [each.label for each in made] == ["m-qemu-debian-6_12", "m-command-x-1", "m-command-x-1-2", "m"]
    assert all(re.fullmatch("[A-Za-z0-9_-]+", each.label) for each in made)


def test_two_runs_with_a_target_of_one_name_need_names_of_their_own() -> None:
    first, second = run(result(Status.PASS)), run(result(Status.FAIL), of=manifest(run="20261124T043000"))
    with pytest.raises(UsageError) as error:
        by_target([first, second])
    assert str(error.value) == (
        "runs '20261123T043000' and '20261124T043000': both have a target local; write a name of your own before each, "
        "such as a=20261123T043000, and the targets of that run are called a:local"
    )
    named = run(result(Status.FAIL), name="b")
    assert [each.label for each in by_target([first, named])] == ["local", "b-local"]


def test_a_case_that_did_not_run_is_unresolved() -> None:
    partial = run(result(Status.PASS, "a/1"), result(Status.PASS, "a/2"), of=manifest(finished=None))
    del partial.tally.cases["local", "a/2"]
    (only,) = by_target([partial])
    assert [(entry.worst.case, entry.status, entry.repetitions) for entry in only.entries] == [
        ("a/1", Status.PASS, 1),
        ("a/2", Status.UNRESOLVED, 0),
    ]


def test_nobody_can_tell_what_is_missing_of_cases_that_have_changed() -> None:
    partial = run(result(Status.PASS), of=manifest(finished=None))
    changed = run(result(Status.PASS, "other/case"), of=manifest(finished=None))
    with pytest.raises(UsageError, match="it ended early, and its cases have changed since; start a new run"):
        by_target([replace(partial, corpus=changed.corpus)])
