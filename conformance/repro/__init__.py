# SPDX-License-Identifier: Apache-2.0
"""A case as a C program that stands alone."""
