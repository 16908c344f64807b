# SPDX-License-Identifier: Apache-2.0
"""A session with a probe: its process and streams, and which probe there is for an architecture."""
