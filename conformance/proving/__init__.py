# SPDX-License-Identifier: Apache-2.0
"""Every state of small address spaces on a model, and the smallest one that breaks a requirement."""
