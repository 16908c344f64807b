# SPDX-License-Identifier: Apache-2.0
"""A session with a probe: its executable (compiled.py), process and lines (connection.py), what is said (session.py).

A runner for a real kernel says how a probe is started there (`ProbeTarget`, or a `Connection` of its own for
`ProbeSession`); programs, traces, hangs and crashes are dealt with here.
"""

from __future__ import annotations

from lockproof.runners.probe.compiled import host_probe, probe_for
from lockproof.runners.probe.connection import Connection
from lockproof.runners.probe.session import ProbeSession, ProbeTarget

__all__ = ["Connection", "ProbeSession", "ProbeTarget", "host_probe", "probe_for"]
