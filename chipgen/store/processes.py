"""Telling whether a process of this machine still is the one it was."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path


def host() -> str:
    """Return what tells this machine, or container, from all others, as long as it runs."""
    parts = [socket.gethostname()]
    for path in ("/proc/sys/kernel/random/boot_id", "/etc/machine-id"):
        with contextlib.suppress(OSError):
            parts.append(Path(path).read_text("ascii").strip())
    with contextlib.suppress(OSError):
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return " ".join(parts)


def born(pid: int) -> str:
    """Return when a process began, in the system's own count; empty where there is none, ``lives`` if no one tells."""
    try:
        state, *numbers = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return "" if state in "ZX" else numbers[18]  # a dead process whose parent has not looked yet is there still
    except (OSError, ValueError, IndexError):
        if Path("/proc/self/stat").exists():
            return ""
    try:  # a system without /proc
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except OSError:
        pass
    return "lives"
