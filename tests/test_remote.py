"""Paths in object storage: what they are called, what is there, and what may never be told."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import TYPE_CHECKING

import fsspec
import pytest

from chipgen.errors import UsageError
from chipgen.remote import RemotePath, is_url, path_of, place_of
from chipgen.remote.systems import calling

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def folder() -> Iterator[Path]:
    system = fsspec.filesystem("memory")
    system.pipe({"/bucket/coco/a.json": b"0123456789", "/bucket/coco/images/1.jpg": b"one", "/bucket/coc": b"other"})
    yield path_of("memory://bucket/coco")
    system.rm("/bucket", recursive=True)


def test_a_path_on_the_disk_stays_one() -> None:
    assert path_of("coco/a.json") == Path("coco/a.json")
    assert not is_url("C:/coco")


def test_names_are_as_of_a_path(folder: Path) -> None:
    path = folder / "images" / "1.jpg"
    assert str(path) == "memory://bucket/coco/images/1.jpg"
    assert (path.name, path.stem, path.suffix, path.parent.name) == ("1.jpg", "1", ".jpg", "images")
    assert path.relative_to(folder).as_posix() == "images/1.jpg"
    assert path.is_relative_to(folder)
    assert not path_of("memory://bucket/coc").is_relative_to(folder)
    assert pickle.loads(pickle.dumps(path)) == path  # noqa: S301 -- our own


def test_what_is_there(folder: Path) -> None:
    assert folder.is_dir()
    assert not folder.is_file()
    assert [path.name for path in folder.iterdir()] == ["a.json", "images"]
    assert isinstance(folder, RemotePath)
    assert list(folder.below()) == [("a.json", 10), ("images/1.jpg", 3)]
    assert list((folder / "none").below()) == []
    assert (folder / "a.json").stat().st_size == 10
    assert not (folder / "b.json").exists()


def test_parts_are_read_as_of_a_file(folder: Path) -> None:
    path = folder / "a.json"
    assert path.read_bytes() == b"0123456789"
    with path.open("rb") as file:
        file.seek(-3, 2)
        assert (file.tell(), file.read(), file.read()) == (7, b"789", b"")
        file.seek(1)
        assert file.read(2) == b"12"


@pytest.mark.parametrize("name", ["b.json", "images"])
def test_what_is_not_there_is_an_error_of_the_system(folder: Path, name: str) -> None:
    with pytest.raises(OSError, match=name) as caught:
        (folder / name).read_bytes()
    assert caught.value.errno
    assert caught.value.filename == f"memory://bucket/coco/{name}"


@pytest.mark.parametrize("url", ["s3://", "s3:///", "ftp://host/a", "s3://key:secret@bucket/a", "https://me@host/a"])
def test_a_url_that_is_none_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        path_of(url)
    assert "secret" not in str(caught.value)


def test_signatures_are_never_told() -> None:
    url = "https://host/a.json?X-Amz-Signature=secret"
    assert place_of(url) == "https://host/a.json"
    path = path_of(url)
    assert "secret" not in f"{path} {path!r} {path / 'b'}"
    with pytest.raises(OSError, match="cannot get") as caught, calling(path):
        raise RuntimeError(f"cannot get {url}\nat all")
    assert "secret" not in str(caught.value)


def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "gcsfs", None)
    with pytest.raises(UsageError, match=r"chipgen\[gcs\]"):
        path_of("gs://bucket/a")
