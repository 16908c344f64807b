# SPDX-License-Identifier: Apache-2.0
"""What TAB offers, by click's own protocol and in the shells that are installed."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from lockproof.conformance.language.loading import load, load_requirements
from lockproof.runners.kernels.catalogue import CachedKernel
from lockproof.runners.models import model_names
from lockproof.runners.models.mutants import mutants
from lockproof.runners.target import known_targets
from tests.command import LOCKPROOF, SMALL, lockproof
from tests.places import CASES

SHELLS = {"bash": ["-n"], "zsh": ["-n"], "fish": ["--no-execute"]}
"""How each is told to check a script."""
KERNELS = {"debian/6.12": "x86_64", "debian/6.12@arm64": "arm64"}
OFFERED = {"linux-image-6.1.0-47-cloud-amd64": "6.1.170-3", "linux-image-6.12.117+deb13-cloud-amd64": "6.12.117-1"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a place with kernels, a list of packages, a run, and cases of one's own; `lockproof` is on PATH."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOCKPROOF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{Path(LOCKPROOF).parent}:{os.environ['PATH']}")
    (tmp_path / "cache/kernels").mkdir(parents=True)
    for number, (name, arch) in enumerate(KERNELS.items()):
        kernel = CachedKernel(name=name, arch=arch, image=f"{number}", size=1, version="6.12", origin="here")
        (tmp_path / "cache/kernels" / f"{number}.json").write_text(json.dumps(asdict(kernel)))
    (tmp_path / "cache/apt/trixie-amd64").mkdir(parents=True)
    listed = [
        {"name": name, "version": version, "suite": "trixie", "flavour": "cloud-amd64", "size": 1}
        for name, version in OFFERED.items()
    ]
    (tmp_path / "cache/apt/trixie-amd64/kernels.json").write_text(json.dumps(listed))
    (tmp_path / "results/20261123T103424").mkdir(parents=True)
    (tmp_path / "results/20261123T103424/run.json").touch()
    (tmp_path / "own").mkdir()
    (tmp_path / "own/mlock.yaml").write_text(f"{SMALL}- {{about: A., id: last}}\n- {{id: flow, about: A.}}\n")
    (tmp_path / "targets.toml").write_text('targets.lab.target = "local"\ngroups.lts = ["lab", "qemu:debian/6.1"]\n')
    (tmp_path / "own/targets.toml").write_text('[targets.laboratory]\ntarget = "local"\n')
    return tmp_path


def answers(line: str, cwd: Path) -> list[str]:
    """Ask as the script of bash does, for the end of a line."""
    words = line.split(" ")
    asked = {"_LOCKPROOF_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": f"{len(words) - 1}"}
    done = lockproof(cwd=cwd, env=os.environ | asked)
    assert (done.returncode, done.stderr) == (0, "")
    return [each.removeprefix("plain,") for each in done.stdout.splitlines() if each]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("lockproof ex", ["explain", "explore", "export"]),
        ("lockproof kernel ", ["add", "build", "fetch", "list", "remove"]),
        ("lockproof probe --arch arm", ["arm64", "arm64-16k"]),
        ("lockproof kernel remove debian/6.12@", ["debian/6.12@arm64"]),
        ("lockproof run --st", ["--strict-baseline"]),
        ("lockproof run -t local+", ["local+libc", "local+posixmlock"]),
        ("lockproof run -t qemu:", ["qemu:debian/6.12", "qemu:debian/6.12@arm64"]),
        ("lockproof run --target comm", ["command:"]),
        ("lockproof run -t local -t model:posix", ["model:posix", "model:posixmlock-2006"]),
        ("lockproof run -t la", ["lab"]),
        ("lockproof run -t @", ["@lts"]),
        ("lockproof run --targets own/targets.toml -t la", ["laboratory"]),
        ("lockproof run --targets nowhere -t mod", [f"model:{name}" for name in model_names()]),
        ("lockproof certify -t la", ["lab"]),
        ("lockproof targets gv", ["gvisor"]),
        ("lockproof explore model:posi", ["model:posix", "model:posixmlock-2006"]),
        ("lockproof explore local --against gv", ["gvisor"]),
        ("lockproof prove posix posi", ["posix", "posixmlock-2006"]),
        ("lockproof run mlock/no-c", ["mlock/no-change/"]),
        ("lockproof repro mlock/no-change/hole-after-p", ["mlock/no-change/hole-after-prefix"]),
        ("lockproof cases --cases own ", ["mlock/"]),
        ("lockproof cases --cases own mlock/", ["mlock/hole-after-prefix", "mlock/success", "mlock/flow"]),
        ("lockproof run --cases own/mlock.yaml mlock/s", ["mlock/success"]),
        ("lockproof run --cases nowhere m", []),
        ("lockproof explain mlock.failure", ["mlock.failure.no-change"]),
        ("lockproof explain --cases own mlock.failure", ["mlock.failure.no-change"]),
        ("lockproof mutants mlock-one-page-", ["mlock-one-page-more", "mlock-one-page-before"]),
        ("lockproof kernel fetch debian/", ["debian/6.1", "debian/6.12"]),
        ("lockproof kernel build debian/6.12", ["debian/6.12", "file,debian/6.12"]),
        ("lockproof kernel build /usr", ["file,/usr"]),
        ("lockproof shim p", ["posixmlock"]),
        ("lockproof run --resume 2026", ["20261123T103424"]),
        ("lockproof run --baseline r", ["file,r"]),
        ("lockproof inject -- /bin/tr", ["file,/bin/tr"]),
        ("lockproof libc /", ["file,/"]),
    ],
)
def test_a_beginning_is_answered_with_what_it_can_become(folder: Path, line: str, expected: list[str]) -> None:
    assert answers(line, folder) == expected


def test_everything_that_has_a_name_is_offered(folder: Path) -> None:
    assert answers("lockproof run -t ", folder)[: len(known_targets())] == list(known_targets())
    assert answers("lockproof prove ", folder) == list(model_names())
    assert answers("lockproof mutants ", folder) == [mutant.name for mutant in mutants()]
    assert answers("lockproof explain ", folder) == list(load_requirements())


def test_the_cases_that_are_offered_are_those_that_there_are(folder: Path) -> None:
    found: list[str] = []
    folders = [""]
    while folders:
        for name in answers(f"lockproof run {folders.pop()}", folder):
            (folders if name.endswith("/") else found).append(name)
    assert sorted(found) == sorted({case.name.partition("[")[0] for case in load().cases})


def test_cases_of_a_part_of_a_corpus_are_offered_by_their_full_names(folder: Path) -> None:
    assert answers(f"lockproof run --cases {CASES / 'munlock/errors.yaml'} munlock/errors/u", folder) == [
        case.name for case in load(CASES / "munlock/errors.yaml").cases if case.name.startswith("munlock/errors/u")
    ]


@pytest.mark.parametrize("content", [b"- id: h\xff\n", None])
def test_what_cannot_be_read_offers_nothing_and_says_nothing(folder: Path, content: bytes | None) -> None:
    if content is None:
        (folder / "own/mlock.yaml").unlink()
        (folder / "own/mlock.yaml").symlink_to("mlock.yaml")
    else:
        (folder / "own/mlock.yaml").write_bytes(content)
    assert answers("lockproof run --cases own m", folder) == []


def test_a_file_of_names_with_mistakes_offers_none_and_keeps_no_other_back(folder: Path) -> None:
    (folder / "targets.toml").write_text("targets = 7")
    assert answers("lockproof run -t la", folder) == []
    assert answers("lockproof run -t gv", folder) == ["gvisor"]


WATCHED = """
import sys
import lockproof  # an editable install looks whether it is to be built again
def watch(event, arguments):
    if event in {"subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system", "socket.connect"}:
        raise SystemExit(f"{event} {arguments}")
