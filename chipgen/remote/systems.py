"""The libraries that speak with object storage, through fsspec; what they raise becomes an OSError."""

from __future__ import annotations

import contextlib
import errno
import functools
import re
from typing import TYPE_CHECKING, Any

from chipgen.errors import ChipgenError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

EXTRAS = {
    "s3": "s3",
    "s3a": "s3",
    "gs": "gcs",
    "gcs": "gcs",
    "az": "azure",
    "abfs": "azure",
    "abfss": "azure",
    "http": "http",
    "https": "http",
    "memory": "http",
}
"""Which extra of chipgen brings the library of a protocol; ``memory`` is for tests within one process."""

QUERY = re.compile(r"\?[^\s\"'<>]*")
"""What follows ``?`` in a URL: it may hold signatures."""
LONGEST = 300


def system_of(protocol: str, told: str) -> Any:
    """Return the connection to a storage.

    Parameters
    ----------
    protocol
        Of the URL.
    told
        The URL, as it may be told.

    Raises
    ------
    UsageError
        chipgen knows no such protocol, or its library is not installed.
    """
    if protocol not in EXTRAS:
        raise UsageError.one(told, "", f"{protocol}:// is not known", "use a path, or s3://, gs://, az:// or https://")
    try:
        return _connected(protocol)
    except ImportError as error:
        todo = f"pip install 'chipgen[{EXTRAS[protocol]}]'"
        raise UsageError.one(told, "", f"{protocol}:// needs a library that is not installed", todo) from error


@functools.cache
def _connected(protocol: str) -> Any:
    """Connect; what lies there is asked for each time, for other programs write there too."""
    import fsspec  # noqa: PLC0415 -- an extra

    return fsspec.filesystem(protocol, use_listings_cache=False)


@contextlib.contextmanager
def calling(path: object) -> Iterator[None]:
    """Turn whatever a library of a storage raises into an OSError, without what may be a credential.

    Raises
    ------
    OSError
        With the path, and what was said.
    """
    try:
        yield
    except (ChipgenError, MemoryError):
        raise
    except OSError as error:
        raise OSError(error.errno or _number(error), _said(error), str(path)) from None
    except Exception as error:  # noqa: BLE001 -- each library has its own
        raise OSError(errno.EIO, _said(error), str(path)) from None


def _number(error: OSError) -> int:
    """Return the number of an error that has none."""
    kinds = {FileNotFoundError: errno.ENOENT, PermissionError: errno.EACCES, FileExistsError: errno.EEXIST}
    kinds |= {IsADirectoryError: errno.EISDIR, TimeoutError: errno.ETIMEDOUT}
    return next((number for kind, number in kinds.items() if isinstance(error, kind)), errno.EIO)


def _said(error: Exception) -> str:
    """Return what a library said, in one line, without queries of URLs."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return QUERY.sub("", " ".join(str(text).split()))[:LONGEST]
