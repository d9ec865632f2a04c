"""The libraries that speak with object storage, through fsspec; what they raise becomes an OSError."""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import re
import time
from typing import TYPE_CHECKING, Any, TypeVar

from chipgen.errors import ChipgenError, StorageError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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

PAUSES = (0.1, 0.5)
"""Seconds after which a storage is asked again: libraries that know better have waited longer before."""
PATIENCE = 20
"""Seconds after which no other attempt is made: the library has made several then."""

ANSWERS = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM})
"""What a storage says of a name: nothing is there, or nobody may read it."""
LASTING = ANSWERS | {errno.EEXIST, errno.EINVAL}
"""What it will say again."""

STATUS = {
    401: errno.EIO,
    403: errno.EACCES,
    404: errno.ENOENT,
    410: errno.ENOENT,
    416: errno.EINVAL,
    429: errno.EIO,
    **dict.fromkeys((500, 502, 503, 504), errno.EIO),
}
"""What servers answer; 401 is about who asks, and says nothing of what lies there."""

STRANGERS = frozenset(
    {
        *("ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch", "TokenRefreshRequired"),
        *("RequestTimeTooSkewed", "RequestExpired", "UnrecognizedClientException"),
    }
)
"""Words by which S3 says that it does not know who asks."""

T = TypeVar("T")


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
    except Exception as error:  # noqa: BLE001 -- each library has its own
        number = _number(error)
        raise OSError(number, _said(error, number, path), str(path)) from None


def tried(path: object, call: Callable[[], T]) -> T:
    """Call a library of a storage, again where that may help; see `calling`.

    Raises
    ------
    OSError
        It did not help.
    """
    for pause in PAUSES:
        start = time.monotonic()
        try:
            with calling(path):
                return call()
        except OSError as error:
            if error.errno in LASTING or time.monotonic() - start > PATIENCE:
                raise
        time.sleep(pause)
    with calling(path):
        return call()


def refuse_silence(path: object, error: OSError) -> None:
    """Refuse to go on where a storage does not answer, or does not know us: that says nothing of what lies there.

    Raises
    ------
    StorageError
        Unless it answered that there is no such object, or that nobody may read it.
    """
    if error.errno not in ANSWERS:
        todo = "run the same command again once the storage answers, and knows who asks"
        raise StorageError.one(path, "reading", error.strerror or type(error).__name__, todo) from None


def _number(error: BaseException) -> int:
    """Return the number that the system would give an error."""
    for one in (error.__cause__, error):
        if one is not None and _code(one) in STRANGERS:
            return errno.EIO
        if one is not None and (said := _status(one)) in STATUS:
            return STATUS[said]
    cause = error.__cause__
    if isinstance(error, FileNotFoundError) and isinstance(cause, Exception) and not isinstance(cause, KeyError):
        return _number(cause)  # some libraries take whatever happens for a missing file
    kinds = {FileNotFoundError: errno.ENOENT, PermissionError: errno.EACCES, FileExistsError: errno.EEXIST}
    kinds |= {IsADirectoryError: errno.EISDIR, NotADirectoryError: errno.ENOTDIR, TimeoutError: errno.ETIMEDOUT}
    named = next((number for kind, number in kinds.items() if isinstance(error, kind)), errno.EIO)
    return (error.errno if isinstance(error, OSError) else None) or named


def _status(error: BaseException) -> int | None:
    """Return the status with which a server answered, where the library of a storage tells it."""
    for name in ("status", "status_code", "code"):
        told = getattr(error, name, None)
        if isinstance(told, int | str) and str(told).isdecimal():
            return int(told)
    response = getattr(error, "response", None)
    return response.get("ResponseMetadata", {}).get("HTTPStatusCode") if isinstance(response, dict) else None


def _code(error: BaseException | None) -> str:
    """Return the word by which S3 refused something."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def _said(error: Exception, number: int, path: object) -> str:
    """Return what a library said, in one line, without queries of URLs."""
    if isinstance(error, FileNotFoundError) and number not in ANSWERS and isinstance(error.__cause__, Exception):
        error = error.__cause__
    text = " ".join(str(getattr(error, "strerror", None) or str(error) or type(error).__name__).split())
    if number in ANSWERS and str(path).endswith(text.rpartition("://")[2]):  # the name only
        text = os.strerror(number)
    return QUERY.sub("", text)[:LONGEST]
