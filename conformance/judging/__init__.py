# SPDX-License-Identifier: Apache-2.0
"""From a case and its trace to a verdict: whether a target can run it, and what deviates from what is permitted."""
