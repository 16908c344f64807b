# SPDX-License-Identifier: Apache-2.0
"""The same cases as pytest items: `pytest cases --target local -n auto -k hole -m posix`.

Without --target the plugin collects nothing, so that it can be installed beside any project's own tests. An item is
`FILE::TARGET::CASE`. A deviation fails the item, what could not be found out is an error, what the target cannot do is
skipped with its reason. A target of which no case passed and none failed fails the session: no evidence is no success.
"""

from __future__ import annotations

import re
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from lockproof.conformance.errors import TargetError
    from lockproof.conformance.language.case import Case
    from lockproof.conformance.language.loading import Corpus
    from lockproof.conformance.running.results import Result
    from lockproof.runners.target import Session, Target

_PROFILES = ("posix", "linux", "quality")
_TARGET = "lockproof_target"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --target."""
    group = parser.getgroup("lockproof", "conformance of memory locks")
    group.addoption("--target", action="append", default=[], metavar="TARGET", dest="lockproof_targets",
                    help="run the cases of *.yaml files on this target; may be given several times")  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    """Make the targets, and name the markers."""
    for profile in _PROFILES:
        config.addinivalue_line("markers", f"{profile}: a lockproof case of profile {profile}")
    names = config.getoption("lockproof_targets")
    if names:
        from lockproof.conformance.errors import UsageError  # noqa: PLC0415  only where cases are run
        from lockproof.conformance.targets_file import resolve  # noqa: PLC0415
        from lockproof.runners.target import make_target  # noqa: PLC0415

        try:
            targets = list({made.name: made for made in map(make_target, resolve(names))}.values())
        except UsageError as error:
            raise pytest.UsageError(str(error)) from error
        config.stash[_SESSIONS] = _Sessions(targets)
        if not hasattr(config, "workerinput"):  # a worker of pytest-xdist reports to another process
            config.pluginmanager.register(_Evidence(), "lockproof-evidence")


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the targets that were started."""
    if _SESSIONS in config.stash:
        config.stash[_SESSIONS].close()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> _CaseFile | None:
    """Collect case files, where there is a target to run them on."""
    if _SESSIONS in parent.config.stash and file_path.suffix == ".yaml" and file_path.name != "requirements.yaml":
        return _CaseFile.from_parent(parent, path=file_path)
    return None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note in a report which target it is about; pytest-xdist brings it to the process that counts."""
    report = yield
    if isinstance(item, _CaseItem):
        setattr(report, _TARGET, item.parent.target.name)  # no user property: readers of JUnit stumble over these
    return report


class _Evidence:
    """Counts, in the process that reports, the cases of each target that said something about it."""

    def __init__(self) -> None:
        self.said: dict[str, int] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a case that passed or failed."""
        target = getattr(report, _TARGET, None)
        if target is not None:
            found_out = report.when == "call" and report.outcome != "skipped"
            self.said[target] = self.said.get(target, 0) + found_out

    @property
    def silent(self) -> list[str]:
        """Targets of which nothing was found out."""
        return [target for target, said in self.said.items() if not said]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a session that proves nothing about a target."""
        if self.silent and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say so."""
        for target in self.silent:
            terminalreporter.write_line(f"{target}: nothing was found out, no case passed and none failed", red=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let closing cases run after all others: they look at what these left behind."""
    items.sort(key=lambda item: isinstance(item, _CaseItem) and item.case.closing)


class _Sessions:
    """The targets of this process, each started when it is first needed and once only."""

    def __init__(self, targets: list[Target]) -> None:
        self.targets = targets
        self._stack = ExitStack()
        self._open: dict[str, Session | Exception] = {}

    def get(self, target: Target) -> Session:
        """Return the session of a target. Raises TargetError where it cannot be started, or was given up."""
        if target.name not in self._open:
            self._open[target.name] = self._stack.enter_context(target.session())
        session = self._open[target.name]
        if isinstance(session, Exception):
            raise session
        return session

    def give_up(self, target: Target, error: TargetError) -> None:
        """Note that a target cannot be started, so that no other case tries it again."""
        self._open[target.name] = error

    def close(self) -> None:
        """End all."""
        self._stack.close()


_SESSIONS = pytest.StashKey[_Sessions]()


class _CaseFile(pytest.File):
    def collect(self) -> Iterator[pytest.Collector]:
        from lockproof.conformance.errors import UsageError  # noqa: PLC0415
        from lockproof.conformance.language.loading import load  # noqa: PLC0415

        try:
            corpus = load(self.path)
        except UsageError as error:
            raise self.CollectError(str(error)) from error
        for target in self.config.stash[_SESSIONS].targets:
            yield _CasesOnTarget.from_parent(self, name=target.name, target=target, corpus=corpus)


class _CasesOnTarget(pytest.Collector):
    def __init__(self, *, target: Target, corpus: Corpus, **kwargs: Any) -> None:  # noqa: ANN401  pytest's own
        super().__init__(**kwargs)
        self.target = target
        self.corpus = corpus
        if any(marker.startswith("xdist_group") for marker in self.config.getini("markers")):
            self.add_marker(pytest.mark.xdist_group(re.sub(r"[^A-Za-z0-9]+", "-", target.name)))

    def collect(self) -> Iterator[pytest.Item]:
        for case in self.corpus.cases:
            yield _CaseItem.from_parent(self, name=case.name.rpartition("/")[2], case=case)


class _CaseItem(pytest.Item):
    parent: _CasesOnTarget

    def __init__(self, *, case: Case, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(**kwargs)
        self.case = case
        self.result: Result | str | None = None
        self.add_marker(case.profile.value)

    def setup(self) -> None:
        """Run the case; what could not be found out fails the set-up, so that pytest calls it an error."""
        from lockproof.conformance.judging.verdict import Status  # noqa: PLC0415
        from lockproof.conformance.visible import visible  # noqa: PLC0415

        self.result = result = self._run()
        if isinstance(result, str):
            pytest.fail(f"UNRESOLVED: {visible(result)}", pytrace=False)
        if result.verdict.status is Status.UNRESOLVED:
            pytest.fail(f"UNRESOLVED: {self._told(result)}", pytrace=False)
        if result.verdict.status in {Status.UNTESTED, Status.UNSUPPORTED}:
            pytest.skip(f"{result.verdict.status}: {visible(result.verdict.reason)}")

    def runtest(self) -> None:
        """Tell what became of it, by the picture instead of a traceback."""
        from lockproof.conformance.judging.verdict import Status  # noqa: PLC0415
        from lockproof.conformance.running.results import Result  # noqa: PLC0415

        if isinstance(self.result, Result) and self.result.verdict.status is Status.FAIL:
            pytest.fail(self._told(self.result), pytrace=False)

    def _told(self, result: Result) -> str:
        """Return the result in one line, and as a picture."""
        from lockproof.conformance.reports.picture import of_result  # noqa: PLC0415
        from lockproof.conformance.reports.words import summary  # noqa: PLC0415
        from lockproof.conformance.visible import visible  # noqa: PLC0415

        info = self.config.stash[_SESSIONS].get(self.parent.target).info
        return visible(f"{summary(result.verdict)}\n{of_result(result, self.case, info)}")

    def _run(self) -> Result | str:
        """Return the result, or why the target gives none."""
        from lockproof.conformance.errors import TargetError  # noqa: PLC0415
        from lockproof.conformance.running.engine import run_once  # noqa: PLC0415

        target, sessions = self.parent.target, self.config.stash[_SESSIONS]
        try:
            return run_once(self.case, target.name, sessions.get(target), self.parent.corpus.requirements)
        except TargetError as error:
            sessions.give_up(target, error)
            return f"{target.name}: {error}"

    def reportinfo(self) -> tuple[Path, int, str]:
        """Name the place of the case and the case."""
        return self.path, self.case.source.line - 1, self.case.name
