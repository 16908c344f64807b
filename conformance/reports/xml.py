# SPDX-License-Identifier: Apache-2.0
"""What every report in JUnit XML needs: text without what XML forbids, and elements as the schemas have them."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

__all__ = ["document", "mended", "plain"]

# One such character makes readers lose the whole file; junit-xml lets some pass.
_FORBIDDEN = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def plain(text: str) -> str:
    """Return a text with U+FFFD for each character that XML 1.0 forbids or advises against (section 2.2)."""
    return _FORBIDDEN.sub("\ufffd", text)


def mended(root: ET.Element) -> ET.Element:
    """Return an element of junit-xml without what no schema of JUnit has, and with three decimals for every time.

    junit-xml leaves out the decimals of 0, and the time where it is 0.
    """
    for element in root.iter():
        element.attrib.pop("disabled", None)
        if element.tag in {"testsuites", "testsuite", "testcase"}:
            element.set("time", f"{float(element.get('time', 0)):.3f}")
    return root


def document(root: ET.Element) -> str:
    """Return the file that has an element as its root, to be written as UTF-8."""
    return "<?xml version='1.0' encoding='utf-8'?>\n" + ET.tostring(root, encoding="unicode") + "\n"
