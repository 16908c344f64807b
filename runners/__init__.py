# SPDX-License-Identifier: Apache-2.0
"""How a target is reached: one file for each kind of target, none of which knows a case or a verdict."""
