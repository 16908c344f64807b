# SPDX-License-Identifier: Apache-2.0
"""Reports: each one function from results to text."""
