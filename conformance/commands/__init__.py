# SPDX-License-Identifier: Apache-2.0
"""Commands of lockproof: one function each, from what was asked to what is printed and the exit code."""
