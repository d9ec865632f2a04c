"""Which entries the fast pass must not read: those in which a key may stand twice, or that nest too deeply.

To look for each key in each entry takes longer than to read it. But entries of one file are alike: without their
digits, the same few outlines are left of them all, and each outline is looked at once.
"""

from __future__ import annotations

from chipgen.coco import explain
from chipgen.coco.sections import NAMES
from chipgen.loose_json import ESCAPED, MOST_NESTED

FIELDS = tuple(b'"%b"' % name.encode() for name in explain.FIELDS)
DROPPED = b"0123456789+-.,: \t\n\r"
"""What an outline lacks: nothing of it is in a key, so that each key of an entry is in its outline, too."""
ESCAPE = ESCAPED.rstrip(b"0")


def outline(raw: bytes) -> bytes:
    """Return an entry without its numbers."""
    return raw.translate(None, DROPPED)


def is_suspect(outlined: bytes) -> bool:
    """Tell whether an entry of this outline may be odd (see `is_odd`) or nest too deeply; if not, it is neither."""
    brackets = outlined.count(b"[") + outlined.count(b"{")
    return brackets > MOST_NESTED or ESCAPE in outlined or any(outlined.count(key) > 1 for key in FIELDS)


def names_section(outlined: bytes) -> bool:
    """Tell whether an entry of this outline may hold the name of a section."""
    return any(name in outlined for name in NAMES)


def is_odd(raw: bytes) -> bool:
    """Tell whether a key might stand twice in an entry, perhaps written in another way; the slow pass knows."""
    return ESCAPED in raw or any(raw.count(key) > 1 for key in FIELDS)
