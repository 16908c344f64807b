# SPDX-License-Identifier: Apache-2.0
"""The rooms of the house, from the imports themselves: who may use whom, and that nothing goes round in a circle."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

import pytest

from tests.places import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

LEVELS = (
    {"errors"},
    {"files", "columns", "counted", "visible", "exit_codes"},
    {"language", "targets_file"},
    {"protocol"},
    {"judging"},
    {"running", "corpus"},
    {"reports"},
    {"certificates", "offline", "cluster"},
    {"exploring", "proving", "repro", "programs"},
    {"commands", "options", "completion"},
    {"cli_results", "cli_certificates", "cli_offline", "cli_targets", "ending"},
    {"cli", "pytest_plugin"},
    {"__main__"},
)
"""Rooms of conformance; each uses those of lower levels only."""
RUNNERS = (
    {"options"},
    {"target", "architectures", "shims"},
    {"host"},
    {"kernels", "parcel"},
    {"probe"},
    {"guest", "models"},
    {"local", "gvisor", "command", "model", "qemu", "uml"},
)
"""Rooms of runners, and the files of the kinds of targets, which nobody imports."""
BELOW_RUNNERS = {"errors", "files", "columns", "protocol"}
"""What runners use of conformance."""
RUNNERS_OF = {
    "corpus": {"models"},
    "cluster": {"parcel"},
    "exploring": {"parcel"},
    "proving": {"models"},
    "programs": {"shims"},
    "targets_file": {"options"},
    "reports": {"options"},
    "cli": {"options"},
    "cli_certificates": {"options"},
    "commands": {"models", "kernels", "parcel", "probe", "shims"},
    "completion": {"architectures", "models", "kernels", "shims"},
}
"""What conformance uses of runners where it is about them; besides, everyone may use runners.target."""

Imports = dict[str, set[str]]


def modules(top: str) -> Iterator[tuple[str, Path]]:
    """Find the modules below a folder by their names: conformance.language.case."""
    for path in sorted((CHECKOUT / top).rglob("*.py")):
        name = ".".join(path.relative_to(CHECKOUT).with_suffix("").parts)
        yield name.removesuffix(".__init__"), path


def imports() -> Imports:
    """Read what each module imports, wherever in it that stands."""
    known = {name: path for top in ("conformance", "runners") for name, path in modules(top)}
    found: Imports = {name: set() for name in known}
    for name, path in known.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lockproof."):
                package = str(node.module).removeprefix("lockproof.")
                for imported in node.names:
                    module = f"{package}.{imported.name}"
                    found[name].add(module if module in known else package)
            elif isinstance(node, ast.Import):
                found[name] |= {
                    imported.name.removeprefix("lockproof.")
                    for imported in node.names
                    if imported.name.startswith("lockproof.")
                }
    return {name: used - {name, "_models"} for name, used in found.items()}


def room(module: str) -> tuple[str, str]:
    """Name the half of the house, and the room in it; the half itself is the room ''."""
    half, _, rest = module.partition(".")
    return half, rest.partition(".")[0]


def level(levels: tuple[set[str], ...], of: str) -> int:
    return next(number for number, rooms in enumerate(levels) if of in rooms)


def wrong_ways(found: Mapping[str, set[str]]) -> list[str]:
    """List the imports that go where they must not."""
    return sorted(
        f"{module} imports {used}"
        for module, uses in found.items()
        for used in uses
        if room(module) != room(used) and not allowed(room(module), room(used))
    )


def allowed(user: tuple[str, str], used: tuple[str, str]) -> bool:
    match user[0], used[0]:
        case "conformance", "conformance":
            return user[1] == "" or level(LEVELS, used[1]) < level(LEVELS, user[1])
        case "runners", "runners":
            return user[1] == "" or level(RUNNERS, used[1]) < level(RUNNERS, user[1])
        case "runners", "conformance":
            return used[1] in BELOW_RUNNERS
        case _:
            return used[1] in {"target", *RUNNERS_OF.get(user[1], ())}


def test_every_module_is_in_a_room() -> None:
    for module in imports():
        half, own = room(module)
        rooms = LEVELS if half == "conformance" else RUNNERS
        assert own == "" or any(own in each for each in rooms), module


def test_rooms_use_only_rooms_below_them() -> None:
    assert wrong_ways(imports()) == []


def test_only_what_is_about_clusters_imports_dask() -> None:
    using = {
        name
        for top in ("conformance", "runners")
        for name, path in modules(top)
        if "distributed" in path.read_text(encoding="utf-8").split() and not name.startswith("conformance.cluster")
    }
    assert using == set()


def test_no_imports_go_round_in_a_circle() -> None:
    # A room's __init__ exports what its modules have; importing a module runs it, but takes nothing from it.
    found = {
        module: {used for used in uses if used.count(".") != 1 or used in LEAVES} for module, uses in imports().items()
    }
    TopologicalSorter(found).prepare()


LEAVES = {module for module, _ in (*modules("conformance"), *modules("runners")) if module.count(".") == 1}


@pytest.mark.parametrize(
    ("module", "used"),
    [
        ("conformance.running.engine", "conformance.reports.picture"),
        ("conformance.language.case", "conformance.protocol.program"),
        ("conformance.corpus.mutants", "conformance.running.engine"),
        ("conformance.judging.judge", "runners.models.mutants"),
        ("runners.qemu", "conformance.judging.judge"),
        ("runners.kernels.build", "runners.guest.mailbox"),
        ("runners.local", "runners.qemu"),
        ("conformance.commands.run", "runners.qemu"),
    ],
)
def test_an_import_in_the_wrong_direction_is_found(module: str, used: str) -> None:
    assert wrong_ways({module: {used}}) == [f"{module} imports {used}"]


def test_a_circle_is_found() -> None:
    with pytest.raises(CycleError):
        TopologicalSorter({"a": {"b"}, "b": {"a"}}).prepare()
