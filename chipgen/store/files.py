"""Files on their way to a final name: written under a temporary one, flushed to disk, checksummed on the way."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import weakref
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO

from chipgen.errors import OutputError, StorageError
from chipgen.remote import is_remote
from chipgen.store import disk
from chipgen.store.scratch import remove_scratch, scratch_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

AGAIN = "run the same command again"
WAYS_OUT = {
    errno.ENOSPC: f"free some space, then {AGAIN}",
    errno.EDQUOT: f"free some space, then {AGAIN}",
    errno.EFBIG: f"raise the limit of file sizes (ulimit -f), then {AGAIN}",
    errno.EMFILE: f"raise the limit of open files (ulimit -n), then {AGAIN}",
    errno.ENFILE: f"close other programs, then {AGAIN}",
    errno.EACCES: f"make it writable, then {AGAIN}",
    errno.EPERM: f"make it writable, then {AGAIN}",
    errno.EROFS: "choose an --out on a disk that can be written",
    errno.ENAMETOOLONG: "choose a shorter --out",
    errno.ENOENT: f"see who removed it, then {AGAIN}",
    errno.ENOTDIR: "choose another --out",
}
"""What a user can do about the commonest refusals of a disk."""


@dataclass(frozen=True, slots=True)
class Written:
    """One finished file.

    Parameters
    ----------
    path
        Relative to the output folder, with ``/``.
    bytes, sha256
        Its length and checksum.
    """

    path: str
    bytes: int
    sha256: str


class HashingFile:
    """A binary file, written from front to back, that knows its length and checksum."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._length = 0
        self._abandoned = False

    def write(self, data: Any) -> int:
        """Append bytes."""
        view = memoryview(data).cast("B")
        if self._abandoned:
            return view.nbytes
        disk.write(self._file, view)
        self._digest.update(view)
        self._length += view.nbytes
        return view.nbytes

    def tell(self) -> int:
        """Return the number of bytes written."""
        return self._length

    def flush(self) -> None:
        """Hand buffered bytes to the system."""
        if not self._abandoned:
            disk.flush(self._file)

    @property
    def closed(self) -> bool:
        """Whether the file is closed."""
        return self._file.closed

    def close(self) -> None:
        """Do nothing: the file is closed, and flushed to disk, by whoever opened it."""

    @contextlib.contextmanager
    def settled(self) -> Iterator[HashingFile]:
        """Bring everything to the disk itself when the block ends without an error.

        After an error whatever is still written goes nowhere: a writer of Arrow that was given up finishes its file
        when it is collected, at any later time.
        """
        try:
            yield self
            disk.flush(self._file)
            disk.sync(self._file)
        except BaseException:
            self._abandoned = True
            raise

    def written(self, path: str) -> Written:
        """Return the record of the file."""
        return Written(path, self._length, self._digest.hexdigest())


@dataclass
class Staging:
    """Where files are written before they are published; each shard has its own.

    Those of a folder in object storage lie on this machine until they are settled, and are sent together then.

    Parameters
    ----------
    folder
        The staging folder; made when first needed, below a folder that must exist: when somebody removes the output
        folder, nothing brings it back.
    written
        The files finished so far.
    """

    folder: Path
    written: list[Written] = field(default_factory=list)
    _made: set[Path] = field(default_factory=set)
    _scratch: Path | None = None

    @contextlib.contextmanager
    def create(self, path: str) -> Iterator[HashingFile]:
        """Open a new file; when the block ends without an error it is on disk and recorded."""
        with guarded(self.folder / path):
            self._make_folders(path)
            target = self._place / path
            with disk.create(target) as raw:
                file = HashingFile(raw)
                with file.settled():
                    yield file
        self.written.append(file.written(path))

    def _make_folders(self, path: str) -> None:
        """Make the folders a file lies in."""
        if is_remote(self.folder) and self._scratch is None:
            self._scratch = scratch_folder()
            weakref.finalize(self, remove_scratch, self._scratch)
        parents = [self._place / parent for parent in PurePosixPath(path).parents]
        for folder in reversed(parents):
            if folder not in self._made:
                disk.make_folder(folder)
                self._made.add(folder)

    @property
    def _place(self) -> Path:
        """Return where files are until they are settled."""
        return self._scratch or self.folder

    def write(self, path: str, data: bytes) -> None:
        """Write a whole file."""
        with self.create(path) as file:
            file.write(data)

    def write_all(self, path: str, pieces: Iterable[bytes]) -> None:
        """Write a file in pieces."""
        with self.create(path) as file:
            for piece in pieces:
                file.write(piece)

    def settle(self) -> None:
        """Bring the names of all files to the disk itself, or the files to the storage."""
        with guarded(self.folder):
            if self._scratch is None:
                for folder in sorted(self._made):
                    disk.sync_folder(folder)
                return
            new = [file.path for file in self.written if (self._scratch / file.path).exists()]
            disk.send(self._scratch, self.folder, new)
            remove_scratch(self._scratch)
            self._scratch = None
            self._made.clear()


@contextlib.contextmanager
def noting(path: Path) -> Iterator[Callable[[str], None]]:
    """Give a function that writes what is being done, for whoever looks after an accident; the last word counts.

    The note goes when the block ends without an error. Where it cannot be written there is none.
    """
    with contextlib.ExitStack() as stack:
        file: BinaryIO | None = None
        with contextlib.suppress(OSError):
            file = None if is_remote(path) else stack.enter_context(disk.create(path))

        def jot(text: str) -> None:
            with contextlib.suppress(OSError):
                if file is not None:
                    disk.rewrite(file, text.encode("utf-8", "backslashreplace"))

        yield jot
        with contextlib.suppress(OSError):
            disk.remove(path)


@contextlib.contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Turn what a disk refuses into one line.

    Raises
    ------
    StorageError
        For any OSError that is not ours already.
    """
    try:
        yield
    except (StorageError, OutputError):
        raise
    except OSError as error:
        what = f"{error.strerror or error} (errno {error.errno})"
        todo = WAYS_OUT.get(error.errno or 0, f"mend that, then {AGAIN}")
        raise StorageError.one(error.filename or path, "writing", what, todo) from error
