"""A path in object storage, with the part of the interface of `pathlib.Path` that chipgen uses."""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import io
import os
import posixpath
import re
import stat
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple
from urllib.parse import quote

from chipgen.errors import UsageError
from chipgen.remote.ranges import BLOCK, Ranges, RangesFile
from chipgen.remote.systems import system_of, tried

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PLAIN = "/~!$&'()*+,;=:@"
"""What is written in a URL as it is."""
URL = re.compile(r"([a-z][a-z0-9+.\-]+)://(.*)", re.IGNORECASE | re.DOTALL)
WEB = frozenset({"http", "https"})
"""Servers that know objects, but not which there are."""
VERSIONS = ("ETag", "etag", "LastModified", "last_modified", "mtime", "updated", "created", "md5Hash", "content_md5")
"""What libraries call that which is another for another content."""


_QUERIES: dict[tuple[str, str], str] = {}
"""What followed ``?`` in URLs that were given, for the folders around them, too: URLs that are told lack it."""


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
        path, _, query = rest.partition("?") if protocol in WEB else (rest, "", "")
        if "@" in path.partition("/")[0] and protocol not in {"abfs", "abfss"}:
            todo = "leave it out, and give it as the library expects it, in its environment or configuration"
            raise UsageError.one(f"{protocol}://...@{path.rpartition('@')[2]}", "", "holds a user or password", todo)
        if not path.strip("/"):
            raise UsageError.one(f"{protocol}://{path}", "", "names no bucket", "write protocol://bucket/path")
        key = PurePosixPath(path.strip("/"))
        if query:
            _QUERIES.update(((protocol, str(place)), query) for place in (key, *list(key.parents)[:2]) if place.name)
        known = (_QUERIES.get((protocol, str(place)), "") for place in (key, *key.parents))
        return cls(protocol, str(key), query or next(filter(None, known), ""))

    # -- what it is called -----------------------------------------------------------------------------------------

    @property
    def key(self) -> str:
        """Return what follows ``://``: the bucket, and the name in it."""
        return str(self._pure)

    @property
    def whole(self) -> str:
        """Return what the library of the storage wants."""
        if self.protocol in WEB:
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
        part = quote(str(name), safe=PLAIN) if self.protocol in WEB else str(name)
        return RemotePath(self.protocol, str(self._pure / part.lstrip("/")), self.query)

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

    @property
    def parents(self) -> list[RemotePath]:
        """Return all paths above, the nearest first, the bucket last."""
        return [RemotePath(self.protocol, str(above), self.query) for above in self._pure.parents if above.name]

    def with_name(self, name: str) -> RemotePath:
        """Return the path beside it with another name."""
        return RemotePath(self.protocol, str(self._pure.with_name(name)), self.query)

    def as_posix(self) -> str:
        """Return the URL."""
        return str(self)

    def absolute(self) -> RemotePath:
        """Return itself: a URL is whole."""
        return self

    def normal(self) -> RemotePath:
        """Return the path without ``.`` and ``..``."""
        return RemotePath(self.protocol, posixpath.normpath(f"/{self.key}").strip("/"), self.query)

    resolve = absolute

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
        return self._facts() is not None

    def is_file(self) -> bool:
        """Tell whether there is an object of this name."""
        return str((self._facts() or {}).get("type", "directory")) != "directory"

    def is_dir(self) -> bool:
        """Tell whether there are objects below this name; never on a web server, which has no folders."""
        return self.can_list and str((self._facts() or {}).get("type")) == "directory"

    def is_symlink(self) -> bool:
        """Tell that it is no link: there are none."""
        return False

    @property
    def can_list(self) -> bool:
        """Tell whether the storage says what lies below a name; a web server does not."""
        return self.protocol not in WEB

    def stat(self) -> Status:
        """Return what is known of the object.

        Raises
        ------
        OSError
            There is none, or the storage refuses.
        """
        return Status(self.state()[0])

    lstat = stat

    def _facts(self) -> dict[str, Any] | None:
        """Return what the storage knows of a name; None where there is nothing."""
        try:
            return {"type": "file", **tried(self, lambda: self.system.info(self.whole))}
        except (FileNotFoundError, NotADirectoryError):
            return None

    def state(self) -> tuple[int, str | None]:
        """Return the length of an object, and what is another for another content; None where nobody tells that.

        Raises
        ------
        OSError
            There is none, or the storage refuses.
        """
        facts = tried(self, lambda: self.system.info(self.whole))
        if facts.get("type") == "directory":
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(self))
        known = {key: str(facts[key]) for key in VERSIONS if facts.get(key)}
        length = int(facts.get("size") or 0)
        return length, f"{length} {known}" if known else None

    def iterdir(self) -> Iterator[RemotePath]:
        """Yield what lies directly below."""
        found = tried(self, lambda: self.system.ls(self.whole, detail=False))
        names = sorted(str(name).rstrip("/") for name in found)
        yield from (self / PurePosixPath(name).name for name in names if PurePosixPath(name).name != self.name)

    def glob(self, pattern: str) -> Iterator[RemotePath]:
        """Yield what lies directly below and has a name of a pattern; nothing where nothing lies there."""
        with contextlib.suppress(FileNotFoundError):
            yield from (path for path in self.iterdir() if fnmatch.fnmatchcase(path.name, pattern))

    def below(self) -> Iterator[tuple[str, int]]:
        """Yield the names, from here, and lengths of all objects below, however deep; nothing where there are none."""
        try:
            found = tried(self, lambda: self.system.find(self.whole, detail=True))
        except FileNotFoundError:
            return
        start = len(str(self.system._strip_protocol(self.whole)).rstrip("/")) + 1  # noqa: SLF001 -- there is no other way
        for name in sorted(found):
            if len(name) > start:
                yield name[start:], int(found[name].get("size") or 0)

    # -- what it holds ---------------------------------------------------------------------------------------------

    def read_bytes(self) -> bytes:
        """Return the whole object, in one request."""
        return bytes(tried(self, lambda: self.system.cat_file(self.whole)))

    def read_text(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return the whole object as text."""
        return self.read_bytes().decode(encoding, errors)

    def read_range(self, start: int, stop: int) -> bytes:
        """Return some bytes of the object."""
        return bytes(tried(self, lambda: self.system.cat_file(self.whole, start=start, end=stop)))

    def copy_to(self, place: Path) -> None:
        """Write the whole object to a file, in one request, some of it in memory at a time."""
        tried(self, lambda: self.system.get_file(self.whole, str(place)))

    def read_ranges(self, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return several parts of the object, asked for at the same time."""
        starts, stops = [start for start, _ in spans], [stop for _, stop in spans]
        paths = [self.whole] * len(spans)
        found = tried(self, lambda: self.system.cat_ranges(paths, starts, stops, on_error="raise"))
        if list(map(len, found)) != [stop - start for start, stop in spans]:
            raise OSError(errno.EIO, "gives other parts than were asked for", str(self))
        return list(map(bytes, found))

    def open(self, mode: str = "rb") -> BinaryIO:
        """Open the object for reading; parts are asked for as they are needed.

        Raises
        ------
        OSError
            There is none, or the storage refuses.
        """
        if mode != "rb":
            raise ValueError(mode)
        return io.BufferedReader(RangesFile(Ranges(self)), BLOCK)

    @property
    def system(self) -> Any:
        """Return the library's connection to the storage."""
        return system_of(self.protocol, str(self))
