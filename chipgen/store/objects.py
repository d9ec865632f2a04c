"""What chipgen does to object storage, one small function each; `disk` calls them for paths that lie there.

An object appears whole or not at all, and is seen by everybody from then on: that is all they promise, and all that is
needed. Nothing can be renamed: an object gets its final name as a copy, made where it lies.
"""

from __future__ import annotations

import errno
import tempfile
from typing import TYPE_CHECKING, Any

from chipgen.remote.systems import calling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from chipgen.remote import RemotePath


class Upload:
    """A file that is written on this machine and sent as a whole: whatever interrupts us, no part of it ever appears.

    Parameters
    ----------
    path
        Its name in the storage.
    """

    def __init__(self, path: RemotePath) -> None:
        self._path = path
        self._file: Any = tempfile.NamedTemporaryFile(prefix="chipgen-")  # noqa: SIM115 -- closed by `close`

    @property
    def name(self) -> str:
        """Return the name in the storage."""
        return str(self._path)

    def __enter__(self) -> Upload:  # noqa: PYI034 -- Self is not in Python 3.10
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, data: Any) -> int:
        """Append bytes."""
        return int(self._file.write(data))

    def tell(self) -> int:
        """Return the number of bytes written."""
        return int(self._file.tell())

    def flush(self) -> None:
        """Hand buffered bytes to the system."""
        self._file.flush()

    @property
    def closed(self) -> bool:
        """Whether the file is closed."""
        return bool(self._file.closed)

    def close(self) -> None:
        """Forget what was written here."""
        self._file.close()

    def send(self) -> None:
        """Send what was written, and see that it arrived."""
        self._file.flush()
        with calling(self._path):
            self._path.system.put_file(self._file.name, self._path.whole)
        _refuse_other_length(self._path, self._file.tell())


def send(folder: Path, target: RemotePath, names: Sequence[str]) -> None:
    """Send some files of a folder of this machine, many at a time, and see that they arrived."""
    if not names:
        return
    with calling(target):
        target.system.put([str(folder / name) for name in names], [(target / name).whole for name in names])
    _refuse_other_lengths(target, {name: (folder / name).stat().st_size for name in names})


def put(path: RemotePath, data: bytes, *, new: bool = False) -> None:
    """Make an object of a few bytes, or put it in the place of one; never that if it is to be `new`.

    Raises
    ------
    FileExistsError
        A new one is there already.
    """
    with calling(path):
        path.system.pipe_file(path.whole, data, mode="create" if new else "overwrite")


def move(source: RemotePath, target: RemotePath) -> None:
    """Give an object, or all that lie below a name, another name: they are copied where they lie, then removed.

    A run that is killed meanwhile leaves both, never less than one.
    """
    lengths = dict(source.below())
    if not lengths:
        _copy([source], [target])
        _refuse_other_length(target, source.stat().st_size)
        _remove([source])
        return
    names = sorted(lengths)
    _copy([source / name for name in names], [target / name for name in names])
    _refuse_other_lengths(target, lengths)
    _remove([source / name for name in names])


def remove(path: RemotePath) -> None:
    """Remove an object; one that is gone already is fine."""
    _remove([path])


def remove_below(path: RemotePath) -> None:
    """Remove all objects below a name."""
    _remove([path / name for name, _ in path.below()])


def _copy(sources: Sequence[RemotePath], targets: Sequence[RemotePath]) -> None:
    """Copy some objects."""
    with calling(targets[0]):
        sources[0].system.copy([path.whole for path in sources], [path.whole for path in targets], on_error="raise")


def _remove(paths: Sequence[RemotePath]) -> None:
    """Remove some objects; those that are gone already are fine."""
    if not paths:
        return
    try:
        with calling(paths[0]):
            paths[0].system.rm([path.whole for path in paths])
    except FileNotFoundError:
        for path in paths if len(paths) > 1 else ():
            _remove([path])


def _refuse_other_lengths(folder: RemotePath, lengths: Mapping[str, int]) -> None:
    """Refuse to go on when some objects are not as long as what was sent."""
    there = dict(folder.below())
    for name, length in lengths.items():
        if there.get(name) != length:
            raise _incomplete(folder / name, there.get(name, 0), length)


def _refuse_other_length(path: RemotePath, length: int) -> None:
    """Refuse to go on when an object is not as long as what was sent."""
    there = path.stat().st_size
    if there != length:
        raise _incomplete(path, there, length)


def _incomplete(path: RemotePath, there: int, length: int) -> OSError:
    """Return the error of an object that is not as long as what was sent."""
    return OSError(errno.EIO, f"{there:,} bytes arrived of {length:,}", str(path))
