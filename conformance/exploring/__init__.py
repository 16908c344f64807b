# SPDX-License-Identifier: Apache-2.0
"""Generated cases, judged by a naive statement of the standard or by what another target does."""
