# SPDX-License-Identifier: Apache-2.0
"""The lockproof command, and `python -m lockproof`, where it is not on PATH.

Until the command can end in good order, which takes the time of some imports, Ctrl-C ends it without a word.
"""

import signal
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line, and end the process."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from lockproof.conformance.cli import main as command  # noqa: PLC0415  see above
    from lockproof.conformance.ending import end_with  # noqa: PLC0415
    from lockproof.conformance.exit_codes import asked  # noqa: PLC0415

    name = "python -m lockproof" if __name__ == "__main__" else None
    end_with(lambda: command.main(prog_name=name, standalone_mode=False), asked(sys.argv[1:]))


if __name__ == "__main__":
    main()
