# SPDX-License-Identifier: Apache-2.0
"""The commands of lockproof, one file each: a frozen request in, `Printed` out.

cli.py makes the request of options and prints what comes back. It imports the file of a command when that is called;
this module imports none of them.
"""

from lockproof.conformance.commands.printed import Printed

__all__ = ["Printed"]
