# SPDX-License-Identifier: Apache-2.0
"""How a target is reached: one file for each kind of target, and the rooms host, kernels, probe, guest and models.

target.py is what all others of lockproof know of it: a TARGET text makes a `Target`, which opens a `Session`.
"""

from __future__ import annotations

from lockproof.runners.target import Session, Target, TargetInfo, known_targets, make_target

__all__ = ["Session", "Target", "TargetInfo", "known_targets", "make_target"]
