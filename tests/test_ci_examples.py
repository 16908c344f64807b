# SPDX-License-Identifier: Apache-2.0
"""What examples/ci has: valid by the schemas of those who read it, and its commands are run as they stand there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml
from lxml import etree

from lockproof.runners.host.cache import directory
from tests.command import LOCKPROOF, lockproof
from tests.docs import blocks
from tests.places import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RECIPES = CHECKOUT / "examples/ci"
GITHUB, GITLAB, JENKINS, MAKE = "github-actions.yml", "gitlab-ci.yml", "Jenkinsfile", "Makefile"
PATH = f"{Path(LOCKPROOF).parent}:{os.environ['PATH']}"
BASH = ["bash", "-eo", "pipefail", "-c"]
"""As GitLab's runner starts the lines of a script, one after another."""
SH = ["sh", "-e", "-c"]
"""As Jenkins starts a step, and GitHub one in a container."""


@dataclass(frozen=True, slots=True)
class Step:
    """A command of a recipe."""

    name: str
    script: str
    shell: list[str] = field(default_factory=lambda: SH)
    environment: dict[str, str] = field(default_factory=dict)


def github_steps() -> list[Step]:
    document = yaml.safe_load((RECIPES / GITHUB).read_text())
    (job,) = document["jobs"].values()
    steps = [step for step in job["steps"] if "run" in step]
    return [
        Step(step["name"], step["run"], SH, document["env"] | {key: _filled(text) for key, text in step.get("env", {}).items()})
        for step in steps
    ]  # fmt: skip


def _filled(text: str) -> str:
    """Put in what GitHub would; an expression that nobody knows here is a mistake."""
    known = {"${{ github.token }}": "token", "${{ github.repository }}": "owner/kernel"}
    return known[text] if "${{" in text else text


def gitlab_steps() -> list[Step]:
    (job,) = yaml.safe_load((RECIPES / GITLAB).read_text()).values()
    variables = job["variables"]
    lines = [("Install", job["before_script"]), ("Run", job["script"][:1]), ("Compare", job["script"][1:])]
    return [Step(name, "\n".join(script), BASH, variables) for name, script in lines]


def jenkins_steps() -> list[Step]:
    text = (RECIPES / JENKINS).read_text()
    variables = dict(re.findall(r"(\w+) = '(.*)'", text))
    return [
        Step(name, script.replace("\\'", "'"), SH, variables)
        for name, body in re.findall(r"stage\('(\w+)[^']*'\) \{(.*?\n {8}\})", text, re.DOTALL)
        for script in re.findall(r"^ +sh '(.*)'$", body, re.MULTILINE)
    ]


def make_steps() -> list[Step]:
    return [Step("Run", "make run KEPT=main RESULTS=results"), Step("Compare", "make -o run KEPT=main RESULTS=results")]


STEPS: dict[str, Callable[[], list[Step]]] = {
    GITHUB: github_steps, GITLAB: gitlab_steps, JENKINS: jenkins_steps, MAKE: make_steps,
}  # fmt: skip


@pytest.mark.parametrize("name", [GITHUB, GITLAB])
def test_yaml_is_valid_by_the_schema_that_its_reader_publishes(name: str) -> None:
    document = yaml.safe_load((RECIPES / name).read_text())
    document = {"on" if key is True else key: value for key, value in document.items()}  # YAML 1.1 has a word for that
    _validate(name, document)
    (job,) = (document.get("jobs") or document).values()
    job["artifacts" if name == GITLAB else "steps"] = "nothing"
    with pytest.raises(jsonschema.ValidationError):
        _validate(name, document)


def _validate(name: str, document: object) -> None:
    spec = find_spec("check_jsonschema")
    assert spec is not None
    assert spec.origin is not None
    schemas = Path(spec.origin).parent / "builtin_schemas/vendor"
    schema = json.loads((schemas / {GITHUB: "github-workflows.json", GITLAB: "gitlab-ci.json"}[name]).read_text())
    jsonschema.validate(document, schema)


