"""What a build is made from, and where two of them differ."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping


def first_difference(
    there: Mapping[str, Any], now: Mapping[str, Any], may_rise: Collection[str] = ()
) -> tuple[str, str] | None:
    """Return the first setting that differs and how, None when none does.

    Parameters
    ----------
    there
        The record of the build that lies in a folder; what it says besides does not matter.
    now
        That of the build that is asked for.
    may_rise
        Settings that may be higher now than there.
    """
    for name, value in _leaves(now):
        found = _find(there, name)
        risen = name[-1] in may_rise and isinstance(found, int) and found <= value
        if found != value and not risen:
            return ".".join(name), f"is {_shown(found)} there and {_shown(value)} now"
    return None


def _leaves(value: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield all settings by their path, as JSON would give them back."""
    for name, inner in value.items():
        if isinstance(inner, dict):
            yield from _leaves(inner, (*above, name))
        else:
            yield (*above, name), json.loads(json.dumps(inner))


def _find(value: Any, path: tuple[str, ...]) -> Any:
    """Return the setting at a path, None where there is none."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _shown(value: Any) -> str:
    """Return a setting as a user wrote it; of a checksum its first digits."""
    text = value if isinstance(value, str) else json.dumps(value)
    is_digest = isinstance(value, str) and len(value) == 64 and not set(value) - set("0123456789abcdef")
    return "none" if value is None else f"{text[:12]}..." if is_digest else text
