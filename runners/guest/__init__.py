# SPDX-License-Identifier: Apache-2.0
"""A kernel in a guest of QEMU: its machine, what it boots, and the streams to the probe in it."""