@pytest.mark.parametrize("name", [GITHUB, GITLAB, JENKINS])
def test_what_is_cached_is_where_lockproof_keeps_kernels(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("LOCKPROOF_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", "/root")
    text = (RECIPES / name).read_text()
    if name == GITLAB:
        (job,) = yaml.safe_load(text).values()
        (cached,) = job["cache"]["paths"]
        monkeypatch.setenv("LOCKPROOF_CACHE", job["variables"]["LOCKPROOF_CACHE"].replace("$CI_PROJECT_DIR", "/builds"))
        assert directory() == Path("/builds") / cached
    elif name == GITHUB:
        (job,) = yaml.safe_load(text)["jobs"].values()
        (cache,) = (step for step in job["steps"] if step.get("uses", "").startswith("actions/cache@"))
        assert directory() == Path(cache["with"]["path"].replace("~", "/root"))
    else:
        assert f"--volume lockproof:{directory()}'" in text


def kept(name: str) -> list[str]:
    """Return the patterns of the files that the CI system keeps, or reads as JUnit."""
    text = (RECIPES / name).read_text()
    if name == GITLAB:
        (job,) = yaml.safe_load(text).values()
        return [*job["artifacts"]["paths"], job["artifacts"]["reports"]["junit"]]
    if name == GITHUB:
        (job,) = yaml.safe_load(text)["jobs"].values()
        inputs = [step["with"] for step in job["steps"] if "with" in step]
        return [each[key] for each in inputs if "key" not in each for key in ("path", "files") if key in each]
    return re.findall(r"(?:archiveArtifacts|testResults:) '(.*?)'", text)


@pytest.fixture(scope="module")
def better(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return results of a main branch whose kernel keeps every promise."""
    folder = tmp_path_factory.mktemp("main")
    assert lockproof("run", "-t", "model:posix", cwd=folder).returncode == 0
    return folder / "results"


@pytest.mark.parametrize(
    ("name", "target"),
    [
        (GITHUB, "local"),
        (GITLAB, "model:linux-6"),
        # The kernels of the recipes themselves.
        pytest.param(GITLAB, None, marks=pytest.mark.qemu("debian/6.1", "debian/6.12")),
        (JENKINS, "model:linux-6"),
        (MAKE, "model:linux-6"),
    ],
)
def test_the_steps_of_a_recipe_run_a_kernel_and_refuse_one_that_got_worse(
    name: str, target: str | None, better: Path, tmp_path: Path
) -> None:
    shutil.copy(RECIPES / "targets.toml", tmp_path)
    if target is not None:
        (tmp_path / "targets.toml").write_text(f'[groups]\nci = ["{target}"]\n')
    if name == MAKE:
        shutil.copy(RECIPES / MAKE, tmp_path)
    steps = STEPS[name]()
    for step in steps:
        if step.name == "Run":
            done = _execute(step, tmp_path)
            assert done.returncode == 0, done.stderr
    (run,) = (tmp_path / "results").iterdir()
    assert etree.parse(run / "junit.xml").getroot().tag == "testsuites"
    assert "<title>" in (run / "report.html").read_text()
    assert [pattern for pattern in kept(name) if not list(tmp_path.glob(pattern))] == []

    compare = steps[-1]
    assert compare.name.startswith("Compare")
    same = Path(shutil.copytree(tmp_path / "results", tmp_path / "same"))
    first, after_the_same, after_a_better_one = (
        _compare(name, compare, main, tmp_path) for main in (None, same, better)
    )
    assert (first.returncode, "new failures" in first.stdout) == (0, False), first.stderr
    assert (after_the_same.returncode, "new failures: none" in after_the_same.stdout) == (0, True)
    if target is not None:  # of two kernels none is the one of the better run
        assert re.search(r"new failures: [1-9]", after_a_better_one.stdout), after_a_better_one.stderr
        assert after_a_better_one.returncode == (2 if name == MAKE else 1)  # make says 2 of whatever fails


def test_a_step_fails_where_something_could_not_be_found_out(tmp_path: Path) -> None:
    (tmp_path / "targets.toml").write_text('[groups]\nci = ["command:false"]\n')
    shutil.copy(RECIPES / MAKE, tmp_path)
    for name, steps in STEPS.items():
        *_, run = (step for step in steps() if step.name == "Run")
        done = _execute(run, tmp_path)
        assert done.returncode != 0, name
        shutil.rmtree(tmp_path / "results", ignore_errors=True)


def test_make_keeps_a_run_and_compares_the_next_one_with_it(tmp_path: Path) -> None:
    shutil.copy(RECIPES / MAKE, tmp_path)
    environment = os.environ | {"PATH": PATH, "HOME": str(tmp_path)}
    words = ["make", "check", "keep", "TARGETS=model:linux-6"]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.count("new failures: none")) == (0, 0), done.stderr
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.count("new failures: none")) == (0, 1), done.stderr


def _execute(step: Step, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PATH": PATH} | step.environment | more
    environment["LOCKPROOF_CACHE"] = os.environ.get("LOCKPROOF_CACHE", "")
    return subprocess.run(
        [*step.shell, step.script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def _compare(name: str, step: Step, main: Path | None, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the last step of a recipe where the results of the main branch are as its CI system has them."""
    shutil.rmtree(folder / "main", ignore_errors=True)
    if name == GITLAB:
        with _gitlab(main, folder) as address:
            said = {"CI_API_V4_URL": address, "CI_PROJECT_ID": "7", "CI_DEFAULT_BRANCH": "trunk", "CI_JOB_TOKEN": "t"}
            return _execute(step, folder, **said)
    if name == GITHUB:
        tools = _github(main, folder)
        return _execute(step, folder, PATH=f"{tools}:{PATH}")
    if main is not None:
        shutil.copytree(main, folder / ("main" if name == MAKE else "main/results"))
    return _execute(step, folder)


@contextmanager
def _gitlab(main: Path | None, folder: Path) -> Iterator[str]:
    """Serve the artefacts of the main branch as GitLab does; yields the address of its API."""
    archive = b""
    if main is not None:
        (folder / "artefacts").mkdir(exist_ok=True)
        shutil.rmtree(folder / "artefacts")
        shutil.copytree(main, folder / "artefacts/results")
        archive = Path(shutil.make_archive(str(folder / "served"), "zip", folder / "artefacts")).read_bytes()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_known = (self.path, self.headers["JOB-TOKEN"]) == (
                "/projects/7/jobs/artifacts/trunk/download?job=lockproof", "t",
            )  # fmt: skip
            self.send_response(200 if is_known and archive else 404)
            self.end_headers()
            self.wfile.write(archive)

        def log_message(self, *_: Any) -> None:  # noqa: ANN401
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def _github(main: Path | None, folder: Path) -> Path:
    """Put a gh into a folder that knows one run of main, or none, and takes nothing but what the recipe asks it."""
    tools = folder / "tools"
    tools.mkdir(exist_ok=True)
    listing = "run list --workflow lockproof.yml --branch main --status completed --limit 1 --json databaseId --jq .[].databaseId"
    download = f'"run download 7 --name results --dir main") cp -r {main} main ;;' if main else ""
    (tools / "gh").write_text(
        f'#!/bin/sh\n[ "$GH_TOKEN $GH_REPO" = "token owner/kernel" ] || exit 4\ncase "$*" in\n'
        f'"{listing}") echo {7 if main else ""} ;;\n{download}\n*) exit 1 ;;\nesac\n'
    )
    (tools / "gh").chmod(0o755)
    return tools


def test_the_document_shows_the_files_as_they_are() -> None:
    shown = [
        block.text for block in blocks((CHECKOUT / "docs/ci.md").read_text()) if block.language in {"yaml", "make"}
    ]
    assert shown == [(RECIPES / name).read_text() for name in (GITLAB, MAKE)]
