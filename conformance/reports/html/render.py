# SPDX-License-Identifier: Apache-2.0
"""From the facts of the page to HTML.

Whatever a template writes goes through `shown` and is escaped; the style and the script are ours and stand as they are.
The policy (CSP) lets the browser load nothing and run no script but that one.
"""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from lockproof.conformance.reports.html.gather import gather

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lockproof.conformance.reports.run import Run

__all__ = ["render"]

# What no HTML may have (C0 but tabulator and line feed, DEL, C1, surrogates, noncharacters), and what turns the
# direction of text around (UAX #9).
_FORBIDDEN = (
    {*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000), *range(0xFDD0, 0xFDF0)}
    | {plane * 0x10000 + last for plane in range(17) for last in (0xFFFE, 0xFFFF)}
    | {0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
)
_VISIBLE = {code: ascii(chr(code))[1:-1] for code in _FORBIDDEN - {0x9, 0xA}}
_NO_CODE = re.compile(r"^[ ]+|^(?://.*|/\*.*\*/)\n|^\n", re.MULTILINE)
_NO_STYLE = re.compile(r"(?<=[{};,])\s+|\s+(?=[{}])|(?<=:)[ ]+")


def render(runs: Sequence[Run]) -> str:
    """Return the page of runs. Raises UsageError where two have a target of one name."""
    environment = Environment(
        autoescape=True,
        finalize=_shown,
        loader=FunctionLoader(_text),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = _compact("script.js")
    template = environment.get_template("page.html.jinja")
    return template.render(
        page=gather(runs),
        style=Markup(_NO_STYLE.sub("", _compact("style.css"))),  # noqa: S704  ours
        script=Markup(script),  # noqa: S704  ours
        script_hash=b64encode(sha256(script.encode()).digest()).decode(),
    )


def _text(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


def _compact(name: str) -> str:
    """Return a style or script without its indentation and the lines that are comments alone."""
    return _NO_CODE.sub("", _text(name))


def _shown(value: Any) -> Any:  # noqa: ANN401  whatever a template has
    r"""Return a text whose control characters are written as in Python, such as \x1b."""
    return value.translate(_VISIBLE) if isinstance(value, str) and not isinstance(value, Markup) else value
