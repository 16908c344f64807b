# SPDX-License-Identifier: Apache-2.0
"""Fragments of configuration: what they may hold, and what is said of options that a kernel cannot have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockproof.conformance.errors import UsageError
from lockproof.runners.kernels import config

if TYPE_CHECKING:
    from pathlib import Path

NAMES = st.from_regex(r"CONFIG_[A-Z0-9_]{1,12}", fullmatch=True)
VALUES = st.sampled_from(["y", "m", "n", "17", "0x1000", '"text with spaces"', '"a=b # c"'])


def text_of(options: dict[str, str]) -> str:
    """Write options as the kernel does."""
    return "".join(f"# {name} is not set\n" if value == "n" else f"{name}={value}\n" for name, value in options.items())


@given(st.dictionaries(NAMES, VALUES))
def test_options_are_read_as_they_are_written(options: dict[str, str]) -> None:
    assert config.parse(text_of(options)) == options


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("CONFIG_A=y\nCONFIG_A=m\n", {"CONFIG_A": "m"}),
        ("CONFIG_A=y\n# CONFIG_A is not set\n", {"CONFIG_A": "n"}),
        ("# CONFIG_A is not set\nCONFIG_A=y", {"CONFIG_A": "y"}),
        ("CONFIG_A=n\n", {"CONFIG_A": "n"}),
        ("#CONFIG_A=y\n# CONFIG_A=y\n## CONFIG_A is not set\n#\n\nA=y\n", {}),
        ("", {}),
    ],
)
def test_the_last_line_about_an_option_counts_and_comments_do_not(text: str, options: dict[str, str]) -> None:
    assert config.parse(text) == options


@pytest.mark.parametrize(
    ("result", "needed", "others", "lines"),
    [
        ("CONFIG_A=y\n", "CONFIG_A=y\n", [], []),
        ("", "# CONFIG_A is not set\n", [], []),
        ("# CONFIG_A is not set\n", "CONFIG_A=n\n", [], []),
        ("CONFIG_B=y\n", "CONFIG_A=y\n", ["# CONFIG_A is not set\n"], []),
        ("CONFIG_A=m\n", "CONFIG_A=y\n", ["CONFIG_A=m\n"], []),
        ("CONFIG_A=y\n", "CONFIG_A=y\n", ["CONFIG_B=y\n"], ["this kernel cannot have CONFIG_B=y"]),
        ("CONFIG_B=m\n", "", ["CONFIG_B=y\nCONFIG_C=17\n"], ["this kernel cannot have CONFIG_B=y, CONFIG_C=17"]),
        ("CONFIG_B=y\n", "", ["# CONFIG_B is not set\n"], ["this kernel cannot have CONFIG_B=n"]),
        (
            "CONFIG_A=y\n",
            "CONFIG_A=y\n",
            ["CONFIG_B=y\n", "CONFIG_A=y\n", "CONFIG_C=y\n"],
            ["this kernel cannot have CONFIG_B=y", "this kernel cannot have CONFIG_C=y"],
        ),
    ],
)
def test_what_a_user_asked_for_and_did_not_get_is_said(
    result: str, needed: str, others: list[str], lines: list[str]
) -> None:
    assert config.check(result, needed, others) == lines


@pytest.mark.parametrize(
    ("result", "needed", "others", "lost"),
    [
        ("", "CONFIG_A=y\n", [], "CONFIG_A=y"),
        ("# CONFIG_A is not set\nCONFIG_B=m\n", "CONFIG_A=y\nCONFIG_B=y\nCONFIG_C=y\n", [], "CONFIG_A=y, CONFIG_B=y, CONFIG_C=y"),
        ("CONFIG_A=y\n", "# CONFIG_A is not set\n", [], "CONFIG_A=n"),
        ("", "CONFIG_A=y\nCONFIG_B=y\n", ["# CONFIG_A is not set\n"], "CONFIG_B=y"),
        ("", "CONFIG_A=y\n", ["CONFIG_AB=y\n"], "CONFIG_A=y"),
        ("", "CONFIG_A=y\n", ["CONFIG_A=y\n"], "CONFIG_A=y"),
        ("", "CONFIG_A=y\n", ["# CONFIG_A is not set\n", "CONFIG_A=y\n"], "CONFIG_A=y"),
    ],
)  # fmt: skip
def test_a_kernel_without_what_the_probe_needs_is_refused(
    result: str, needed: str, others: list[str], lost: str
) -> None:
    with pytest.raises(UsageError) as caught:
        config.check(result, needed, others)
    assert str(caught.value) == (
        f"this kernel cannot have {lost}, which the probe needs; give another version of the sources"
    )


@given(st.dictionaries(NAMES, VALUES, min_size=1), st.dictionaries(NAMES, VALUES))
def test_nothing_is_lost_from_a_configuration_that_has_everything(
    needed: dict[str, str], wished: dict[str, str]
) -> None:
    result = text_of(needed | wished)
    assert config.check(result, text_of(needed), [text_of(wished)]) == []


@pytest.mark.parametrize("fault_injection", [False, True])
def test_the_fragments_hold_nothing_but_options(tmp_path: Path, *, fault_injection: bool) -> None:
    for text in config.fragments(fault_injection=fault_injection):
        (tmp_path / "own.config").write_text(text)
        assert config.own(tmp_path / "own.config") == f"{text}\n"
        options = [line for line in text.splitlines() if line.startswith("CONFIG_") or line.endswith("is not set")]
        assert len(config.parse(text)) == len(options) > 5  # none twice


def test_fault_injection_is_asked_for_only_where_it_is_wanted() -> None:
    plain, _ = config.fragments(fault_injection=False)
    more, _ = config.fragments(fault_injection=True)
    assert more.startswith(plain)
    assert "CONFIG_FAILSLAB" not in config.parse(plain)
    assert config.parse(more)["CONFIG_FAILSLAB"] == "y"


@pytest.mark.parametrize("text", ["", "\n  \n# anything\n#CONFIG_A=y\n"])
def test_a_fragment_without_an_option_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "own.config").write_text(text)
    with pytest.raises(UsageError, match=r"own\.config: has no option; write CONFIG_NAME=value or "):
        config.own(tmp_path / "own.config")


@pytest.mark.parametrize("text", [
    "\n  \n# anything\n#CONFIG_A=y\nCONFIG_B=y\n",
    "CONFIG_A=y",
    'CONFIG_CMDLINE="console=ttyS0 quiet"\n# CONFIG_B is not set\n',
])  # fmt: skip
def test_a_fragment_is_read_as_it_is_and_always_ends_a_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "own.config").write_text(text)
    assert config.own(tmp_path / "own.config") == f"{text}\n"


def test_a_fragment_from_windows_is_read(tmp_path: Path) -> None:
    (tmp_path / "own.config").write_bytes(b"CONFIG_A=y\r\n# CONFIG_B is not set\r\n")
    assert config.parse(config.own(tmp_path / "own.config")) == {"CONFIG_A": "y", "CONFIG_B": "n"}


@pytest.mark.parametrize(("text", "number", "line"), [
    ("CONFIG_A=y\nA=y\n", 2, "A=y"),
    ("CONFIG_A\n", 1, "CONFIG_A"),
    ("\n\nCONFIG_A=\n", 3, "CONFIG_A="),
    ("# comment\n  CONFIG_A=y  \n", 2, "CONFIG_A=y"),
    ("CONFIG_A-B=y\n", 1, "CONFIG_A-B=y"),
    ("diff --git a/mm/mlock.c b/mm/mlock.c\n", 1, "diff --git a/mm/mlock.c b/mm/mlock.c"),
])  # fmt: skip
def test_a_line_that_is_no_option_is_named(tmp_path: Path, text: str, number: int, line: str) -> None:
    path = tmp_path / "own.config"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        config.own(path)
    assert str(caught.value) == (
        f"{path}:{number}: no option: {line!r}; write CONFIG_NAME=value or # CONFIG_NAME is not set"
    )


@pytest.mark.parametrize(("content", "why"), [(None, "No such file or directory"), (b"CONFIG_A=\xff\n", "invalid start byte")])  # fmt: skip
def test_a_fragment_that_cannot_be_read_says_why(tmp_path: Path, content: bytes | None, why: str) -> None:
    path = tmp_path / "own.config"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        config.own(path)
    assert str(caught.value).startswith(f"{path}: cannot be read as a fragment of configuration: ")
    assert why in str(caught.value)
    assert str(caught.value).endswith("; give a file of lines CONFIG_NAME=value")
    assert str(caught.value).count(str(path)) == 1
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_fragment_or_a_usage_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.config"
    path.write_bytes(content)
    try:
        said = f"{path}: {len(config.own(path))}"
    except UsageError as error:
        said = str(error)
    assert said.startswith(str(path))
