# SPDX-License-Identifier: Apache-2.0
"""The machine's mirror of Debian, from sources of both styles; sources.list(5)."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockproof.conformance.errors import UsageError
from lockproof.runners.kernels.sources_list import Mirror, mirror, security_mirror

DEBIAN = "http://deb.debian.org/debian"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mDMEXXX\n =abcd\n -----END PGP PUBLIC KEY BLOCK-----"


def apt(folder: Path, **files: str) -> Path:
    """Write /etc/apt: `list` is sources.list, and `NAME_STYLE` is a file of sources.list.d."""
    (folder / "sources.list.d").mkdir(parents=True)
    for name, text in files.items():
        path = folder / "sources.list" if name == "list" else folder / "sources.list.d" / name.replace("_", ".")
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("line", "address", "signed_by"),
    [
        (f"deb {DEBIAN} bookworm main", DEBIAN, ""),
        (f"deb\t{DEBIAN}  trixie   contrib  main non-free-firmware", DEBIAN, ""),
        (f"  deb {DEBIAN} oldoldstable main # comment", DEBIAN, ""),
        (f"deb [signed-by={KEYRING}] {DEBIAN} sid main", DEBIAN, KEYRING),
        (f"deb [ arch=amd64,arm64 signed-by={KEYRING} ] {DEBIAN} stable-updates main", DEBIAN, KEYRING),
        (f"deb [arch=amd64] {DEBIAN} testing main", DEBIAN, ""),
        (f"deb [signed-by=/a.gpg,/b.gpg] {DEBIAN} bookworm-backports main", DEBIAN, "/a.gpg /b.gpg"),
        ("deb mirror+file:/etc/apt/mirrors/debian.list bookworm main", "mirror+file:/etc/apt/mirrors/debian.list", ""),
        (f"deb-src {DEBIAN}-src bookworm main\ndeb {DEBIAN} bookworm main", DEBIAN, ""),
        (f"deb {DEBIAN}-security bookworm-security main\ndeb {DEBIAN} bookworm main\n", DEBIAN, ""),
        (f"#deb {DEBIAN}-old bookworm main\n\ndeb {DEBIAN} bookworm main\ndeb {DEBIAN}-2 bookworm main\n", DEBIAN, ""),
        (f"deb cdrom:[Debian GNU/Linux 12 _Bookworm_]/ bookworm main\ndeb {DEBIAN} bookworm main", DEBIAN, ""),
    ],
)  # fmt: skip
def test_a_line_gives_address_and_keys(tmp_path: Path, line: str, address: str, signed_by: str) -> None:
    assert mirror(apt(tmp_path / "apt", list=line)) == Mirror(address, signed_by)


@pytest.mark.parametrize(
    ("stanza", "address", "signed_by"),
    [
        (f"Types: deb\nURIs: {DEBIAN}\nSuites: bookworm bookworm-updates\nComponents: main\nSigned-By: {KEYRING}\n", DEBIAN, KEYRING),
        (f"types: deb deb-src\nuris: {DEBIAN}\nsuites: trixie\ncomponents: main contrib\n", DEBIAN, ""),
        (f"Types: deb\n# snapshot\nURIs: {DEBIAN}\nSuites:\n bookworm\n sid\nComponents:\tmain", DEBIAN, ""),
        (f"Types: deb\nURIs: {DEBIAN}\nSuites:\n nodistro\n# one more\n sid\nComponents: main", DEBIAN, ""),
        (f"Types: deb\nURIs: {DEBIAN} http://other/debian\nSuites: sid\nComponents: main", f"{DEBIAN} http://other/debian", ""),
        (f"Enabled: yes\nTypes: deb\nURIs: {DEBIAN}\nSuites: sid\nComponents: main", DEBIAN, ""),
        (f"Types: deb\r\nURIs: {DEBIAN}\r\nSuites: sid\r\nComponents: main\r\n", DEBIAN, ""),
        (f"Types: deb\nURIs: {DEBIAN}\nSuites: sid\nComponents: main\nSigned-By:\n {KEY}\n", DEBIAN, f"\n {KEY}"),
    ],
)  # fmt: skip
def test_a_stanza_gives_address_and_keys(tmp_path: Path, stanza: str, address: str, signed_by: str) -> None:
    assert mirror(apt(tmp_path / "apt", debian_sources=stanza)) == Mirror(address, signed_by)


NEXT = "\n\nTypes: deb\nURIs: http://next\nSuites: bookworm\nComponents: main\n"


@pytest.mark.parametrize("stanza", [
    f"Enabled: no\nTypes: deb\nURIs: {DEBIAN}\nSuites: bookworm\nComponents: main",
    f"Types: deb\nURIs: {DEBIAN}\nSuites: bookworm\nComponents: main\nEnabled: False",
    f"Types: deb-src\nURIs: {DEBIAN}\nSuites: bookworm\nComponents: main",
    f"Types: deb\nURIs: {DEBIAN}-security\nSuites: bookworm-security\nComponents: main",
    f"Types: deb\nURIs: {DEBIAN}\nSuites: bookworm\nComponents: contrib non-free",
    "Types: deb\nURIs: https://deb.nodesource.com/node_20.x\nSuites: nodistro\nComponents: main",
    "Types: deb\nURIs: http://archive.ubuntu.com/ubuntu\nSuites: noble noble-updates\nComponents: main universe",
    f"# Types: deb\n# URIs: {DEBIAN}\n# Suites: bookworm\n# Components: main",
    "Types: deb\nSuites: bookworm\nComponents: main",
    "Types: deb\nURIs:\nSuites: bookworm\nComponents: main",
])  # fmt: skip
@pytest.mark.parametrize("separator", [NEXT, f"\n \t{NEXT}", f"\n\n# comment{NEXT}"])
def test_a_stanza_that_is_not_for_debians_main_component_is_passed_over(
    tmp_path: Path, stanza: str, separator: str
) -> None:
    assert mirror(apt(tmp_path / "apt", debian_sources=stanza + separator)).address == "http://next"


def test_the_file_sources_list_comes_first_and_then_the_others_by_name(tmp_path: Path) -> None:
    def entry(name: str) -> str:
        return f"deb http://{name} bookworm main\n"

    files = {"b_list": entry("b"), "c_list": entry("c"), "a_bak": entry("backup"), "a_list": "# empty\n"}
    assert mirror(apt(tmp_path / "1", list=entry("first"), **files)).address == "http://first"
    assert mirror(apt(tmp_path / "2", list="\n", **files)).address == "http://b"
    assert mirror(apt(tmp_path / "3", **files, b_sources=entry("no stanza"))).address == "http://b"


@pytest.mark.parametrize("files", [
    {},
    {"list": ""},
    {"list": f"deb {DEBIAN} bookworm contrib # main\n"},
    {"list": "deb http://archive.ubuntu.com/ubuntu noble main restricted\n"},
    {"debian_sources": f"deb {DEBIAN} bookworm main\n"},
    {"debian_list": f"Types: deb\nURIs: {DEBIAN}\nSuites: bookworm\nComponents: main\n"},
])  # fmt: skip
def test_a_machine_without_a_mirror_of_debian_is_told_what_to_do(tmp_path: Path, files: dict[str, str]) -> None:
    folder = apt(tmp_path / "apt", **files)
    with pytest.raises(UsageError) as caught:
        mirror(folder)
    assert str(caught.value) == (
        f"no mirror of Debian (main) in {folder}/sources.list and sources.list.d; add one, or give an image by its path"
    )


BRAVE = "deb https://brave-browser-apt-release.s3.brave.com/ stable main\n"


def test_the_distributions_own_file_comes_before_those_of_others(tmp_path: Path) -> None:
    own = f"Types: deb\nURIs: {DEBIAN}\nSuites: trixie\nComponents: main\n"
    folder = apt(tmp_path / "apt", **{"brave-browser-release_list": BRAVE}, debian_sources=own)
    assert mirror(folder) == Mirror(DEBIAN, "")


def test_an_entry_that_is_signed_by_debians_keyring_comes_before_all_others(tmp_path: Path) -> None:
    own = f"deb [signed-by={KEYRING}] {DEBIAN} trixie main\n"
    folder = apt(tmp_path / "apt", list=BRAVE, **{"brave-browser-release_list": BRAVE}, own_list=own)
    assert mirror(folder) == Mirror(DEBIAN, KEYRING)


def test_a_file_that_cannot_be_read_is_passed_over_and_named_where_no_other_has_a_mirror(tmp_path: Path) -> None:
    folder = apt(tmp_path / "apt", own_list="deb http://here bookworm main\n")
    bad = folder / "sources.list.d" / "a.list"
    bad.symlink_to("/proc/self/mem")  # nobody can read its beginning, not even root
    assert mirror(folder).address == "http://here"
    (folder / "sources.list.d" / "own.list").unlink()
    with pytest.raises(UsageError) as caught:
        mirror(folder)
    assert str(caught.value) == (
        f"no mirror of Debian (main) in {folder}/sources.list and sources.list.d; "
        f"{bad} cannot be read: Input/output error; add one, or give an image by its path"
    )


SECURITY = "http://deb.debian.org/debian-security"


@pytest.mark.parametrize(("text", "found"), [
    (f"deb {DEBIAN} bookworm main\ndeb [signed-by={KEYRING}] {SECURITY} bookworm-security main", Mirror(SECURITY, KEYRING)),
    (f"deb {SECURITY} stable-security main contrib", Mirror(SECURITY, "")),
    (f"deb {DEBIAN} bookworm bookworm-updates main", None),
    (f"deb {SECURITY} bookworm-security contrib", None),
    ("deb http://security.ubuntu.com/ubuntu noble-security main", None),
])  # fmt: skip
def test_the_mirror_of_security_updates_is_found_where_an_entry_is_for_it(
    tmp_path: Path, text: str, found: Mirror | None
) -> None:
    assert security_mirror(apt(tmp_path / "1", list=text)) == found
    stanza = f"Types: deb\nURIs: {SECURITY}\nSuites: trixie-security\nComponents: main\n"
    assert security_mirror(apt(tmp_path / "2", debian_sources=stanza)) == Mirror(SECURITY, "")


def test_a_machine_without_apt_has_no_mirror(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no mirror of Debian"):
        mirror(tmp_path / "nothing")


def test_a_file_in_another_encoding_is_read(tmp_path: Path) -> None:
    folder = apt(tmp_path / "apt")
    (folder / "sources.list").write_bytes(b"# Spiegel f\xfcr uns\ndeb http://here bookworm main\n")
    assert mirror(folder).address == "http://here"


ADDRESSES = st.from_regex(r"(?:https?|ftp|file|mirror\+https)://?[a-z0-9.:/~_-]{1,20}", fullmatch=True)
SUITES = st.sampled_from(["stable", "oldstable", "testing", "unstable", "sid", "bookworm", "trixie-backports"])
KEYS = st.sampled_from(["", KEYRING, "/a.gpg /b.gpg", "0123456789ABCDEF0123456789ABCDEF01234567", f"\n {KEY}"])


@given(ADDRESSES, KEYS, SUITES, st.sampled_from(["amd64", "riscv64"]))
def test_a_stanza_that_is_written_is_read_as_the_same_mirror(
    address: str, signed_by: str, suite: str, architecture: str
) -> None:
    wanted = Mirror(address, signed_by)
    with TemporaryDirectory() as name:
        assert mirror(apt(Path(name) / "apt", own_sources=wanted.stanza(suite, architecture))) == wanted


@given(ADDRESSES, st.sampled_from(["", KEYRING, "/a.gpg /b.gpg"]), SUITES)
def test_both_styles_say_the_same(address: str, signed_by: str, suite: str) -> None:
    option = f"[signed-by={signed_by.replace(' ', ',')}] " if signed_by else ""
    stanza = f"Types: deb\nURIs: {address}\nSuites: {suite}\nComponents: main\nSigned-By: {signed_by}\n"
    with TemporaryDirectory() as name:
        of_line = mirror(apt(Path(name) / "1", own_list=f"deb {option}{address} {suite} main\n"))
        assert of_line == mirror(apt(Path(name) / "2", own_sources=stanza)) == Mirror(address, signed_by)


def test_another_suite_and_architecture_are_asked_of_the_same_mirror() -> None:
    assert Mirror(DEBIAN, KEYRING).stanza("sid", "riscv64") == (
        f"Types: deb\nURIs: {DEBIAN}\nSuites: sid\nComponents: main\nArchitectures: riscv64\nSigned-By: {KEYRING}\n"
    )
    assert Mirror(DEBIAN, "").stanza("sid", "arm64").endswith("\nArchitectures: arm64\n")
