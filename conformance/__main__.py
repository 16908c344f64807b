# SPDX-License-Identifier: Apache-2.0
"""`python -m lockproof`: the lockproof command, where it is not on PATH."""

from lockproof.conformance.cli import main

main(prog_name="python -m lockproof")
