# SPDX-License-Identifier: Apache-2.0
"""What programs and C libraries make of memory locking.

`inject` lets the calls of a program fail, one in each run (`Injection`); `describe` says what a C library promises
(`Libc`). Both read files with elf.py.
"""

from lockproof.conformance.programs.executable import Executable, Import, examine
from lockproof.conformance.programs.injection import Injection, inject
from lockproof.conformance.programs.libc import Libc, Option, describe

__all__ = ["Executable", "Import", "Injection", "Libc", "Option", "describe", "examine", "inject"]
