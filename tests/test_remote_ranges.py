"""Objects read from any place in them: the bytes are right, the requests few, and what fails is not passed over."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import fsspec
import numpy as np
import pytest
from rasters_made import Written, values_of

from chipgen.bands import Look
from chipgen.errors import StorageError, UnusableError
from chipgen.images import open_regular, rasters
from chipgen.remote import BLOCK, Ranges, RemotePath, path_of
from chipgen.remote import ranges as module

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WHOLE = 1 << 20
DATA = np.random.default_rng(1).bytes(40 * BLOCK + 123)


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[int, int]]]:
    """Return the parts that are asked for of memory://bucket/a, of which a little comes with the first."""
    monkeypatch.setattr(module, "WHOLE", WHOLE)
    system, found = fsspec.filesystem("memory"), []
    system.pipe({"/bucket/a": DATA, "/bucket/empty": b"", "/bucket/whole": DATA[:WHOLE]})
    original = RemotePath.read_range

    def read_range(path: RemotePath, start: int, stop: int) -> bytes:
        found.append((start, stop))
        return original(path, start, stop)

    monkeypatch.setattr(RemotePath, "read_range", read_range)
    yield found
    system.rm("/bucket", recursive=True)


def test_every_part_is_right() -> None:
    rng, ranges = np.random.default_rng(0), Ranges(_path())
    for start, length in zip(rng.integers(0, len(DATA), 60), rng.integers(0, 3 * BLOCK, 60), strict=True):
        assert ranges.read(int(start), int(start + length)) == DATA[start : start + length]


def test_what_was_asked_for_is_not_asked_for_again(asked: list[tuple[int, int]]) -> None:
    ranges = Ranges(_path())
    assert asked == [(0, WHOLE)]
    ranges.read(10, WHOLE)
    assert len(asked) == 1
    for _ in range(3):
        ranges.read(9 * BLOCK + 5, 11 * BLOCK)
    assert asked[1:] == [(9 * BLOCK, 11 * BLOCK)]
    ranges.read(8 * BLOCK + 5, 12 * BLOCK)  # a block before what is there, and one behind it
    assert len(asked) == 3


def test_from_front_to_back_few_requests_are_enough(asked: list[tuple[int, int]]) -> None:
    with _path().open("rb") as file:
        assert b"".join(iter(lambda: file.read(100_000), b"")) == DATA
        assert file.seek(-7, io.SEEK_END) == len(DATA) - 7
        assert file.read() == DATA[-7:]
    assert len(asked) < 9
    with _path().open("rb") as file:
        assert file.read() == DATA


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 4)
    ranges = Ranges(_path())
    for _ in range(2):
        for start in range(0, len(DATA), BLOCK // 2):
            assert ranges.read(start, start + BLOCK) == DATA[start : start + BLOCK]
        assert len(ranges._kept) == 4


@pytest.mark.parametrize(("name", "length"), [("empty", 0), ("whole", WHOLE)])
def test_lengths_at_the_edge(name: str, length: int) -> None:
    with path_of(f"memory://bucket/{name}").open("rb") as file:
        assert file.read() == DATA[:length]


def test_parts_that_lie_together_are_asked_for_together(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    original = RemotePath.read_ranges

    def read_ranges(path: RemotePath, spans: Any) -> list[bytes]:
        asked.extend(spans)
        return original(path, spans)

    monkeypatch.setattr(RemotePath, "read_ranges", read_ranges)
    far = 5 * BLOCK
    spans = [(10, 20), (15, 40), (100, 101), (far, far + 9)]
    assert Ranges(_path()).read_all(spans) == [DATA[start:stop] for start, stop in spans]
    assert asked == [(10, 101), (far, far + 9)]
    assert Ranges(_path()).read_all([]) == []


def test_a_part_that_does_not_come_ends_the_run_whatever_libraries_make_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def passing_over() -> None:
        with open_regular(_path()) as file:
            file.seek(20 * BLOCK)
            monkeypatch.setattr(RemotePath, "read_range", _silent)
            try:
                file.read(10)
            except OSError as error:
                raise UnusableError("corrupt", "is damaged") from error

    with pytest.raises(StorageError, match="memory://bucket/a: reading: no answer: run the same command again"):
        passing_over()


def test_an_object_that_has_become_shorter_is_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    ranges = Ranges(_path())
    monkeypatch.setattr(RemotePath, "read_range", lambda *_: b"short")
    with pytest.raises(OSError, match="gives 5 bytes"):
        ranges.read(20 * BLOCK, 21 * BLOCK)


@pytest.mark.parametrize("compression", ["deflate", None])
def test_a_raster_whose_storage_falls_silent_is_not_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compression: str | None
) -> None:
    monkeypatch.setattr(rasters.opening, "KEPT_PIXELS", 1)
    monkeypatch.setattr(rasters.opening, "WINDOWED", 1)
    values = values_of((1200, 1200, 3), "u1")
    segment = (256, 256) if compression else 1200
    path = Written(compression=compression, segment=segment).write(tmp_path / "a.tif", values)
    fsspec.filesystem("memory").pipe("/bucket/a.tif", path.read_bytes())
    with open_regular(path_of("memory://bucket/a.tif")) as file:
        found = rasters.open_raster(file, (1200, 1200), Look(), 1 << 30)
    assert found is not None
    box = (1000, 900, 1100, 1000)
    assert np.array_equal(found.pixels.region(box, 1).rgb[-50:, -50:], values[950:1000, 1050:1100])
    monkeypatch.setattr(RemotePath, "read_range", _silent)
    monkeypatch.setattr(RemotePath, "read_ranges", _silent)
    with pytest.raises(StorageError, match="no answer: run the same command again"):
        found.pixels.region((700, 400, 900, 800), 1)


def _path() -> Any:
    """Return the object."""
    return path_of("memory://bucket/a")


def _silent(*_: Any) -> Any:
    """Be a storage that does not answer."""
    raise OSError(5, "no answer", "memory://bucket/a")
