"""JSON as we write it."""

from __future__ import annotations

import json
import re
from typing import Any

PLAIN_WORDS = frozenset({"train", "training", "val", "valid", "validation", "dev", "test", "testing"})
"""Names of splits that YAML takes as they are."""

HALVES = re.compile(r"\\\\|\\ud([89ab]..)\\ud([c-f]..)")
"""A letter beyond U+FFFF as JSON escapes it, in two halves; a backslash that is one is passed over."""

WHOLE = re.compile(r"\\\\|\\U([0-9a-f]{8})")
"""The same as YAML escapes it."""


def dump(value: Any) -> bytes:
    """Write a value as JSON; ASCII only, so that no reader's locale matters."""
    return json.dumps(value, separators=(", ", ": "), allow_nan=False).encode("ascii")


def dump_yaml(value: Any) -> str:
    """Write a value as YAML: it is JSON, but for letters beyond U+FFFF, whose two halves YAML does not put together."""
    return HALVES.sub(_whole_letter, json.dumps(value))


def _whole_letter(match: re.Match[str]) -> str:
    """Return one escape for two."""
    if match[1] is None:
        return match[0]
    first, second = (int(half, 16) for half in match.groups())
    return f"\\U{0x10000 + ((first - 0x800) << 10 | (second - 0xC00)):08x}"


def yaml_word(word: str) -> str:
    """Return a name as YAML; of many words, ``yes`` and ``1`` among them, it would make something else."""
    return word if word in PLAIN_WORDS else dump_yaml(word)


def load_yaml(text: str) -> Any:
    """Read what `dump_yaml` wrote.

    Raises
    ------
    ValueError
        It did not write that.
    """
    return json.loads(WHOLE.sub(_two_halves, text))


def _two_halves(match: re.Match[str]) -> str:
    """Return two escapes for one."""
    if match[1] is None:
        return match[0]
    first, second = divmod(int(match[1], 16) - 0x10000, 1 << 10)
    return f"\\u{0xD800 + first:04x}\\u{0xDC00 + second:04x}"
