"""Figures as people read them: counted things, tables, sizes of files."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def counted(count: int, word: str) -> str:
    """Write a number of things for people: ``1 box``, ``2 boxes``."""
    if count == 1:
        return f"1 {word}"
    plural = word[:-1] + "ies" if word.endswith("y") else word + ("es" if word.endswith("x") else "s")
    return f"{count:,} {plural}"


def human_bytes(count: int) -> str:
    """Write a number of bytes for people."""
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def listed(counts: Mapping[str, int]) -> str:
    """Write counts by name, those that are not zero; ``none`` when all are."""
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count) or "none"


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lay out rows in columns; the first left-aligned, the others right-aligned."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows]
