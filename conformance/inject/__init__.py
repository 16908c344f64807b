# SPDX-License-Identifier: Apache-2.0
"""`lockproof inject`: a program is run once for each memory-lock call that it makes, with that one failing."""
