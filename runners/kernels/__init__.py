# SPDX-License-Identifier: Apache-2.0
"""Kernels to boot: where they come from (fetched, built, a file), and what boots in them."""
