# SPDX-License-Identifier: Apache-2.0
"""The Python side of native/models, besides the runner: deliberate defects, and exhaustive exploration."""
