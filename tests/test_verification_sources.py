"""Verifying a build against the images it was cut from."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from run_cli import chipgen_here as program
from tampering import rich_build, rows

import chipgen

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Return a build whose image 2 was skipped; the images lie in set/images."""
    return rich_build(tmp_path, "parquet")


def faults(out: Path, sources: Path) -> list[str]:
    """Return the lines that verifying against the images gives."""
    return [str(fault) for fault in chipgen.verify(out, sources).faults]


TODO = "put the image back that the chips were cut from, or build them anew from the one that is there"


def test_images_that_changed_are_named(out: Path) -> None:
    images = out.parent / "set" / "images"
    whole = (images / "3.png").read_bytes()
    (images / "3.png").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    length = (images / "5.png").stat().st_size
    os.truncate(images / "5.png", length - 1)
    (images / "8.png").unlink()
    (images / "11.png").unlink()
    os.mkfifo(images / "11.png")
    told = {
        "5.png: image 5": f"has {length - 1:,} bytes, had {length:,} when chips were cut from it",
        "8.png: image 8": f"no such file in {images}",
        "11.png: image 11": "is a folder, pipe or device, not a file",
        "3.png: image 3": "has another content than when chips were cut from it",
    }
    assert faults(out, images) == [f"{images}/{where}: {what}: {TODO}" for where, what in told.items()]
    assert program("verify", str(out), "--sources", str(images)).expect(1).err.count("\n") == 4


def test_another_checksum_in_the_table_is_noticed_by_the_image_only(out: Path) -> None:
    with rows(out, "_sources.parquet") as values:
        values[1]["sha256"] = "0" * 64
    assert chipgen.verify(out).ok
    (found,) = faults(out, out.parent / "set" / "images")
    assert "3.png: image 3: has another content" in found


def test_skipped_image_is_not_looked_at(out: Path) -> None:
    (out.parent / "set" / "images" / "2.png").unlink()
    assert faults(out, out.parent / "set" / "images") == []


def test_images_are_found_near_the_annotation_file_whose_checksum_counts(out: Path) -> None:
    path = out.parent / "set" / "instances.json"
    assert faults(out, path) == []
    path.write_bytes(path.read_bytes() + b"\n")
    found = faults(out, path)
    assert len(found) == 1
    assert "is not the annotation file of this build, or has changed" in found[0]


def test_wrong_folder_is_one_line(out: Path) -> None:
    found = faults(out, out / "data")
    assert len(found) == 1
    assert "images: none of the 4 images is found from here: name the folder" in found[0]


def test_link_that_led_out_of_the_folder_is_followed(out: Path) -> None:
    images = out.parent / "set" / "images"
    (images / "3.png").rename(out.parent / "elsewhere.png")
    (images / "3.png").symlink_to(out.parent / "elsewhere.png")
    assert faults(out, images) == []


@pytest.mark.parametrize("name", ["nowhere", "pipe", "odd\0name"])
def test_sources_that_cannot_be_looked_at_are_refused(name: str, out: Path) -> None:
    os.mkfifo(out.parent / "pipe")
    with pytest.raises(chipgen.DataError, match="is neither a folder nor a file"):
        chipgen.verify(out, out.parent / name)
