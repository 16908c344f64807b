# SPDX-License-Identifier: Apache-2.0
"""`lockproof inject` as its users start it, on programs compiled here."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from lxml import etree

from lockproof.runners import shims
from tests.command import LOCKPROOF, is_running, lockproof, start, until
from tests.corpus import refusing
from tests.places import JUNIT_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROGRAM = """
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void)
{
    char *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mlock(memory, 4096) < 0) {
        perror("first lock");
        return 7;
    }
    while (mlock(memory, 8192) < 0)
        pause();
    if (munlock(memory, 8192) < 0)
        abort();
    if (mlockall(MCL_CURRENT) < 0)
        fprintf(stderr, "going on without\\n");
    memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
    memory[0] = 1;
    return 0;
}
"""
BEHAVIOUR = {
    "mlock@1=fail:ENOMEM": ("exited", "with 7: first lock: Cannot allocate memory"),
    "mlock@2=fail:ENOMEM": ("hung", "still running after 1 s"),
    "munlock@1=fail:ENOMEM": ("crashed", "SIGABRT"),
    "mlockall@1=fail:ENOMEM": ("went on", "going on without"),
    "mmap@1=fail:EAGAIN": ("crashed", "SIGSEGV"),
}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that compiles a program."""
    folder = tmp_path_factory.mktemp("programs")

    def compile_it(name: str, *flags: str, text: str = PROGRAM, compiler: str = "gcc") -> Path:
        source = folder / f"{name}.c"
        source.write_text(text)
        subprocess.run([compiler, source, "-o", folder / name, *flags], check=True)
        return folder / name

    return compile_it


