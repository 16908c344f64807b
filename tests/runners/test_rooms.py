# SPDX-License-Identifier: Apache-2.0
"""Which room of runners uses which, from the imports themselves: each only those below it, and no module a circle."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

import pytest

from tests.places import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUNNERS = CHECKOUT / "runners"
FLOORS = (
    {"target", "architectures", "shims"},
    {"host"},
    {"kernels"},
    {"probe"},
    {"guest", "models"},
    {"local", "gvisor", "command", "model", "qemu"},
)
"""From the lowest to the highest."""
OUTSIDE = ("conformance.protocol", "conformance.errors", "conformance.files")
"""What runners know of the rest of lockproof."""


def modules() -> dict[str, Path]:
    """Return the files of the modules of runners, by their names in it; a room's own is `ROOM`."""
    files = {path.relative_to(RUNNERS).with_suffix(""): path for path in RUNNERS.rglob("*.py")}
    names = {".".join(name.parts).removesuffix(".__init__"): path for name, path in files.items()}
    del names["__init__"]  # what lockproof.runners itself exports lies below it
    return names


def imported(path: Path) -> Iterator[str]:
    """Yield what a module imports of lockproof, also where only types need it, as `ROOM.MODULE.NAME`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("lockproof."):
            yield from (f"{node.module.removeprefix('lockproof.')}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (each.name.removeprefix("lockproof.") for each in node.names if "lockproof." in each.name)


def floor(name: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if name.partition(".")[0] in rooms)


@pytest.mark.parametrize("name", sorted(modules()))
def test_a_module_uses_only_rooms_below_its_own(name: str) -> None:
    for other in imported(modules()[name]):
        if other.startswith("runners."):
            used = other.removeprefix("runners.")
            assert floor(used) < floor(name) or used.partition(".")[0] == name.partition(".")[0], (name, used)
        else:
            assert other.startswith((*OUTSIDE, "_models.")), (name, other)


def test_no_module_imports_itself_by_way_of_others() -> None:
    files = modules()

    def module(name: str) -> str:
        return name if name in files else name.rpartition(".")[0]

    graph = {
        name: {module(other.removeprefix("runners.")) for other in imported(path) if other.startswith("runners.")}
        # A room's own module is only an entrance: its modules import each other.
        for name, path in files.items()
        if not (RUNNERS / name.replace(".", "/")).is_dir()
    }
    assert len(graph) > 20
    assert list(TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("room", ["host", "kernels", "probe", "guest", "models"])
def test_a_room_says_in_few_lines_what_is_in_it_and_exports_its_names(room: str) -> None:
    tree = ast.parse((RUNNERS / room / "__init__.py").read_text())
    doc = ast.get_docstring(tree)
    assert doc is not None
    assert 3 <= len(doc.splitlines()) <= 6
    assert any(isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__" for node in tree.body)
