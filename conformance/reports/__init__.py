# SPDX-License-Identifier: Apache-2.0
"""What people and programs read of a run, drawn from its results when somebody looks.

`picture` draws a verdict, `case_picture` a case before it has run; terminal.py and live.py show a run to people, and
kinds.py is the table of the reports that are files: each a function from results to text. They are imported by those
who want them, as what they need takes time to load.
"""

from lockproof.conformance.reports.picture import Picture, of_result, picture
from lockproof.conformance.reports.run import Run
from lockproof.conformance.reports.words import summary, tally_summary

__all__ = ["Picture", "Run", "of_result", "picture", "summary", "tally_summary"]
