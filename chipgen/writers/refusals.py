"""Turning what the libraries that write our files raise into one line: over odd values that is no closed list."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from chipgen.errors import ChipgenError, StorageError, WorkerError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def refusals(path: object, where: str = "writing") -> Iterator[None]:
    """Name the file that a library refuses to write; errors of the disk are named elsewhere.

    Raises
    ------
    WorkerError
        For a lack of memory.
    StorageError
        For anything else that was raised in the block.
    """
    try:
        yield
    except (ChipgenError, OSError):
        raise
    except MemoryError as error:
        todo = "run the same command again, with fewer --workers or where there is more"
        raise WorkerError.one(path, where, "needs more memory than there is", todo) from error
    except Exception as error:
        what = f"cannot be written ({type(error).__name__}: {' '.join(str(error).split())[:300]})"
        raise StorageError.one(path, where, what, "run again with --debug and report what it prints") from error
