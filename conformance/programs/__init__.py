# SPDX-License-Identifier: Apache-2.0
"""What programs and C libraries make of memory locking."""
