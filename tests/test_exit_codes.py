# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from lockproof.conformance.exit_codes import STYLES, asked


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("run mlock", "default"),
        ("run --exit-code bisect mlock", "bisect"),
        ("run --nonsense --exit-code=ltp", "ltp"),
        ("run --exit-code ltp --exit-code=kselftest", "kselftest"),
        ("run --exit-code nonsense", "default"),
        ("run --exit-code", "default"),
        ("run -- --exit-code=ltp", "default"),
        ("inject --exit-code=ltp", "default"),
        ("", "default"),
    ],
)
def test_the_style_is_known_whatever_else_is_wrong_with_a_command_line(line: str, name: str) -> None:
    assert asked(line.split()) == STYLES[name]


@pytest.mark.parametrize(
    ("name", "usage", "infrastructure"),
    [("default", 2, 3), ("bisect", 129, 125), ("kselftest", 1, 1), ("ltp", 2, 2), ("autopkgtest", 1, 77)],
)
def test_errors_have_exit_codes_of_the_style(name: str, usage: int, infrastructure: int) -> None:
    assert (STYLES[name].of_error(2), STYLES[name].of_error(3)) == (usage, infrastructure)
    assert STYLES[name].of_error(130) == 130


@pytest.mark.parametrize(
    ("name", "good", "fail"), [("default", 3, 3), ("bisect", 125, 1), ("kselftest", 1, 1), ("autopkgtest", 77, 1)]
)
def test_output_that_is_not_all_there_hides_no_failure(name: str, good: int, fail: int) -> None:
    assert (STYLES[name].of_trouble(0), STYLES[name].of_trouble(1)) == (good, fail)
