# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from lockproof.conformance.language.calls import ARGUMENTS, Call
from lockproof.conformance.language.case import Step
from lockproof.conformance.language.fields import field_names, written_name
from lockproof.conformance.language.loading import load_requirements


@pytest.mark.parametrize("call", Call)
def test_the_arguments_of_a_call_are_fields_of_a_step(call: Call) -> None:
    signature = call.signature
    assert {written_name(name) for name in (*signature.needs, *signature.may_have)} <= field_names(Step)
    assert set(signature.needs).isdisjoint(signature.may_have)


def test_every_field_of_a_step_is_an_argument_of_some_call_or_about_all_of_them() -> None:
    assert field_names(Step) == {*map(written_name, ARGUMENTS), "call", "fault", "expect"}


@pytest.mark.parametrize("call", Call)
def test_what_a_generated_case_of_a_call_checks_is_in_the_catalogue_and_of_one_profile(call: Call) -> None:
    catalogue = load_requirements()
    assert len({catalogue[name].profile for name in call.signature.checks}) == 1


@pytest.mark.parametrize("call", Call)
def test_flags_are_named_only_where_a_step_may_have_them(call: Call) -> None:
    signature = call.signature
    assert bool(signature.flags) == ("flags" in (*signature.needs, *signature.may_have))


def test_a_call_is_known_by_the_name_that_is_written() -> None:
    assert Call("mlock") is Call.MLOCK
    assert f"{Call.MLOCK}" == Call.MLOCK.value == Call.MLOCK.signature.name == "mlock"


def test_only_calls_with_a_child_can_stand_around_another() -> None:
    around = {call for call in Call if "child" in call.signature.needs}
    assert {within for call in Call for within in call.signature.not_within} <= around
