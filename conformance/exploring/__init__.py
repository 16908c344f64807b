# SPDX-License-Identifier: Apache-2.0
"""Generated cases (with hypothesis, lockproof[explore]), until one differs from what is permitted.

What is permitted says a naive statement of the standard (naive.py), or what another target does (agreement.py). The
smallest case that differs is kept as YAML.
"""

from lockproof.conformance.exploring.search import SearchRequest, SearchResult, explore

__all__ = ["SearchRequest", "SearchResult", "explore"]
