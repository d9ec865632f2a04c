"""Whatever damaged files make libraries do becomes one line."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from chipgen.errors import ChipgenError, DataError, UnusableError
from chipgen.verification.faults import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TODO = "see what chipgen verify says of the folder, then run the same chipgen build again"


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Name the file that is not what was written once.

    Raises
    ------
    DataError
        For what is raised in the block, unless it is an error of ours that names a file already.
    """
    try:
        yield
    except MalformedError as error:
        raise DataError.one(path, error.where, error.what, TODO) from error
    except UnusableError as error:
        raise DataError.one(path, "", error.message, TODO) from error
    except (ChipgenError, MemoryError):
        raise
    except Exception as error:  # given damaged files, libraries raise whatever they like
        what = f"cannot be read ({type(error).__name__}: {' '.join(str(error).split())})"
        raise DataError.one(path, "", what, TODO) from error
