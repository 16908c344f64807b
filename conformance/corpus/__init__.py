# SPDX-License-Identifier: Apache-2.0
"""The corpus itself: what its cases cover, which defects they catch, and what is doubtful in them."""
