"""What is wrong with a folder, as it is found: one line each, whatever a damaged file makes a library do."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from chipgen.additions import ADDED
from chipgen.errors import ChipgenError, Problem, StorageError
from chipgen.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MOST = 1000
"""Lines about the entries of one file, found by one check; the rest is counted: it has one cause."""

DELETE = "delete it and "


class MalformedError(Exception):
    """A file can be read, but is not what it should be.

    Parameters
    ----------
    where
        The place in it; empty when the whole of it is meant.
    what
        What is wrong there.
    """

    def __init__(self, where: str, what: str) -> None:
        super().__init__(where, what)
        self.where = where
        self.what = what


class Faults:
    """All that is wrong, in the order in which it is found.

    Parameters
    ----------
    out
        The output folder; paths are relative to it.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.problems: list[Problem] = []

    def __len__(self) -> int:
        return len(self.problems)

    def add(self, path: str, where: str, what: str, todo: str | None = None) -> None:
        """Note a fault; unless told otherwise the file is to be made anew."""
        self.problems.append(Problem(str(self.out / path), where, what, todo or f"{DELETE}{remake(path)}"))

    def add_each(self, path: str, faults: Iterable[tuple[str, str]], todo: str | None = None) -> None:
        """Note many faults of one file, each a place and what is wrong there; beyond `MOST` they are counted."""
        rest = 0
        for number, (where, what) in enumerate(faults):
            if number < MOST:
                self.add(path, where, what, todo)
            else:
                rest += 1
        if rest:
            self.add(path, "", f"and {counted(rest, 'fault')} more of this kind", todo)

    @contextlib.contextmanager
    def reading(self, path: str, todo: str | None = None) -> Iterator[None]:
        """Turn everything that reading a damaged file raises into one fault of that file."""
        try:
            yield
        except MalformedError as error:
            self.add(path, error.where, error.what, todo)
        except StorageError:  # nothing is known of the file
            raise
        except ChipgenError as error:
            self.add(path, "", error.problems[0].what, todo)
        except Exception as error:  # noqa: BLE001 -- given damaged files, libraries raise whatever they like
            self.add(path, "", f"cannot be read ({type(error).__name__}: {error})"[:500], todo)


def remake(path: str) -> str:
    """Say how a file that is missing is made anew."""
    folder = path.partition("/")[0]
    return f"run the same chipgen {folder if folder in ADDED else 'build'} again, which makes it anew"
