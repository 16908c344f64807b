# SPDX-License-Identifier: Apache-2.0
"""libposixmlock.so under programs and under the suite: what it promises, and that the suite sees where it cannot."""

from __future__ import annotations

import os
import random
import subprocess
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

from lockproof.conformance.errors import UsageError
from lockproof.conformance.judging.judge import locks
from lockproof.conformance.protocol.program import Program
from lockproof.runners.target import make_target
from tests.command import lockproof, verdicts
from tests.whole_corpus import on, whole_corpus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lockproof.conformance.protocol.trace import Trace

PAGES = 24
CALLS_OF_A_PROGRAM = 100
CALLS = int(os.environ.get("LOCKPROOF_GENERATED_CALLS", "5000"))
REGIONS = "region a anonymous rw private\nregion b anonymous r private\nregion n anonymous none private\nregion s shared rw shared\n"


def layout(generator: random.Random) -> Iterator[str]:
    """Map pages in pieces, with holes between some of them."""
    page = 0
    while page < PAGES:
        count = min(generator.randint(1, 6), PAGES - page)
        letter = generator.choice("aaabbns_")
        if letter != "_":
            yield f"map {letter} {page} {count} {page}"
        page += count


def call(generator: random.Random) -> str:
    """Generate a call."""
    first = generator.randrange(PAGES)
    count = generator.randint(1, PAGES - first)
    start = f"{first}p+{generator.randint(1, 4095)}" if generator.random() < 0.2 else f"{first}p"
    length = count * 4096 - 4095
    kinds = {
        f"mlock {start} {length}": 30,
        f"munlock {start} {length}": 25,
        f"mlock2 {start} {length} {generator.choice(['0', 'ONFAULT'])}": 20,
        f"mlockall {generator.choice(['FUTURE', 'FUTURE,ONFAULT', 'CURRENT,ONFAULT', '8', '0'])}": 3,
        "munlockall": 2,
        f"mprotect {first}p 1p {generator.choice(['rw', 'r'])}": 5,
        f"munmap {first}p {min(count, 3)}p": 5,
        f"mmap {generator.choice('aaabs')} {first} {min(count, 5)} {first}": 10,
    }
    return f"call {generator.choices(list(kinds), list(kinds.values()))[0]}"


def generated(seed: int) -> Program:
    """Generate a program."""
    generator = random.Random(seed)  # noqa: S311  no secret
    lines = [*layout(generator), *(call(generator) for _ in range(CALLS_OF_A_PROGRAM))]
    return Program(f"time 30000\narena {PAGES}\n{REGIONS}" + "".join(f"{line}\n" for line in lines), PAGES, 30.0)


def steps(trace: Trace) -> list[tuple[bool, str | None]]:
    """Return whether each call worked, and what it left locked. Which errno it is the wrapper leaves to the kernel."""
    (execution,) = trace.executions
    assert execution.status == "done", execution.reason
    return [(step.result == "0", locks(step.snapshot)) for step in execution.steps]


