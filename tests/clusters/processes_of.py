"""Processes that a program has started, and those that they have."""

from __future__ import annotations

import contextlib
from pathlib import Path


def processes_of(pid: int, word: str) -> list[int]:
    """Return the processes below a program whose command holds a word."""
    parents, commands = {}, {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            number = int(entry.name)
            parents[number] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            commands[number] = (entry / "cmdline").read_bytes().decode(errors="replace")
    below = {pid}
    for _ in range(5):
        below |= {number for number, parent in parents.items() if parent in below}
    return sorted(number for number in below if word in commands.get(number, ""))