def inject(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run `lockproof inject`."""
    return lockproof("inject", "--time-limit", "1", *map(str, arguments), cwd=cwd)


def found(path: Path) -> dict[str, tuple[str, str]]:
    """Read what JSON says of each call that failed alone."""
    return {run["rule"]: (run["did"], run["detail"]) for run in json.loads(path.read_text())["runs"] if run["call"]}


def when_every_call_fails(path: Path) -> tuple[str, str]:
    """Read what JSON says of the run in which every call failed: the first."""
    run = json.loads(path.read_text())["runs"][0]
    assert run["call"] is None
    return run["did"], run["detail"]


@pytest.mark.parametrize("compiler", ["gcc", "musl-gcc"])
def test_each_call_fails_in_turn_and_what_the_program_did_is_reported_in_three_forms(
    compiled: Callable[..., Path], compiler: str, tmp_path: Path
) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"needs {compiler}")
    program = compiled(f"all-{compiler}", compiler=compiler)
    done = inject("--json", "out.json", "--junit", "out.xml", "--", program, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    seen = found(tmp_path / "out.json")
    if compiler != "gcc":  # its words for an errno are others
        seen["mlock@1=fail:ENOMEM"] = BEHAVIOUR["mlock@1=fail:ENOMEM"]
    assert seen == BEHAVIOUR
    for did, detail in list(BEHAVIOUR.values())[1:]:
        assert did in done.stdout
        assert detail in done.stdout
    report = etree.parse(tmp_path / "out.xml")
    etree.XMLSchema(etree.parse(JUNIT_SCHEMA)).assertValid(report)
    assert [case.get("name") for case in report.iter("testcase")] == ["every call", *BEHAVIOUR]
    assert len(list(report.iter("failure"))) == 3


def test_the_first_run_lets_every_call_fail_also_those_that_a_program_falls_back_to(
    compiled: Callable[..., Path], tmp_path: Path
) -> None:
    text = """
    #define _GNU_SOURCE
    #include <stdlib.h>
    #include <sys/mman.h>
    int main(void)
    {
        char *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (mlock2(memory, 4096, 1) < 0 && mlock(memory, 4096) < 0)
            abort();
        return 0;
    }
    """
    done = inject("--json", "out.json", "--", compiled("falls-back", text=text), cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert when_every_call_fails(tmp_path / "out.json") == ("crashed", "SIGABRT")
    assert found(tmp_path / "out.json") == {"mlock2@1=fail:ENOMEM": ("went on", "")}
    assert "every call" in done.stdout


ABORTS = """
#include <stdlib.h>
#include <sys/mman.h>
static char page[4096];
int main(void)
{
    if (mlock(page, sizeof(page)) < 0)
        abort();
    return 0;
}
"""


def test_what_outlives_a_program_hides_neither_its_crash_nor_its_status(
    compiled: Callable[..., Path], tmp_path: Path
) -> None:
    program = compiled("aborts", text=ABORTS)
    done = inject("--json", "out.json", "--", "sh", "-c", f"sleep 60 & exec {program}", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "undisturbed: ended with 0; it made 1 memory-lock call\n" in done.stdout
    assert "something that it started outlived it, and was ended\n" in done.stdout
    assert found(tmp_path / "out.json") == {"mlock@1=fail:ENOMEM": ("crashed", "SIGABRT")}


def test_a_daemon_that_hangs_is_seen_after_the_program_that_started_it_has_ended(
    compiled: Callable[..., Path], tmp_path: Path
) -> None:
    text = """
    #include <sys/mman.h>
    #include <unistd.h>
    int main(void)
    {
        if (fork() == 0)
            while (mlockall(MCL_CURRENT) < 0)
                pause();
        return 0;
    }
    """
    inject("--json", "out.json", "--", compiled("daemon-that-hangs", text=text), cwd=tmp_path)
    hung = ("hung", "what it started still runs after 1 s")
    assert found(tmp_path / "out.json") == {"mlockall@1=fail:ENOMEM": hung}


@pytest.mark.parametrize("by", ["a launcher", "itself"])
def test_calls_are_seen_where_all_descriptors_are_closed(
    compiled: Callable[..., Path], by: str, tmp_path: Path
) -> None:
    closes = "#include <unistd.h>\n" + ABORTS.replace("{\n    if", "{\n    closefrom(3);\n    if")
    program = compiled("closes", text=closes)
    launcher = (
        "python3",
        "-c",
        f"import subprocess; subprocess.run(['{compiled('aborts', text=ABORTS)}'], check=True)",
    )
    done = inject("--json", "out.json", "--", *(launcher if by == "a launcher" else (program,)), cwd=tmp_path)
    assert "it made 1 memory-lock call\n" in done.stdout, done.stderr
    assert "are not known" not in done.stdout
    assert list(found(tmp_path / "out.json")) == ["mlock@1=fail:ENOMEM"]


def test_libraries_are_looked_for_beside_the_file_that_a_symbolic_link_leads_to(
    compiled: Callable[..., Path], tmp_path: Path
) -> None:
    soname = ("-shared", "-fPIC", "-Wl,-soname,libbeside.so")
    library = compiled("libbeside.so", *soname, text="int beside(void) { return 0; }\n")
    text = ABORTS.replace("int main(void)\n{", "int beside(void);\nint main(void)\n{\n    beside();")
    program = compiled("beside", library, "-Wl,-rpath,$ORIGIN", "-Wl,--no-as-needed", text=text)
    (tmp_path / "link").symlink_to(program)
    done = inject("--json", "out.json", "--", "./link", cwd=tmp_path)
    assert done.stderr == ""
    assert found(tmp_path / "out.json") == {"mlock@1=fail:ENOMEM": ("crashed", "SIGABRT")}


def test_the_message_of_a_program_that_fails_undisturbed_is_shown(tmp_path: Path) -> None:
    done = inject("--", "sh", "-c", "echo out; echo 'no such device' >&2; exit 5", cwd=tmp_path)
    assert "undisturbed: ended with 5; it made no memory-lock calls\nit said: no such device\n" in done.stdout


def test_what_a_program_says_does_not_control_the_terminal(compiled: Callable[..., Path], tmp_path: Path) -> None:
    says = 'write(2, "\\a\\33[31mred \\302\\233m\\n", 13);\n        abort();'
    program = compiled("controls", text="#include <unistd.h>\n" + ABORTS.replace("abort();", f"{{ {says} }}"))
    done = inject("--json", "out.json", "--junit", "out.xml", "--", program, cwd=tmp_path)
    assert r"crashed: SIGABRT: \x07\x1b[31mred \x9bm" in done.stdout
    assert not set(done.stdout) & {"\a", "\33", "\x9b"}
    assert when_every_call_fails(tmp_path / "out.json") == ("crashed", "SIGABRT: \a\33[31mred \x9bm")
    etree.parse(tmp_path / "out.xml")


def test_calls_by_the_function_syscall_are_made_to_fail_as_those_of_openssl(
    compiled: Callable[..., Path], tmp_path: Path
) -> None:
    text = """
    #define _GNU_SOURCE
    #include <stdio.h>
    #include <sys/mman.h>
    #include <sys/syscall.h>
    #include <unistd.h>
    static char page[4096];
    int main(void)
    {
        if (syscall(SYS_getppid) != getppid() || syscall(SYS_close, -1) != -1)
            return 1;
        if (syscall(SYS_mlock2, page, sizeof(page), 1) < 0)
            perror("raw");
        return 0;
    }
    """
    done = inject("--json", "out.json", "--", compiled("raw", text=text), cwd=tmp_path)
    assert "undisturbed: ended with 0; it made 1 memory-lock call\n" in done.stdout
    assert found(tmp_path / "out.json") == {"mlock2@1=fail:ENOMEM": ("went on", "raw: Cannot allocate memory")}


RAW = """
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
static char pages[8 * 4096] __attribute__((aligned(4096)));
static long locked(void)
{
    char line[256];
    long kilobytes = -1;
    FILE *status = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof(line), status) && sscanf(line, "VmLck: %ld", &kilobytes) != 1)
        ;
    fclose(status);
    return kilobytes;
}
int main(void)
{
    register unsigned long length = sizeof(pages);
    long result;
    __asm__ volatile("syscall" : "=a"(result), "+S"(length) : "0"(SYS_mlock), "D"(pages) : "rcx", "r11", "memory");
    printf("gives %ld and locks %s\\n", result, locked() == 32 ? "all" : locked() == 16 ? "half" : "nothing");
    return length != sizeof(pages);
}
"""
"""Locks memory by an instruction of its own; the register that has the length is to hold it afterwards."""

by_instructions = pytest.mark.skipif(os.uname().machine != "x86_64", reason="has instructions of x86_64")


@by_instructions
@pytest.mark.parametrize("link", ["-pie", "-static"])
@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("mlock@1=fail:EPERM", "gives -1 and locks nothing"),
        ("mlock@1=late:EAGAIN", "gives -11 and locks all"),
        ("mlock@1=part:ENOMEM", "gives -12 and locks half"),
        ("mlock@1=lie", "gives 0 and locks nothing"),
    ],
)
def test_calls_by_instructions_of_a_program_misbehave_as_all_others(
    compiled: Callable[..., Path], link: str, rule: str, said: str, tmp_path: Path
) -> None:
    program = compiled(f"by-instructions{link}", link, text=RAW)
    assert subprocess.run([program], capture_output=True, text=True, check=True).stdout == "gives 0 and locks all\n"
    done = inject("--fail", rule, "--json", "out.json", "--", program, cwd=tmp_path)
    assert f"{program.name}  {rule.partition('=')[2]}" in done.stdout
    (run,) = json.loads((tmp_path / "out.json").read_text())["runs"][1:]
    assert (run["rule"], run["did"], run["detail"]) == (rule, "went on", said)


def test_a_statically_linked_program_can_be_tested(compiled: Callable[..., Path], tmp_path: Path) -> None:
    done = inject("--json", "out.json", "--", compiled("static", "-static"), cwd=tmp_path)
    assert "static: is linked statically\n" in done.stdout
    assert found(tmp_path / "out.json") == BEHAVIOUR


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="its kernel runs programs of 32 bits")
def test_a_program_of_32_bits_can_be_tested(tmp_path: Path) -> None:
    source = tmp_path / "small.c"
    source.write_text(ABORTS)
    for compiler in (("gcc", "-m32"), (sys.executable, "-m", "ziglang", "cc", "-target", "x86-linux-musl")):
        done = subprocess.run([*compiler, source, "-o", tmp_path / "small"], capture_output=True, check=False)
        if done.returncode == 0:
            break
    else:
        pytest.skip("needs a compiler for 32 bits")
    inject("--json", "out.json", "--", tmp_path / "small", cwd=tmp_path)
    assert found(tmp_path / "out.json") == {"mlock@1=fail:ENOMEM": ("crashed", "SIGABRT")}


def test_a_crash_that_a_launcher_hides_is_told(compiled: Callable[..., Path], tmp_path: Path) -> None:
    program = compiled("aborts", text=ABORTS)
    done = inject("--json", "out.json", "--", "env", "-i", "/bin/sh", "-c", f"{program}; exit 0", cwd=tmp_path)
    assert done.returncode == 1
    assert found(tmp_path / "out.json") == {
        "mlock@1=fail:ENOMEM": ("crashed", "SIGABRT of a process that it started: Aborted")
    }


def test_crashes_that_happen_anyway_are_no_reaction(compiled: Callable[..., Path], tmp_path: Path) -> None:
    text = ABORTS.replace("abort();", "return 7;")
    program = compiled("returns", text=text)
    done = inject("--json", "out.json", "--", "sh", "-c", f"sh -c 'kill -SEGV $$'; {program}", cwd=tmp_path)
    assert "processes that it started crashed: SIGSEGV\n" in done.stdout
    assert found(tmp_path / "out.json") == {"mlock@1=fail:ENOMEM": ("exited", "with 7")}


def test_threads_signals_stops_and_new_images_are_as_without_a_tracer(
    compiled: Callable[..., Path], tmp_path: Path
) -> None:
    text = """
    #define _GNU_SOURCE
    #include <pthread.h>
    #include <signal.h>
    #include <stdio.h>
    #include <sys/mman.h>
    #include <sys/wait.h>
    #include <unistd.h>
    static char page[4096];
    static void on_signal(int number) { (void)number; }
    static void *replace(void *program)
    {
        mlockall(MCL_FUTURE);
        execl(program, program, "again", (char *)0);
        return NULL;
    }
    int main(int count, char **arguments)
    {
        int status;
        pthread_t thread;
        pid_t child;
        if (count > 1)
            return mlock(page, sizeof(page)) || mmap(NULL, 4096, 1, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
        signal(SIGUSR1, on_signal);
        raise(SIGUSR1);
        child = fork();
        if (child == 0) {
            raise(SIGSTOP);
            _exit(0);
        }
        if (waitpid(child, &status, WUNTRACED) != child || !WIFSTOPPED(status) || WSTOPSIG(status) != SIGSTOP)
            return 2;
        kill(child, SIGCONT);
        if (waitpid(child, &status, 0) != child || status != 0)
            return 3;
        pthread_create(&thread, NULL, replace, arguments[0]);
        for (;;)
            pause();
    }
    """
    program = compiled("threads", "-pthread", text=text)
    done = inject("--json", "out.json", "--fail", "mlock=fail", "--", program, cwd=tmp_path)
    undisturbed = json.loads((tmp_path / "out.json").read_text())["undisturbed"]
    assert undisturbed["ending"]["code"] == 0, done.stdout
    assert [call["call"] for call in undisturbed["calls"]] == ["mlockall", "mlock"]
    assert found(tmp_path / "out.json") == {"mlock@1=fail:ENOMEM": ("exited", "with 1")}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_program_ends_with_the_command_whatever_ends_that(
    compiled: Callable[..., Path], number: signal.Signals, tmp_path: Path
) -> None:
    text = """
    #include <signal.h>
    #include <stdio.h>
    #include <unistd.h>
    int main(void)
    {
        setsid();
        for (int number = 1; number < 32; number++)
            signal(number, SIG_IGN);
        if (fork() == 0)
            setsid();
        FILE *file = fopen("pids", "a");
        fprintf(file, "%d\\n", (int)getpid());
        fclose(file);
        for (;;)
            pause();
    }
    """
    command = start("inject", "--time-limit", "600", "--", str(compiled("stays", text=text)), cwd=tmp_path)
    pids = tmp_path / "pids"
    until(lambda: pids.exists() and len(pids.read_text().splitlines()) == 2)
    command.send_signal(number)
    _, said = command.communicate(timeout=60)
    assert command.returncode == (-number if number == signal.SIGKILL else 128 + number)
    assert said.strip() == ("" if number == signal.SIGKILL else "Interrupted.")
    until(lambda: not any(is_running(int(pid)) for pid in pids.read_text().split()))


@pytest.mark.root
def test_a_machine_that_lets_nothing_be_traced_is_told_so(compiled: Callable[..., Path]) -> None:
    program = compiled("untraced", text=ABORTS)
    filtered = (sys.executable, refusing.__file__, "ptrace=EPERM")
    done = subprocess.run([*filtered, LOCKPROOF, "inject", "--", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "")
    assert f"{program} cannot be traced: ptrace: Operation not permitted; " in done.stderr


def test_mappings_fail_while_mlockall_locks_future_ones(compiled: Callable[..., Path], tmp_path: Path) -> None:
    text = """
    #include <sys/mman.h>
    #include <sys/wait.h>
    #include <unistd.h>
    static void map(int length)
    {
        char *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        *memory = 1;
    }
    int main(void)
    {
        map(4096);
        mlockall(MCL_FUTURE);
        map(8192);
        if (fork() == 0)
            map(12288);
        wait(NULL);
        munlockall();
        map(16384);
        return 0;
    }
    """
    done = inject("--fail", "mmap=fail", "--json", "out.json", "--", compiled("future", text=text), cwd=tmp_path)
    assert found(tmp_path / "out.json") == {"mmap@1=fail:EAGAIN": ("crashed", "SIGSEGV")}, done.stderr
    assert "mmap(8192 bytes, MCL_FUTURE in force)" in done.stdout


def test_a_program_that_runs_on_anyway_goes_on_and_is_ended(compiled: Callable[..., Path], tmp_path: Path) -> None:
    text = "#include <sys/mman.h>\n#include <unistd.h>\nint main(void) { mlockall(MCL_FUTURE); for (;;) pause(); }\n"
    done = inject("--json", "out.json", "--", compiled("daemon", text=text), cwd=tmp_path)
    assert done.returncode == 0
    assert "undisturbed: still running after 1 s; it made 1 memory-lock call\n" in done.stdout
    assert found(tmp_path / "out.json") == {"mlockall@1=fail:ENOMEM": ("went on", "")}


def test_calls_of_processes_that_outlive_their_parent_are_made_to_fail_too(
    compiled: Callable[..., Path], tmp_path: Path
) -> None:
    text = """
    #include <sys/mman.h>
    #include <unistd.h>
    int main(void)
    {
        if (fork() == 0) {
            setsid();
            for (int i = 3; i < 600; i++)
                close(i);
            usleep(100000);
            if (mlockall(MCL_CURRENT) < 0)
                *(volatile char *)0 = 1;
        }
        return 0;
    }
    """
    done = inject("--json", "out.json", "--", compiled("forks", text=text), cwd=tmp_path)
    assert found(tmp_path / "out.json") == {
        "mlockall@1=fail:ENOMEM": ("crashed", "SIGSEGV of a process that it started")
    }, done.stdout


def test_a_rule_says_which_calls_fail_and_how(compiled: Callable[..., Path], tmp_path: Path) -> None:
    program = compiled("rules")
    done = inject("--fail", "mlockall=late:EPERM,mmap=lie", "--json", "out.json", "--", program, cwd=tmp_path)
    assert done.returncode == 0
    assert found(tmp_path / "out.json") == {
        "mlockall@1=late:EPERM": ("went on", "going on without"),
        "mmap@1=lie": ("went on", ""),
    }


def test_what_the_program_imports_is_told_with_its_versions(compiled: Callable[..., Path], tmp_path: Path) -> None:
    program = compiled("imports")
    done = inject("--json", "out.json", "--fail", "mmap=lie", "--", program, cwd=tmp_path)
    imports = json.loads((tmp_path / "out.json").read_text())["program"]["imports"]
    assert {entry["function"] for entry in imports} == {"mlock", "munlock", "mlockall"}
    assert all(entry["object"] == str(program) and entry["version"].startswith("GLIBC_") for entry in imports)
    assert f"{program}: imports " in done.stdout


def test_a_script_is_followed_into_what_it_starts(compiled: Callable[..., Path], tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\n{compiled('started')}\n")
    script.chmod(0o755)
    done = inject("--json", "out.json", "--fail", "munlock=fail", "--", script, cwd=tmp_path)
    assert ": a script of /bin/sh, which is linked dynamically" in done.stdout
    did, detail = found(tmp_path / "out.json")["munlock@1=fail:ENOMEM"]
    assert (did, detail.partition(":")[0]) == ("crashed", "SIGABRT of a process that it started")


def test_a_program_without_such_a_call_is_told_so(tmp_path: Path) -> None:
    done = inject("--", "/bin/true", cwd=tmp_path)
    assert done.returncode == 3
    assert "neither it nor its libraries import any of mlock, " in done.stdout
    assert "/bin/true made no call that locks memory, so none could be made to fail\n" in done.stdout


def test_what_was_found_is_told_also_where_the_report_cannot_be_written(
    compiled: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    done = inject("--fail", "munlock=fail", "--json", "file/out", "--", compiled("unwritten"), cwd=tmp_path)
    assert done.returncode == 3
    assert "munlock(8192 bytes)" in done.stdout
    assert done.stderr == "file/out: cannot be written: Not a directory; choose another file\n"


@pytest.mark.parametrize("variable", ["LOCKPROOF_FAULT_LOG", "LOCKPROOF_FAULT_STATE"])
def test_a_file_of_the_shim_that_cannot_be_opened_ends_the_program_with_a_line(tmp_path: Path, variable: str) -> None:
    file = tmp_path / "missing" / "file"
    environment = os.environ | {"LD_PRELOAD": shims.path("fault"), variable: str(file)}
    done = subprocess.run(["/bin/true"], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, f"libfault: {variable}: {file}: cannot be opened: ENOENT\n")


def refusal(tmp_path: Path, *arguments: str | Path) -> str:
    """Return the one line with which a program is refused."""
    done = inject(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    return line


def test_what_cannot_be_run_gets_a_line_that_says_why(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("no program\n")
    assert refusal(tmp_path, "--", text).endswith("is not executable; check its x bit")
    text.chmod(0o755)
    assert "is neither an ELF program nor a script: " in refusal(tmp_path, "--", text)
    assert refusal(tmp_path, "--", "./missing") == "./missing: there is no such file; check the path"
    assert "not found on PATH" in refusal(tmp_path, "--", "no-such-program")
    assert "is a directory" in refusal(tmp_path, "--", tmp_path)
    text.write_text("#!/no/such/interpreter\n")
    assert "is a script whose interpreter, /no/such/interpreter, is not found" in refusal(tmp_path, "--", text)
    text.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(40))
    assert "is neither an ELF program nor a script" in refusal(tmp_path, "--", text)
    assert "'mlok=fail' is no rule" in refusal(tmp_path, "--fail", "mlok=fail", "--", "/bin/true")


@pytest.mark.root
def test_a_setuid_program_is_refused_where_it_would_not_be_one(compiled: Callable[..., Path], tmp_path: Path) -> None:
    text = "#include <sys/mman.h>\n#include <unistd.h>\nint main(void) { mlockall(1); return geteuid() != 65534; }\n"
    program = compiled("setuid", text=text)
    os.chown(program, 65534, 0)
    program.chmod(0o4755)
    done = inject("--json", "out.json", "--", program, cwd=tmp_path)
    assert json.loads((tmp_path / "out.json").read_text())["undisturbed"]["ending"]["code"] == 0, done.stderr
    limited = ["setpriv", "--bounding-set=-sys_ptrace", LOCKPROOF, "inject", "--", str(program)]
    done = subprocess.run(limited, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        "setuid: is setuid to user 65534, which has no effect while it is traced without CAP_SYS_PTRACE" in done.stderr
    )