def test_generated_calls_do_what_the_model_of_posix_does() -> None:
    programs = [generated(seed) for seed in range(CALLS // CALLS_OF_A_PROGRAM)]
    failed = 0
    with make_target("local+posixmlock").session() as wrapped, make_target("model:posix").session() as model:
        for number, (ours, theirs) in enumerate(zip(wrapped.run(programs), model.run(programs), strict=True)):
            calls = [line for line in programs[number].text.splitlines() if line.startswith("call")]
            for at, (one, other) in enumerate(zip(steps(ours), steps(theirs), strict=True)):
                assert one == other, f"seed {number}, {calls[at]}, step {at} of\n{programs[number].text}"
                failed += not one[0]
    assert failed > CALLS / 10


@pytest.mark.parametrize("target", [on("local")])
def test_what_a_failed_call_changes_on_the_kernel_it_does_not_change_through_the_wrapper(target: str) -> None:
    bare, wrapped = whole_corpus(target).statuses, whole_corpus(f"{target}+posixmlock").statuses
    assert [case for case, status in bare.items() if status == "PASS" and wrapped[case] != "PASS"] == []
    for part in ("hole", "unlockable", "past-end-of-file", "guard", "max-map-count"):
        assert [case for case in bare if "no-change" in case and part in case and bare[case] == "FAIL"] or (
            part == "max-map-count" and bare["mlock/max-map-count/after-whole-mappings"] == "FAIL"
        )
    assert [
        case for case in wrapped if ("no-change" in case or "max-map-count" in case) and wrapped[case] == "FAIL"
    ] == []


@pytest.mark.parametrize("libc", ["glibc", "musl"])
def test_each_inner_call_of_the_wrapper_fails_in_turn_and_all_or_nothing_is_done(libc: str, tmp_path: Path) -> None:
    target = f"local+libc={libc}+posixmlock+fault"
    try:
        make_target(target)
    except UsageError as error:
        pytest.skip(str(error))
    sweeps = (
        "mlock/no-change/each-allocation",
        "sweeps/mlock",
        "sweeps/mlock2",
        "sweeps/munlock",
        "sweeps/mlockall/current",
        "sweeps/mlockall/current-partly-locked",
    )
    done = lockproof("run", "-t", target, *sweeps, cwd=tmp_path)
    seen = verdicts(tmp_path)
    assert done.returncode == 0, done.stdout
    assert sum(status == "PASS" for status in seen.values()) > 50


def test_every_misbehaviour_is_noticed(tmp_path: Path) -> None:
    calls = ("mlock", "mlock2", "munlock", "mlockall", "munlockall", "msync", "mmap")
    manners = ("fail", "late", "part", "lie")
    targets = [f"local+posixmlock+fault={call}={manner}" for call in calls for manner in manners]
    cases = (
        "mlock/success",
        "munlock/success",
        "munlock/no-change",
        "mlock2",
        "mlockall",
        "munlockall",
        "lifetime/msync",
        "linux/map-locked",
    )
    asked = [part for target in ("local+posixmlock", *targets) for part in ("-t", target)]
    lockproof("run", *asked, *cases, cwd=tmp_path)
    seen = verdicts(tmp_path)
    noticed = {
        target: sum(
            status == "FAIL" and seen["local+posixmlock", case] == "PASS"
            for (at, case), status in seen.items()
            if at == target
        )
        for target in targets
    }
    assert min(noticed.values()) > 0, noticed


def test_the_library_works_under_any_program(tmp_path: Path) -> None:
    source = tmp_path / "program.c"
    source.write_text("""
        #include <stdio.h>
        #include <string.h>
        #include <sys/mman.h>
        int main(void)
        {
            char line[256], *memory = mmap(NULL, 3 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            FILE *status;
            munmap(memory + 4096, 4096);
            printf("%d ", mlock(memory, 3 * 4096));
            status = fopen("/proc/self/status", "r");
            while (fgets(line, sizeof(line), status))
                if (strncmp(line, "VmLck:", 6) == 0)
                    fputs(line, stdout);
            return 0;
        }
    """)
    subprocess.run(["cc", source, "-o", tmp_path / "program"], check=True)
    path = lockproof("shim", "posixmlock", cwd=tmp_path).stdout.strip()
    said = [
        subprocess.run(
            [tmp_path / "program"], env=os.environ | {"LD_PRELOAD": preload}, check=True, capture_output=True, text=True
        ).stdout.split()
        for preload in ("", path)
    ]
    assert said == [["-1", "VmLck:", "4", "kB"], ["-1", "VmLck:", "0", "kB"]]


def test_a_shim_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    done = lockproof("shim", "posixlock", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "shim 'posixlock': there is none of that name; did you mean posixmlock?\n"


def test_a_probe_that_is_not_behind_the_library_says_nothing_of_it(tmp_path: Path) -> None:
    """As where it is linked statically, or the library is for another architecture: the loader goes on without it."""
    probe, missing = str(files("lockproof") / "native" / "lockproof-probe-glibc"), tmp_path / "libposixmlock.so"
    done = lockproof(
        "run", "-t", f"command:env LD_PRELOAD={missing} {probe}", "mlock/no-change/hole-after-prefix", cwd=tmp_path
    )
    assert done.returncode == 3, done.stderr
    assert f"{missing} is not in front of the probe, where LD_PRELOAD wants it" in done.stdout


@pytest.mark.parametrize(
    ("target", "complaint"),
    [
        ("local+posixlock", "target 'local+posixlock': no option is called 'posixlock'; did you mean posixmlock?"),
        ("local+libc=dietlibc", "no libc is called 'dietlibc'; did you mean glibc?"),
        ("local+posixmlock=1", "posixmlock takes no value; write +posixmlock"),
        ("local+fault=mlock", "target 'local+fault=mlock': 'mlock' is no rule; write CALL[@WHEN]=MANNER[:ERRNO]"),
        ("local+fault=mlock=fail:ENOMEMM", "'ENOMEMM' is no errno; did you mean ENOMEM?"),
        ("local+fault=mlock=lie:EIO", "'mlock=lie:EIO' is no rule"),
        ("local+fault=" + ",".join(["any=fail"] * 17), "17 rules; 16 are the most"),
        ("local+", "no option is called ''"),
    ],
)
def test_an_option_of_a_target_that_is_wrong_is_told_with_what_to_write(target: str, complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_target(target)
    assert complaint in str(caught.value)