sys.addaudithook(watch)
sys.argv[0] = "lockproof"
from lockproof.conformance.cli import main
main()
"""


@pytest.mark.parametrize("line", ["run -t ", "run ", "explore ", "kernel fetch ", "explain ", "mutants ", "targets "])
def test_nothing_is_started_for_an_answer(folder: Path, line: str) -> None:
    asked = {
        "_LOCKPROOF_COMPLETE": "bash_complete",
        "COMP_WORDS": f"lockproof {line}",
        "COMP_CWORD": f"{len(line.split(' '))}",
    }
    done = subprocess.run(
        [sys.executable, "-c", WATCHED], cwd=folder, env=os.environ | asked, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("plain,")


def script(shell: str, cwd: Path) -> Path:
    """Write the completion script of a shell, as docs/completion.md says; skips where there is no such shell."""
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}")
    done = lockproof(cwd=cwd, env=os.environ | {"_LOCKPROOF_COMPLETE": f"{shell}_source"})
    assert (done.returncode, done.stderr) == (0, "")
    (cwd / f"complete.{shell}").write_text(done.stdout)
    return cwd / f"complete.{shell}"


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_a_shell_is_one_that_it_reads(folder: Path, shell: str) -> None:
    done = subprocess.run(
        [shell, *SHELLS[shell], script(shell, folder)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("lockproof run -t model:posix", "posix posixmlock-2006"),
        ("lockproof run -t qemu:debian/6.12@", "arm64"),
        ("lockproof run --target=gv", "gvisor"),
        ("lockproof run -t @l", "lts"),
        ("lockproof run --target=model:posix", "posix posixmlock-2006"),
        ("lockproof run -t model:posix mlock/no-c", "mlock/no-change/"),
    ],
)
def test_bash_is_given_what_follows_where_it_ends_a_word(folder: Path, line: str, expected: str) -> None:
    call = "_lockproof_completion lockproof 2>compopt"  # which bash has during a completion only
    text = f"source {script('bash', folder)}; COMP_LINE='{line}' COMP_POINT={len(line)}; {call}; echo \"${{COMPREPLY[*]}}\""
    done = subprocess.run(["bash", "-c", text], cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr) == (f"{expected}\n", "")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("lockproof run -t qemu:", ["qemu:debian/6.12", "qemu:debian/6.12@arm64"]),
        ("lockproof run --target=gv", ["--target=gvisor"]),
        ("lockproof run mlock/no-c", ["mlock/no-change/"]),
        (
            "lockproof expla",
            [
                "explain\tPrint a requirement of the catalogue and the cases that check it, or an interpretation of the standard."
            ],
        ),
    ],
)
def test_fish_is_given_whole_words_and_whole_sentences(folder: Path, line: str, expected: list[str]) -> None:
    text = f"source {script('fish', folder)}; complete -C '{line}'"
    done = subprocess.run(["fish", "-c", text], cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout.splitlines(), done.stderr) == (expected, "")


def typed(terminal: int, keys: str, expected: str) -> None:
    """Type keys, and read what appears until something is seen; fails where it never is."""
    os.write(terminal, keys.encode())
    seen, deadline = "", time.monotonic() + 60
    while expected not in re.sub(r"\x1b\[[0-9;]*m", "", seen):
        assert time.monotonic() < deadline, seen
        if select.select([terminal], [], [], 1)[0]:
            seen += os.read(terminal, 4096).decode(errors="replace")


def test_zsh_completes_names_with_colons_and_goes_on_behind_a_folder(folder: Path) -> None:
    source = script("zsh", folder)
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm"}
    shell = ["zsh", "-f", "-i"]
    with subprocess.Popen(shell, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True):
        os.close(theirs)
        try:
            typed(ours, f"autoload -Uz compinit; compinit -u -d dump; source {source}; print rea''dy\n", "ready")
            typed(ours, "lockproof run -t qemu:debian/6.12@\t", "arm64 ")
            typed(ours, "mlock/no-c\t", "hange/")
            typed(ours, "hole-after-p\t", "refix ")
        finally:
            os.close(ours)
