"""A path in object storage, with the part of the interface of `pathlib.Path` that chipgen uses."""

from __future__ import annotations

import contextlib
import fnmatch
import io
import os
import re
import stat
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, TypeGuard, cast

from chipgen.errors import UsageError
from chipgen.remote.systems import calling, system_of

if TYPE_CHECKING:
    from collections.abc import Iterator

URL = re.compile(r"([a-z][a-z0-9+.\-]+)://(.*)", re.IGNORECASE | re.DOTALL)
BLOCK = 1 << 20
"""Bytes asked for at once where a file is read in parts."""


class Status(NamedTuple):
    """What is known of an object.

    Parameters
    ----------
    st_size
        Its length.
    st_mode
        That it is a regular file.
    """

    st_size: int
    st_mode: int = stat.S_IFREG


class RemotePath:
    """A path in object storage, or on a web server.

    Whatever goes wrong there is an OSError, as on a disk. There are no folders: what lies "below" a path has a name
    that begins with it.

    Parameters
    ----------
    protocol
        Such as ``s3``.
    key
        What follows ``://``, without a slash at its end: ``bucket/folder/name``.
    query
        What follows ``?`` in the URL of a web server. It may be a credential, and is never told.
    """

    __slots__ = ("_pure", "protocol", "query")

    def __init__(self, protocol: str, key: str, query: str = "") -> None:
        self.protocol, self.query = protocol, query
        self._pure = PurePosixPath(key)

    @classmethod
    def of(cls, url: str) -> RemotePath:
        """Return the path of a URL.

        Raises
        ------
        UsageError
            It names nothing, or holds a password.
        """
        match = URL.fullmatch(url)
        assert match is not None
        protocol, rest = match[1].lower(), match[2]
        path, _, query = rest.partition("?") if protocol in {"http", "https"} else (rest, "", "")
        if "@" in path.partition("/")[0] and protocol not in {"abfs", "abfss"}:
            todo = "leave it out, and give it as the library expects it, in its environment or configuration"
            raise UsageError.one(f"{protocol}://...@{path.rpartition('@')[2]}", "", "holds a user or password", todo)
        if not path.strip("/"):
            raise UsageError.one(f"{protocol}://{path}", "", "names no bucket", "write protocol://bucket/path")
        return cls(protocol, path.strip("/"), query)

    # -- what it is called -----------------------------------------------------------------------------------------

    @property
    def key(self) -> str:
        """Return what follows ``://``: the bucket, and the name in it."""
        return str(self._pure)

    @property
    def whole(self) -> str:
        """Return what the library of the storage wants."""
        if self.protocol in {"http", "https"}:
            return f"{self.protocol}://{self.key}" + (f"?{self.query}" if self.query else "")
        return f"/{self.key}" if self.protocol == "memory" else self.key

    def __str__(self) -> str:
        return f"{self.protocol}://{self.key}"

    def __repr__(self) -> str:
        return f"RemotePath({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RemotePath) and self.__reduce__() == other.__reduce__()

    def __hash__(self) -> int:
        return hash((self.protocol, self.key))

    def __lt__(self, other: RemotePath) -> bool:
        return str(self) < str(other)

    def __reduce__(self) -> tuple[type[RemotePath], tuple[str, str, str]]:
        return RemotePath, (self.protocol, self.key, self.query)

    def __truediv__(self, name: object) -> RemotePath:
        return RemotePath(self.protocol, str(self._pure / str(name)), self.query)

    @property
    def name(self) -> str:
        """Return the last part."""
        return self._pure.name

    @property
    def stem(self) -> str:
        """Return the last part without its suffix."""
        return self._pure.stem

    @property
    def suffix(self) -> str:
        """Return the suffix of the last part."""
        return self._pure.suffix

    @property
    def parent(self) -> RemotePath:
        """Return the path above; that of a bucket is itself."""
        parent = self._pure.parent
        return self if not parent.name else RemotePath(self.protocol, str(parent), self.query)

    def with_name(self, name: str) -> RemotePath:
        """Return the path beside it with another name."""
        return RemotePath(self.protocol, str(self._pure.with_name(name)), self.query)

    def as_posix(self) -> str:
        """Return the URL."""
        return str(self)

    def absolute(self) -> RemotePath:
        """Return itself: a URL is whole."""
        return self

    def is_relative_to(self, other: object) -> bool:
        """Tell whether it lies below another, or is it."""
        return (
            isinstance(other, RemotePath)
            and other.protocol == self.protocol
            and self._pure.is_relative_to(PurePosixPath(other.key))
        )

    def relative_to(self, other: RemotePath) -> PurePosixPath:
        """Return its name below another."""
        return self._pure.relative_to(PurePosixPath(other.key))

    # -- what is there ---------------------------------------------------------------------------------------------

    def exists(self) -> bool:
        """Tell whether there is an object of this name, or any below it."""
        with calling(self):
            return bool(self.system.exists(self.whole))

    def is_file(self) -> bool:
        """Tell whether there is an object of this name."""
        with calling(self):
            return bool(self.system.isfile(self.whole))

    def is_dir(self) -> bool:
        """Tell whether there are objects below this name."""
        with calling(self):
            return bool(self.system.isdir(self.whole))

    def stat(self) -> Status:
        """Return what is known of the object.

        Raises
        ------
        OSError
            There is none, or the storage refuses.
        """
        with calling(self):
            facts = self.system.info(self.whole)
        if facts.get("type") == "directory":
            raise IsADirectoryError(21, os.strerror(21), str(self))
        return Status(int(facts.get("size") or 0))

    lstat = stat

    def iterdir(self) -> Iterator[RemotePath]:
        """Yield what lies directly below."""
        with calling(self):
            names = sorted(str(name).rstrip("/") for name in self.system.ls(self.whole, detail=False))
        yield from (self / PurePosixPath(name).name for name in names if PurePosixPath(name).name != self.name)

    def glob(self, pattern: str) -> Iterator[RemotePath]:
        """Yield what lies directly below and has a name of a pattern; nothing where nothing lies there."""
        with contextlib.suppress(FileNotFoundError):
            yield from (path for path in self.iterdir() if fnmatch.fnmatchcase(path.name, pattern))

    def is_symlink(self) -> bool:
        """Tell that it is no link: there are none."""
        return False

    def below(self) -> Iterator[tuple[str, int]]:
        """Yield the names, from here, and lengths of all objects below, however deep; nothing where there are none."""
        with calling(self):
            try:
                found = self.system.find(self.whole, detail=True)
            except FileNotFoundError:
                return
        start = len(str(self.system._strip_protocol(self.whole)).rstrip("/")) + 1  # noqa: SLF001 -- there is no other way
        for name in sorted(found):
            if len(name) > start:
                yield name[start:], int(found[name].get("size") or 0)

    # -- what it holds ---------------------------------------------------------------------------------------------

    def read_bytes(self) -> bytes:
        """Return the whole object, in one request."""
        with calling(self):
            return bytes(self.system.cat_file(self.whole))

    def read_text(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return the whole object as text."""
        return self.read_bytes().decode(encoding, errors)

    def read_range(self, start: int, stop: int) -> bytes:
        """Return some bytes of the object."""
        with calling(self):
            return bytes(self.system.cat_file(self.whole, start=start, end=stop))

    def open(self, mode: str = "rb") -> BinaryIO:
        """Open the object for reading; parts are asked for as they are needed.

        Raises
        ------
        OSError
            There is none, or the storage refuses.
        """
        if mode != "rb":
            raise ValueError(mode)
        return cast("BinaryIO", io.BufferedReader(_Ranges(self, self.stat().st_size), BLOCK))

    @property
    def system(self) -> Any:
        """Return the library's connection to the storage."""
        return system_of(self.protocol, str(self))


class _Ranges(io.RawIOBase):
    """An object that is read by ranges of bytes."""

    def __init__(self, path: RemotePath, length: int) -> None:
        self._path, self._length, self._at = path, length, 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be read from anywhere."""
        return True

    def tell(self) -> int:
        """Return the place that is read next."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._length}[whence])
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer with what stands next."""
        stop = min(self._at + len(buffer), self._length)
        data = self._path.read_range(self._at, stop) if self._at < stop else b""
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def is_url(text: object) -> bool:
    """Tell whether a text is a URL rather than a path on the disk."""
    return isinstance(text, str) and URL.fullmatch(text) is not None


def is_remote(path: object) -> TypeGuard[RemotePath]:
    """Tell whether a path lies in object storage or on a web server."""
    return isinstance(path, RemotePath)


def path_of(path: str | os.PathLike[str] | RemotePath) -> Path:
    """Return a path from what a user gave: on the disk, or, of a URL, what can be read like one.

    Raises
    ------
    UsageError
        A URL names nothing, holds a password, or of a kind for which a library is missing.
    """
    if isinstance(path, RemotePath):
        return cast("Path", path)
    text = os.fspath(path)
    if is_url(text):
        remote = RemotePath.of(text)
        system_of(remote.protocol, str(remote))
        return cast("Path", remote)
    return Path(text)


def place_of(text: str) -> str:
    """Return a path or URL as it may be told: without what may be a credential."""
    return str(path_of(text)) if is_url(text) else text
