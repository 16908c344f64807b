# SPDX-License-Identifier: Apache-2.0
"""Targets that lie or refuse, each in one way: what lockproof says of each is never that all is well."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from collections import Counter
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from lockproof.conformance.exit_codes import DEFAULT, STYLES
from lockproof.conformance.judging.verdict import Status
from lockproof.conformance.language.loading import load
from lockproof.conformance.language.selection import select
from lockproof.conformance.running.engine import Engine
from lockproof.conformance.running.tally import Tally
from lockproof.runners.target import make_target
from tests.command import lockproof
from tests.corpus.refusing import NUMBERS
from tests.places import CHECKOUT, NATIVE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lockproof.conformance.language.loading import Corpus

BASICS = (
    "mlock/success/locks-memory[of=anonymous]",
    "mlock/success/locks-the-range",
    "mlock/residency/brings-in-memory[of=anonymous]",
    "mlock/errors/hole[at=everywhere]",
    "mlock/limits/locked-memory-is-counted",
    "mlock2/success/eager",
    "mlock2/success/on-fault[of=anonymous]",
    "munlock/success/unlocks-the-range",
    "munlock/success/unlocks-unlocked-pages",
    "mlockall/current/locks-everything",
    "mlockall/future/locks-what-is-mapped-later[of=anonymous]",
    "munlockall/unlocks/undoes-mlock",
    "munlockall/unlocks/cancels-future",
    "lifetime/msync/locked-pages-are-busy[locked=all]",
    "lifetime/msync/unlocked-pages-are-not-busy",
    "lifetime/fork/child-has-no-locks[of=anonymous]",
    "linux/map-locked/locks[of=anonymous]",
)
"""What an honest Linux passes."""

TRACED = "command:strace -f --seccomp-bpf -qq -o /dev/null {options} {{probe}}"
FILTERED = f"command:{sys.executable} {Path(__file__).with_name('refusing.py')} {{rules}} {{{{probe}}}}"


class Lie(NamedTuple):
    """A way in which a target is not what it seems."""

    what: str
    target: str
    found: str
    """A requirement that it is found to break, or the words with which cases are UNRESOLVED."""
    cases: tuple[str, ...] = BASICS


def injected(call: str, how: str) -> str:
    return TRACED.format(options=f"-e trace={call} -e inject={call}:{how}")


def refused(rules: str) -> str:
    return FILTERED.format(rules=rules)


def limited(limit: str) -> str:
    return f"command:sh -c 'ulimit {limit} && exec {{probe}}'"


def told(lie: str, library: Path) -> str:
    probe = files("lockproof") / "native" / "lockproof-probe-glibc"
    return f"command:env LD_PRELOAD={library} 'LIE={lie}' {probe}"


OF_CALLS = {
    "mlock": "mlock.locked-and-resident",
    "mlock2": "linux.mlock2.eager",
    "munlock": "munlock.unlocks",
    "mlockall": "mlockall.current",
    "munlockall": "munlockall.unlocks-all",
}
"""The requirement that a call breaks which does nothing, or refuses."""
REFUSED = {"munlock": "munlock.success-zero"}
"""What a call is charged with that fails where it does, other than one that succeeds and does nothing."""


def lies(library: Path) -> Iterator[Lie]:
    for call, requirement in OF_CALLS.items():
        yield Lie(f"{call} does nothing and returns 0", injected(call, "retval=0"), requirement)
        yield Lie(f"{call} gives EPERM", refused(f"{call}=EPERM"), REFUSED.get(call, requirement))
        died = f"the trial of {call} died of SIGSYS"
        yield Lie(f"{call} ends the process with SIGSYS", refused(f"{call}=SIGSYS"), died)
    for call in ("mlock", "munlock", "mlockall", "munlockall"):
        yield Lie(f"{call} gives ENOSYS, alone", refused(f"{call}=ENOSYS"), REFUSED.get(call, OF_CALLS[call]))
    for name, calls in (("mlock2", ("mlock2",)), ("msync", ("msync",)), ("mlock", ("mlock", "munlock"))):
        rules = ",".join(f"{call}=ENOSYS" for call in calls)
        about = tuple(case for case in BASICS if case.split("/")[0] in calls or case.split("/")[1] in calls)
        yield Lie(
            f"{' and '.join(calls)} {'give' if len(calls) > 1 else 'gives'} ENOSYS",
            refused(rules),
            f"the target has no {name}",
            about,
        )
    yield Lie("mmap takes no notice of MAP_LOCKED", "local+fault=mmap=lie", "linux.map-locked")
    yield Lie("mmap with MAP_LOCKED gives EPERM", refused("mmap=EPERM"), "linux.map-locked")
    yield Lie("mmap with MAP_LOCKED gives EOPNOTSUPP", refused("mmap=EOPNOTSUPP"), "linux.map-locked")
    yield Lie("mmap with MAP_LOCKED ends the process", refused("mmap=SIGSYS"), "linux.map-locked")
    yield Lie("mlock, munlock and mlockall give EPERM", refused("mlock=EPERM,munlock=EPERM,mlockall=EPERM"),
              "mlock.locked-and-resident")  # fmt: skip
    for how, requirement in (
        ("mlock only brings pages in", "mlock.locked-and-resident"),
        ("mlock locks the whole mapping", "mlock.locked-and-resident"),
        ("mlock locks half of the range", "mlock.locked-and-resident"),
        ("mlock locks without bringing pages in", "mlock.locked-and-resident"),
        ("mlock fails and locks", "mlock.locked-and-resident"),
        ("munlock unlocks the whole mapping", "munlock.unlocks"),
        ("fork hands locks on", "fork.not-inherited"),
        ("smaps shows no locks", "the observers disagree"),
        ("smaps shows locks everywhere", "the observers disagree"),
        ("VmLck is always 0", "linux.vmlck"),
        ("mincore says that all is resident", "the trial of residency found that mincore and pagemap disagree"),
    ):
        yield Lie(how, told(how, library), requirement)
    yield Lie("msync always returns 0", injected("msync", "retval=0"), "msync.ebusy")
    yield Lie("msync always gives EBUSY", injected("msync", "error=EBUSY"), "msync.ebusy")
    yield Lie("msync gives EPERM", refused("msync=EPERM"), "msync.ebusy")
    yield Lie("msync ends the process with SIGSYS", refused("msync=SIGSYS"), "the trial of msync died of SIGSYS")
    yield Lie("mincore returns 0 and tells nothing", injected("mincore", "retval=0"),
              "the trial of residency found that mincore and pagemap disagree")  # fmt: skip
    yield Lie("fork returns 0 and forks nothing", injected("clone", "retval=0"), "the probe ended with exit status 1")
    yield Lie("fork gives ENOSYS", refused("clone=ENOSYS"), "could not be started, fork gave ENOSYS")
    yield Lie("fork gives EAGAIN", refused("clone=EAGAIN"), "could not be started, fork gave EAGAIN")
    yield Lie("fork ends the process with SIGSYS", refused("clone=SIGSYS"), "the probe was killed by SIGSYS")
    yield Lie("mmap gives ENOMEM above 100 MB", limited("-v 100000"), "the trial of anonymous gave ENOMEM")
    yield Lie(
        "a process may have 4 descriptors",
        limited("-n 4"),
        "the trial of smaps gave EMFILE",
    )


class Said(NamedTuple):
    """What lockproof says of a target."""

    code: int
    broken: tuple[str, ...]
    """Requirements that it was found to break."""
    doubts: Counter[str]
    """Why cases are UNRESOLVED; where nothing was found out at all, why they were not run."""

    def __str__(self) -> str:
        """Return it as two columns of a table."""
        said = [f"FAIL of {', '.join(self.broken)}"] if self.broken else []
        if self.doubts:
            ((doubt, _),) = self.doubts.most_common(1)
            said.append(f"{self.doubts.total()} without an answer, such as: {doubt}")
        return f"{self.code} | {'; '.join(said)}"


@cache
def corpus() -> Corpus:
    return load()


def ask(target: str, cases: tuple[str, ...] = BASICS) -> Said:
    tally = Tally()
    engine = Engine(cases=select(corpus().cases, cases), requirements=corpus().requirements, listeners=[tally.listen])
    engine.run([make_target(target)])
    (name,) = tally.targets
    open_ones = {Status.UNRESOLVED} if tally.has_evidence(name) else {*Status}
    doubts = Counter(
        entry.worst.verdict.reason.removeprefix(f"{name}: ")
        for entry in tally.of_target(name)
        if entry.status in open_ones
    )
    return Said(tally.exit_code(STYLES[DEFAULT], fails=tally.fails), tuple(tally.broken(name)), doubts)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile what is preloaded."""
    made = tmp_path_factory.mktemp("liar") / "liar.so"
    source = NATIVE / "tests" / "lying" / "liar.c"
    subprocess.run(["cc", "-std=gnu11", "-O1", "-shared", "-fPIC", "-o", made, source], check=True)
    return made


needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
needs_numbers = pytest.mark.skipif(platform.machine() not in NUMBERS, reason="needs the numbers of its system calls")


@needs_strace
@needs_numbers
def test_every_lie_is_found_or_leaves_a_doubt(library: Path) -> None:
    rows = [(lie, ask(lie.target, lie.cases)) for lie in lies(library)]
    table = "\n".join(f"| {lie.what} | {said} |" for lie, said in rows)
    assert len(rows) >= 20
    missed = [
        lie.what
        for lie, said in rows
        if said.code not in {1, 3} or not (lie.found in said.broken or any(lie.found in doubt for doubt in said.doubts))
    ]
    assert missed == [], f"\n| the target | exit | lockproof says |\n|---|---|---|\n{table}"


def test_every_lie_is_in_the_documentation(library: Path) -> None:
    text = (CHECKOUT / "docs" / "honesty.md").read_text()
    assert [lie.what for lie in lies(library) if f"\n| {lie.what} | " not in text] == []


def test_an_honest_target_passes(library: Path) -> None:
    assert ask("local") == (0, (), Counter())
    assert ask(told("nothing", library)) == (0, (), Counter())


@needs_strace
def test_an_unlock_that_does_nothing_is_a_failure_of_the_run(tmp_path: Path) -> None:
    target = injected("munlock", "retval=0")
    done = lockproof("run", "-t", target, "munlock/success/unlocks-the-range", cwd=tmp_path)
    assert done.returncode == 1
    assert "munlock.unlocks" in done.stdout


@pytest.mark.root
@needs_numbers
def test_a_lock_that_wrongly_asks_for_privilege_is_a_failure(tmp_path: Path) -> None:
    user = f"command:setpriv --reuid=65534 --regid=65534 --clear-groups {refused('mlock=EPERM').partition(':')[2]}"
    done = lockproof("run", "-t", user, "mlock/success/locks-memory[of=anonymous]", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith(f"{user}: mlock is refused with EPERM (without CAP_IPC_LOCK; RLIMIT_MEMLOCK ")


@pytest.mark.root
def test_a_limit_of_zero_is_tested_where_it_is_zero(tmp_path: Path) -> None:
    user = "command:setpriv --reuid=65534 --regid=65534 --clear-groups sh -c 'ulimit -l 0 && exec {probe}'"
    cases = ("mlock/limits/limit-zero", "mlock/errors/without-privilege", "munlock/errors/hole[at=middle]")
    done = lockproof("run", "-t", user, *cases, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert " 3     0           0            0         0" in done.stdout
    assert (
        "mlock, mlock2 and mlockall are refused with EPERM (without CAP_IPC_LOCK; RLIMIT_MEMLOCK 0 bytes)"
        in done.stdout
    )
