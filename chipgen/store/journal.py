"""The journal of a run: one line for each thing that gets its final name, written before it does.

In object storage, where nothing can be added to, each line is an object of its own: ``_journal.jsonl.00000001``.

A line is on the disk before the files it announces are renamed. So whatever lies under a final name was announced, an
announced file that is missing or has another length was not finished, and nothing else in the folder is ours.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from chipgen.remote import is_remote
from chipgen.store import disk
from chipgen.store.files import Written

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

JOURNAL = "_journal.jsonl"
PART = re.compile(re.escape(JOURNAL) + r"\.(\d{8})")
"""Names of the lines that are objects of their own."""


@dataclass(frozen=True)
class Entry:
    """One line of the journal: files that belong together.

    Parameters
    ----------
    files
        The files.
    facts
        What whoever wrote them wants to know when the run goes on, as plain JSON values.
    """

    files: tuple[Written, ...]
    facts: dict[str, Any] = field(default_factory=dict)


class Journal:
    """The journal of one run.

    Parameters
    ----------
    out
        The output folder.
    run
        A word that tells this run from others; no other run's line passes for one of this.
    """

    def __init__(self, out: Path, run: str) -> None:
        self.path = out / JOURNAL
        self.run = run
        self._number: int | None = None
        self._remote: bool = is_remote(self.path)

    def read(self) -> tuple[list[Entry], int, bool]:
        """Return the entries, how many lines were damaged, and whether the last one was cut short."""
        *lines, rest = self._content().split(b"\n")
        found = [self._entry(line) for line in lines]
        entries = [entry for entry in found if entry is not None]
        return entries, len(found) - len(entries), bool(rest)

    def _content(self) -> bytes:
        """Return all lines that can be read."""
        return b"".join(map(self._readable, (self.path, *self._parts())))

    def _readable(self, path: Path) -> bytes:
        """Return what a file holds, nothing where there is none."""
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError:
            if self._remote:  # a storage that does not answer is no empty journal
                raise
            return b""

    def _parts(self) -> list[Path]:
        """Return the objects that hold a line each, in their order."""
        if not self._remote:
            return []
        return sorted(path for path in self.path.parent.glob(f"{JOURNAL}.*") if PART.fullmatch(path.name))

    @property
    def exists(self) -> bool:
        """Whether there is a journal."""
        return self.path.exists() or bool(self._parts())

    def append(self, entry: Entry) -> None:
        """Add an entry."""
        disk.append(self._next(), self._line(entry))

    def _next(self) -> Path:
        """Return where the next line goes."""
        if not self._remote:
            return self.path
        if self._number is None:
            self._number = max((int(path.name.rpartition(".")[2]) for path in self._parts()), default=0)
        self._number += 1
        return self.path.with_name(f"{JOURNAL}.{self._number:08d}")

    def remove(self) -> None:
        """Remove it: what it says first is said to the last."""
        for path in reversed(self._parts()):
            disk.remove(path)
        disk.remove(self.path)

    def rewrite(self, entries: Iterable[Entry], stage: Path) -> None:
        """Replace the journal by one with these entries."""
        with disk.create(stage / JOURNAL) as file:
            for entry in entries:
                disk.write(file, self._line(entry))
            disk.flush(file)
            disk.sync(file)
        disk.replace(stage / JOURNAL, self.path)
        for path in reversed(self._parts()):  # what they said is said in the file, of which the later lines hold
            disk.remove(path)

    def _line(self, entry: Entry) -> bytes:
        """Return the line of an entry."""
        body = json.dumps(asdict(entry), sort_keys=True)
        return json.dumps({"check": self._check(body), "entry": body}).encode() + b"\n"

    def _entry(self, line: bytes) -> Entry | None:
        """Return the entry of a line, None where the line is damaged."""
        try:
            value = json.loads(line)
            if value["check"] != self._check(value["entry"]):
                return None
            entry = json.loads(value["entry"])
            return Entry(tuple(Written(**file) for file in entry["files"]), entry["facts"])
        except (ValueError, TypeError, KeyError, RecursionError):
            return None

    def _check(self, body: str) -> str:
        """Return the checksum of an entry in this run."""
        return hashlib.sha256(f"{self.run}\n{body}".encode()).hexdigest()[:16]
