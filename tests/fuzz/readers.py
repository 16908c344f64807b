# SPDX-License-Identifier: Apache-2.0
"""The readers of what others wrote: each takes bytes, and raises nothing but what it says."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lockproof.conformance import targets_file
from lockproof.conformance.certificates import folder
from lockproof.conformance.certificates.certificate import read_certificate
from lockproof.conformance.certificates.statement import TEMPLATE, read_statement
from lockproof.conformance.errors import LockproofError
from lockproof.conformance.language.loading import load, load_requirements, load_text
from lockproof.conformance.language.yaml_nodes import read as read_yaml
from lockproof.conformance.offline.exported import named
from lockproof.conformance.offline.parts import follow, parts
from lockproof.conformance.programs import elf
from lockproof.conformance.protocol.kernel_log import excerpt, first_splat, new_taint
from lockproof.conformance.protocol.trace import TraceReader, read_trace
from lockproof.conformance.running import baselines
from lockproof.conformance.running.manifest import read_manifest
from lockproof.conformance.running.results import read_result, result_line
from lockproof.runners.kernels import image, packages, sources_list
from lockproof.runners.kernels.apt import Root
from lockproof.runners.probe.compiled import host_probe
from lockproof.runners.target import TargetInfo, make_target
from tests.certificates.certified import STATEMENT, files
from tests.command import SMALL
from tests.offline.folders import renewed
from tests.places import CASES, CHECKOUT
from tests.test_targets_file import GOOD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lockproof.conformance.protocol.program import Program

__all__ = ["READERS", "Reader"]


@dataclass(frozen=True, slots=True)
class Reader:
    """Something that reads what others wrote."""

    read: Callable[[bytes], object]
    seeds: Callable[[], list[bytes]]
    """Inputs that it reads well."""
    raises: tuple[type[Exception], ...] = (LockproofError,)
    """What it says that it raises."""


@cache
def _scratch() -> Path:
    """Return a file for readers that want one; it goes with the process."""
    made = tempfile.TemporaryDirectory(prefix="lockproof-fuzz-")
    _kept.append(made)
    return Path(made.name) / "input"


_kept: list[tempfile.TemporaryDirectory[str]] = []
_requirements = cache(load_requirements)
_corpus = cache(load)


def _cases(content: bytes) -> object:
    node, problems = read_yaml(content, "cases.yaml")
    if node is None:
        return problems
    return load_text(content.decode(), _requirements())


def _file(read: Callable[[Path], object]) -> Callable[[bytes], object]:
    def reader(content: bytes) -> object:
        _scratch().write_bytes(content)
        return read(_scratch())

    return reader


def _result(content: bytes) -> object:
    result = read_result(content)
    result_line(result)
    return read_trace(result.trace, 9)


def _trace(content: bytes) -> object:
    """Read lines as they come from a target, and as they are kept."""
    reader = TraceReader("p0", 9)
    lines = content.decode(errors="backslashreplace").split("\n")
    return [reader.feed(line) for line in lines if line]


def _returned(content: bytes) -> object:
    """Read what a machine wrote, as somebody would change it who makes the sums anew."""
    lines = content.decode(errors="surrogateescape").split("\n")
    return follow(parts(renewed(lines).encode(errors="surrogateescape")), _programs())


@cache
def _programs() -> dict[str, Program]:
    return named(load_text(SMALL, _requirements(), file="small/mlock.yaml").cases[:1])


def _returned_seeds() -> list[bytes]:
    (name,) = _programs()
    (hello,), (trace,) = _hello_seeds(), _traces()
    ran = f'{hello.decode()}\n{{"sum":0}}\n{trace.replace("p0", name)}\n{{"sum":0}}\n{{"finish":1,"taint":0}}\n'
    cut = f'{hello.decode()}\n{{"sum":0}}\n'
    seeds = [
        f'\n{{"start":1,"boot":""}}\n{ran}',
        f'\n{{"start":1,"boot":"1-2"}}\n{cut}{{"bef\n{{"start":2,"boot":"3"}}\n{cut}',
    ]
    seeds[1] += '{"finish":2,"taint":null}\n'
    for seed in seeds:
        _returned(seed.encode())
    return [seed.encode() for seed in seeds]


def _log(content: bytes) -> object:
    lines = content.decode(errors="replace").split("\n")
    return first_splat(lines), excerpt(lines), new_taint((0, len(content)))


def _index(content: bytes) -> object:
    return list(packages._parse(content.decode(errors="replace"), Root("trixie", "amd64")))  # noqa: SLF001


def _sources(content: bytes) -> object:
    (_scratch().parent / "sources.list.d").mkdir(exist_ok=True)
    (_scratch().parent / "sources.list.d" / "debian.sources").write_bytes(content)
    (_scratch().parent / "sources.list").write_bytes(content)
    return sources_list.mirror(_scratch().parent)


def _targets(content: bytes) -> object:
    """Read names of targets, and what each of them and each group stands for."""
    made = _file(targets_file.load)(content)
    assert isinstance(made, targets_file.TargetsFile)
    return [made.texts(name) for name in (*made.targets, *(f"@{group}" for group in made.groups))]


def _yaml_seeds() -> list[bytes]:
    files = sorted(CASES.rglob("*.yaml"))
    small = [file.read_text() for file in files if file.name not in {"requirements.yaml", "interpretations.yaml"}]
    # One case of each file: a whole file takes too long for as many inputs.
    entries = [f"- id{text.split(chr(10) + '- id')[number]}" for text in small for number in (1,) if "\n- id" in text]
    return [SMALL.encode(), *(entry.encode() for entry in entries)]


def _baseline_seeds() -> list[bytes]:
    """Return the issues of our own baselines, each as a file."""
    wholes = [path.read_text() for path in (CHECKOUT / "results" / "baselines").glob("*.yaml")]
    issues = [issue for whole in wholes for issue in whole.split("\n- id: ")[1:]]
    return [f"- id: {issue}\n".encode() for issue in issues if len(issue) < 2000]


@cache
def _traces() -> list[str]:
    with make_target("model:posix").session() as session:
        corpus = load_text(SMALL, _requirements(), file="small/mlock.yaml")
        from lockproof.conformance.protocol.program import compile_case  # noqa: PLC0415

        return [
            "\n".join(trace.lines).replace('"end":"model"', '"end":"p0"')
            for trace in session.run(map(compile_case, corpus.cases[:1]))
        ]


def _result_seeds() -> list[bytes]:
    facts = {
        "target": "local",
        "case": "mlock/hole",
        "repetition": 1,
        "verdict": {
            "status": "FAIL",
            "reason": "",
            "findings": [
                {
                    "requirement": "mlock.failure.no-change",
                    "source": "POSIX",
                    "modality": "shall",
                    "aspect": "locked",
                    "message": "page 2 became locked",
                    "pages": [2],
                    "step": 0,
                    "execution": 0,
                    "seen": ".LL",
                    "permitted": ".L.",
                }
            ],
        },
        "checks": ["mlock.failure.no-change"],
        "profile": "posix",
        "source": "a.yaml:1",
        "seconds": 0.5,
    }
    text = json.dumps(facts, separators=(",", ":"))
    return [f'{text[:-1]},"trace":[{trace.replace(chr(10), ",")}]}}\n'.encode() for trace in _traces()]


def _hello_seeds() -> list[bytes]:
    with make_target("local").session() as session:
        info = session.info.as_json()
    return [json.dumps({"hello": info}).encode()]


def _manifest_seeds() -> list[bytes]:
    (hello,) = _hello_seeds()
    manifest = {
        "run": "20261126T000000",
        "lockproof": "0.1.0",
        "cases": None,
        "selection": ["mlock"],
        "corpus": "0123456789abcdef",
        "targets": ["local"],
        "repeat": 1,
        "time_limit": 30.0,
        "started": "2026-11-26T00:00:00+00:00",
        "finished": None,
        "info": {"local": json.loads(hello)["hello"]},
    }
    return [json.dumps(manifest).encode()]


_LOG = b"""[    1.0] BUG: unable to handle page fault for address: ffff
WARNING: CPU: 0 PID: 41 at mm/mlock.c:412 mlock_fixup+0x1/0x2
INFO: task probe:41 blocked for more than 120 seconds.
------------[ cut here ]------------
kernel BUG at mm/mmap.c:1!
rcu: INFO: rcu_sched self-detected stall on CPU
Call Trace: <TASK> ? show_trace_log_lvl+0x1c/0x33
"""
_PACKAGES = b"""Package: linux-image-6.12.1-1-cloud-amd64
Version: 6.12.1-1
Architecture: amd64
Size: 12345678

