"""How often tests repeat what chance decides: seldom, to be quick, or with ``CHIPGEN_THOROUGH=1`` as often as it pays.

Every kind of thing is tried in either case; what is left out are further examples of the same.
"""

from __future__ import annotations

import os

THOROUGH = bool(os.environ.get("CHIPGEN_THOROUGH"))
SHARE = 1 if THOROUGH else 3


def times(most: int) -> int:
    """Return how often to repeat something that is repeated so often when it is tested thoroughly."""
    return -(-most // SHARE)
