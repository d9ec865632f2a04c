"""Section E: file names and what lies under them."""

from __future__ import annotations

import os
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import images

from zoo.entry import make_socket

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True)
class Name:
    """A file name in the dataset and what is really there.

    Parameters
    ----------
    row, name
        Row in the table of faults, and what it is.
    file_name
        As in the dataset; ``{root}`` is the absolute path of the image folder.
    reason
        Why the image is skipped; empty when it is used.
    make
        Puts something into the image folder.
    says
        Part of the message.
    """

    row: str
    name: str
    file_name: str
    reason: str = ""
    make: Callable[[Path], object] = lambda _: None
    says: str = ""

    def __str__(self) -> str:
        return f"{self.row}-{self.name}"


def _image(name: str) -> Callable[[Path], object]:
    """Return a function that writes a good image, and its folder."""

    def write(root: Path) -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(images.png())

    return write


def _outside(root: Path) -> None:
    """Write a good image beside the image folder."""
    _image("outside.png")(root.parent)


def _link(name: str, target: str) -> Callable[[Path], object]:
    """Return a function that makes a link."""
    return lambda root: (root / name).symlink_to(target)


def _linked_folder(root: Path) -> None:
    _image("beside/image.png")(root.parent)
    (root / "linked").symlink_to("../beside")


COMPOSED = unicodedata.normalize("NFC", "fenêtre.png")
DECOMPOSED = unicodedata.normalize("NFD", "fenêtre.png")
PERSIAN = "می\u200cخواهم.png"  # noqa: RUF001 -- meant as they are
LONGEST = "é" * 125 + "x.png"  # 255 bytes: what a file system allows

REFUSED = [
    Name("E44", "above_the_root", "../outside.png", "outside_root", _outside, "leaves the image root"),
    Name("E44", "far_above_the_root", "../" * 30 + "etc/passwd", "outside_root", says="leaves the image root"),
    Name("E44", "up_after_down", "a/../../outside.png", "outside_root", says="leaves the image root"),
    Name("E44", "the_root_itself", "a/..", "not_a_file"),
    Name("E45", "absolute", "/etc/passwd", "outside_root", says="leaves the image root"),
    Name("E45", "absolute_with_two_slashes", "//etc/passwd", "outside_root", says="leaves the image root"),
    Name("E46", "link_out", "out.png", "outside_root", _link("out.png", "../outside.png"), "--follow-symlinks"),
    Name("E46", "folder_link_out", "linked/image.png", "outside_root", _linked_folder, "--follow-symlinks"),
    Name("E46", "link_to_device", "zero.png", "outside_root", _link("zero.png", "/dev/zero")),
    Name("E46", "link_to_itself", "loop.png", "missing", _link("loop.png", "loop.png")),
    Name("E46", "link_to_nothing", "dangling.png", "missing", _link("dangling.png", "nothing.png")),
    Name("E47", "zero_byte", "a\0b.png", "bad_name"),
    Name("E47", "lone_surrogate", "a\ud800b.png", "bad_name"),
    Name("E47", "newline", "a\nb.png", "bad_name"),
    Name("E47", "escape_sequence", "\x1b[31mred.png", "bad_name"),
    Name("E47", "too_long", "é" * 126 + "x.png", "bad_name"),
    Name("E47", "too_deep", "a/" * 3000 + "b.png", "missing"),
    Name("E47", "empty", "", "bad_name"),
    Name("E47", "dot", ".", "bad_name"),
    Name("E47", "dots", "./..", "bad_name"),
    Name("E47", "folder_with_slash", "folder/", "not_a_file", lambda root: (root / "folder").mkdir()),
    Name("E47", "file_as_folder", "good1.png/x.png", "missing"),
    Name("E49", "backslashes", "sub\\image.png", "missing", _image("sub/image.png"), "write / instead of \\"),
    Name("E49", "windows_path", "C:\\data\\image.png", "missing", says="write / instead of \\"),
    Name("E49", "http", "http://example.org/image.png", "bad_name", says="download"),
    Name("E49", "file_url", "file:///etc/passwd", "bad_name", says="download"),
    Name("E51", "folder", "folder.png", "not_a_file", lambda root: (root / "folder.png").mkdir()),
    Name("E51", "pipe", "pipe.png", "not_a_file", lambda root: os.mkfifo(root / "pipe.png")),
    Name("E51", "socket", "socket.png", "unreadable", lambda root: make_socket(root, "socket.png")),
    Name("F52", "missing", "nowhere.png", "missing"),
]

USED = [
    Name("E44", "up_and_down_inside", "a/../inside.png", "", _image("inside.png")),
    Name("E45", "absolute_inside", "{root}/inside.png"),
    Name("E46", "link_inside", "link.png", "", _link("link.png", "inside.png")),
    Name("E47", "longest", LONGEST, "", _image(LONGEST)),
    Name("E47", "spaces", " a b .png", "", _image(" a b .png")),
    Name("E47", "leading_dash", "-rf.png", "", _image("-rf.png")),
    Name("E47", "colon", "a: b: c.png", "", _image("a: b: c.png")),
    Name("E48", "composed", COMPOSED, "", _image(COMPOSED)),
    Name("E48", "decomposed", DECOMPOSED, "", _image(DECOMPOSED)),
    Name("E48", "emoji", "👩‍🚀🏽.png", "", _image("👩‍🚀🏽.png")),
    Name("E48", "chinese", "图像/一.png", "", _image("图像/一.png")),
    Name("E48", "ideographic_space", "写真\u30001.png", "", _image("写真\u30001.png")),
    # macOS names its screenshots so:
    Name("E48", "narrow_space", "at 1.23.45\u202fPM.png", "", _image("at 1.23.45\u202fPM.png")),
    Name("E48", "persian_joiner", PERSIAN, "", _image(PERSIAN)),
    Name("E50", "capital", "SAME.png", "", _image("SAME.png")),
    Name("E50", "small", "same.png", "", _image("same.png")),
]