Package: linux-source-6.12
Version: 6.12.1-1
Size: 99

"""
_SOURCES = b"""Types: deb
URIs: http://deb.debian.org/debian
Suites: trixie trixie-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

"""


_GROUPS = b"""groups.a = ["local", "model:posix"]
groups."b" = ["@a", '@a']
[groups]
c = [
  "@b", "@a",  # a comment
  '''qemu:debian/6.12+smp=2''',
]
"""


def _elf_seeds() -> list[bytes]:
    return [Path(host_probe()).read_bytes()[:4096], *(path.read_bytes()[:65536] for path in _small_libraries())]


def _small_libraries() -> Iterator[Path]:
    for path in sorted(Path(host_probe()).parent.glob("*.so")):
        if path.stat().st_size < 1 << 17:
            yield path


def _image_seeds() -> list[bytes]:
    content = bytearray(70000)
    content[0x1F1] = 4
    content[0x1F4:0x1F8] = (1000).to_bytes(4, "little")
    content[0x202:0x206] = b"HdrS"
    content[0x206:0x208] = (0x20C).to_bytes(2, "little")
    content[0x236] = 1
    return [bytes(content), Path(host_probe()).read_bytes()[:70000], bytes(65600) + b"\0asm"]


READERS = {
    "cases": Reader(_cases, _yaml_seeds),
    "baselines": Reader(_file(lambda path: baselines.load([path], _corpus())), _baseline_seeds),
    "run.json": Reader(read_manifest, _manifest_seeds, (ValueError,)),
    "results.jsonl": Reader(_result, _result_seeds, (ValueError, LockproofError)),
    "certificate": Reader(read_certificate, lambda: [files()[folder.CERTIFICATE]], (ValueError,)),
    "statement": Reader(
        lambda content: read_statement(content, "statement.yaml"), lambda: [STATEMENT, TEMPLATE.encode()]
    ),
    "hello": Reader(TargetInfo.from_hello, _hello_seeds),
    "trace": Reader(_trace, lambda: [trace.encode() for trace in _traces()]),
    "returned folder": Reader(_returned, _returned_seeds, (ValueError,)),
    "kernel log": Reader(_log, lambda: [_LOG], ()),
    "packages": Reader(_index, lambda: [_PACKAGES], ()),
    "sources.list": Reader(_sources, lambda: [_SOURCES, b"deb [signed-by=/a] http://deb.debian.org/debian sid main\n"]),
    "elf": Reader(_file(lambda path: elf.read(path, "it", "do")), _elf_seeds),
    "kernel image": Reader(_file(image.read), _image_seeds),
    "targets.toml": Reader(_targets, lambda: [GOOD.encode(), _GROUPS]),
}
