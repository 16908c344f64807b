# SPDX-License-Identifier: Apache-2.0
"""What is said to a target and what it says: programs, traces, kernel logs, call stacks."""
