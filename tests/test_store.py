"""The output folder: what may be touched, what is left after a failure."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from chipgen.errors import OutputError, StorageError
from chipgen.store import MANIFEST, Output, Staging

if TYPE_CHECKING:
    from pathlib import Path


def publish(out: Path, files: dict[str, bytes], *, overwrite: bool = False) -> None:
    """Write some files as a build would."""
    with Output(out, overwrite=overwrite) as output:
        staging = output.staging()
        for path, data in files.items():
            staging.write(path, data)
        output.publish(staging.written, {"counts": len(files)})


def tree(out: Path) -> dict[str, bytes]:
    """Return all files below a folder."""
    return {p.relative_to(out).as_posix(): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


def test_published_files_are_listed_with_length_and_checksum(tmp_path: Path) -> None:
    publish(tmp_path / "out", {"b/c.bin": b"xyz", "a.txt": b""})
    manifest = json.loads((tmp_path / "out" / MANIFEST).read_bytes())
    assert manifest["files"] == [
        {"path": "a.txt", "bytes": 0, "sha256": hashlib.sha256(b"").hexdigest()},
        {"path": "b/c.bin", "bytes": 3, "sha256": hashlib.sha256(b"xyz").hexdigest()},
    ]
    assert set(tree(tmp_path / "out")) == {"a.txt", "b/c.bin", MANIFEST}


def test_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    with pytest.raises(RuntimeError), Output(out, overwrite=False) as output:
        output.staging().write("a.txt", b"a")
        raise RuntimeError
    assert not out.parent.exists()


def test_failure_leaves_an_existing_empty_folder_empty(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), Output(tmp_path, overwrite=False) as output:
        output.staging().write("a.txt", b"a")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("overwrite", [False, True])
def test_foreign_files_are_never_touched(tmp_path: Path, overwrite: bool) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError) as refused:
        publish(tmp_path, {"a.txt": b"a"}, overwrite=overwrite)
    assert refused.value.exit_code == 4
    assert tree(tmp_path) == {"mine.txt": b"mine"}


def test_finished_build_is_not_replaced_unless_asked(tmp_path: Path) -> None:
    out = tmp_path / "out"
    publish(out, {"data/old.bin": b"old"})
    before = tree(out)
    with pytest.raises(OutputError, match="not empty"):
        publish(out, {"data/new.bin": b"new"})
    assert tree(out) == before
    publish(out, {"shards/new.bin": b"new"}, overwrite=True)
    assert set(tree(out)) == {"shards/new.bin", MANIFEST}
    assert not (out / "data").exists()


def test_overwrite_refuses_where_something_else_lies_among_it(tmp_path: Path) -> None:
    out = tmp_path / "out"
    publish(out, {"data/old.bin": b"old"})
    (out / "data" / "notes.txt").write_text("mine", encoding="utf-8")
    before = tree(out)
    with pytest.raises(OutputError, match=r"notes\.txt"):
        publish(out, {"a": b"a"}, overwrite=True)
    assert tree(out) == before


def test_overwrite_that_fails_keeps_the_old_build(tmp_path: Path) -> None:
    out = tmp_path / "out"
    publish(out, {"data/old.bin": b"old"})
    before = tree(out)
    with pytest.raises(RuntimeError), Output(out, overwrite=True) as output:
        output.staging().write("a.txt", b"a")
        raise RuntimeError
    assert tree(out) == before


def test_manifest_cannot_name_files_outside(tmp_path: Path) -> None:
    out, precious = tmp_path / "out", tmp_path / "precious.txt"
    precious.write_text("keep", encoding="utf-8")
    publish(out, {"a.txt": b"a"})
    manifest = json.loads((out / MANIFEST).read_bytes())
    manifest["files"] += [{"path": "../precious.txt"}, {"path": str(precious)}]
    (out / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    publish(out, {"b.txt": b"b"}, overwrite=True)
    assert precious.read_text(encoding="utf-8") == "keep"
    assert set(tree(out)) == {"b.txt", MANIFEST}


def test_leftover_of_an_interrupted_build_is_refused_and_may_be_overwritten(tmp_path: Path) -> None:
    (tmp_path / "out" / ".tmp").mkdir(parents=True)
    (tmp_path / "out" / ".tmp" / "half").write_bytes(b"h")
    with pytest.raises(OutputError):
        publish(tmp_path / "out", {"a": b"a"})
    publish(tmp_path / "out", {"a": b"a"}, overwrite=True)
    assert set(tree(tmp_path / "out")) == {"a", MANIFEST}


def test_output_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="no folder"):
        publish(tmp_path / "out", {})


def test_parents_are_not_made_beyond_one_level(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="parent"):
        publish(tmp_path / "a" / "b" / "out", {})
    publish(tmp_path / "a" / "out", {})


def test_what_the_disk_refuses_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StorageError, match=r"errno \d+"):
        Staging(tmp_path / "file").write("a.txt", b"a")
    with pytest.raises(StorageError, match="File exists"):
        for _ in range(2):
            Staging(tmp_path).write("a.txt", b"a")
