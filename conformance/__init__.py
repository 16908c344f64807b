# SPDX-License-Identifier: Apache-2.0
"""What is asked of a kernel, and how its answers are judged and reported."""
