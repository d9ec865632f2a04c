"""JSON as we write it."""

from __future__ import annotations

import json
from typing import Any


def dump(value: Any) -> bytes:
    """Write a value as JSON; ASCII only, so that no reader's locale matters."""
    return json.dumps(value, separators=(", ", ": "), allow_nan=False).encode("ascii")
