# SPDX-License-Identifier: Apache-2.0
"""The case language: its types, its rules, and how YAML becomes cases."""
