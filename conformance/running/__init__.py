# SPDX-License-Identifier: Apache-2.0
"""Runs of cases on targets: the engine, its results on disk, their counts, and known deviations."""
