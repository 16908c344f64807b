# SPDX-License-Identifier: Apache-2.0
"""Only what changes in a file is written anew: all other lines stay, with their comments, in whatever style."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lockproof.conformance.language.yaml_edits import Fields, edited

FLOW = """\
# The first line.
- id: a  # of a
  cases: [x]
  # before seen
  seen: {old: {run: "1", count: "2"}, gone: {run: "1", count: "2"}}  # behind seen
# between
- {id: b, cases: [y]}
- id: c
  cases:
  - z  # last of c

# the end
"""
BLOCK = """\
- id: a
  seen:
    # of old
    old:
      run: "1"  # behind run
      # of count
      count: "2"
    # of gone
    gone: {run: "1", count: "2"}
  about: later  # still there
"""
NEW: Fields = {"run": "9", "count": 2}
SEEN: Fields = {"run": "9", "count": "2"}


def parsed(text: str) -> Any:  # noqa: ANN401
    return yaml.load(text, yaml.BaseLoader)  # noqa: S506  all scalars are texts


def comments(text: str) -> list[str]:
    return [line[line.index("#") :] for line in text.splitlines() if "#" in line]


@pytest.mark.parametrize("text", [FLOW, BLOCK])
@pytest.mark.parametrize(
    ("changes", "seen"),
    [
        ({"old": NEW}, {"old": SEEN, "gone": {"run": "1", "count": "2"}}),
        ({"gone": None}, {"old": {"run": "1", "count": "2"}}),
        ({"old": None}, {"gone": {"run": "1", "count": "2"}}),
        ({"old": None, "gone": None}, {}),
        ({"old": None, "gone": None, "new": NEW}, {"new": SEEN}),
        ({"new": NEW}, {"old": {"run": "1", "count": "2"}, "gone": {"run": "1", "count": "2"}, "new": SEEN}),
        ({"old": NEW, "gone": None, "new-1.2": NEW}, {"old": SEEN, "new-1.2": SEEN}),
        ({"never": None}, {"old": {"run": "1", "count": "2"}, "gone": {"run": "1", "count": "2"}}),
    ],
)
def test_entries_are_replaced_added_and_taken_away(text: str, changes: dict[str, Fields | None], seen: Fields) -> None:
    before = parsed(text)
    after = parsed(edited(text, "seen", {"a": changes}))
    assert after == [{**before[0], "seen": seen}, *before[1:]]


def test_only_what_changes_is_written_anew() -> None:
    found = edited(FLOW, "seen", {"a": {"old": NEW}, "b": {"x": NEW}, "c": {"x": NEW}})
    assert found == (
        FLOW.replace('{run: "1", count: "2"}, gone', '{run: "9", count: "2"}, gone')
        .replace("cases: [y]}", 'cases: [y], seen: {x: {run: "9", count: 2}}}')
        .replace("# last of c\n", '# last of c\n  seen:\n    x: {run: "9", count: 2}\n')
    )
    assert edited(BLOCK, "seen", {"a": {"old": NEW}}) == BLOCK.replace('run: "1"  #', 'run: "9"  #')


def test_nothing_changes_where_nothing_is_asked_for() -> None:
    for text in (FLOW, BLOCK, "", "[]\n"):
        assert edited(text, "seen", {}) == text


@given(st.data())
def test_comments_and_order_survive_wherever_they_are(data: st.DataObject) -> None:
    lines = data.draw(st.sampled_from([FLOW, BLOCK])).splitlines()
    for number in range(data.draw(st.integers(0, 6))):
        at = data.draw(st.integers(0, len(lines)))
        lines.insert(at, f"{' ' * data.draw(st.integers(0, 8))}# {number}")
    text = "\n".join(lines) + data.draw(st.sampled_from(["", "\n"]))
    values = st.fixed_dictionaries({"run": st.text("ab: '1", min_size=1), "count": st.sampled_from(["1", "22"])})
    names = st.sampled_from(["old", "new", "other 1.2"])
    changes: dict[str, dict[str, Fields]] = data.draw(
        st.dictionaries(st.sampled_from(["a", "b", "c"]), st.dictionaries(names, values))
    )
    before, found = parsed(text), edited(text, "seen", changes)
    assert comments(text) == [line for line in comments(found) if line in comments(text)]
    for item, was in zip(parsed(found), before, strict=True):
        own = changes.get(was["id"], {})
        assert item == ({**was, "seen": {**was.get("seen", {}), **own}} if own else was)
    assert edited(found, "seen", changes) == found
