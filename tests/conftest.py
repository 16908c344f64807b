# SPDX-License-Identifier: Apache-2.0
"""What holds for all tests: hypothesis takes the time that a busy machine needs."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
