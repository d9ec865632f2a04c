"""The pictures that chips were cut from, small enough for a page; or why they are not shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chipgen.built import reading
from chipgen.chips import Crop
from chipgen.errors import DataError, UnusableError
from chipgen.export_config import MAX_PIXELS, ExportConfig
from chipgen.images import engine_of, locate, open_picture, reduction_for
from chipgen.remote import is_folder
from chipgen.store import MANIFEST
from chipgen.verification.tables import read_sources
from chipgen.writers.tables import SOURCES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from chipgen.built import Built
    from chipgen.rows import SourceRow

LONGEST, QUALITY = 1000, 75
"""Longer side of a source picture in the page, px, and the quality of its JPEG."""

CHANGED = "changed"
"""Why a picture is not shown that is another one now than when its chips were cut."""


@dataclass
class Sources:
    """The source pictures of a build.

    Parameters
    ----------
    root
        Their folder.
    config
        How they are read: as they were for the build.
    checksums
        Of each image by its id.
    left_out
        Pictures that cannot be shown, by reason; filled along the way.
    """

    root: Path
    config: ExportConfig
    checksums: Mapping[int, str | None]
    left_out: dict[str, int] = field(default_factory=dict)

    def picture(self, source: SourceRow) -> tuple[bytes | None, str]:
        """Return a small JPEG of an image, or None and why there is none."""
        size = (source.width, source.height)
        zoom = min(1.0, LONGEST / max(size))
        content = max(1, round(size[0] * zoom)), max(1, round(size[1] * zoom))
        crop = Crop((content[0] / size[0], content[1] / size[1]), (0, 0), content, content)
        try:
            path = locate(self.root, source.file_name, follow_symlinks=self.config.follow_symlinks)
            picture = open_picture(path, size, self.config, reduction_for(zoom, self.config.resample))
            if picture.file.sha256 != self.checksums.get(source.image_id):  # boxes would lie beside their objects
                return self._without(CHANGED, "the file is another one now than when its chips were cut")
            engine = engine_of(self.config.imaging)
            return engine.encode(engine.cut(picture.pixels, crop, self.config), self.config), ""
        except UnusableError as error:
            return self._without(error.reason, error.message)

    def _without(self, reason: str, message: str) -> tuple[None, str]:
        """Leave a picture out."""
        self.left_out[reason] = self.left_out.get(reason, 0) + 1
        return None, message


def open_sources(built: Built, root: Path, manifest: Mapping[str, Any]) -> Sources:
    """Make ready to read source pictures as they were read for the build.

    Raises
    ------
    DataError
        There is no such folder, or the build does not tell how it was made.
    """
    if not is_folder(root):
        raise DataError.one(root, "", "is not a folder", "name the folder of the images with --images")
    with reading(built.out / SOURCES):
        table = read_sources(built.out / SOURCES)
    with reading(built.out / MANIFEST):
        made = manifest["configuration"]
        config = ExportConfig(
            imaging="pillow",
            quality=QUALITY,
            bands=made.get("bands"),
            stretch=made.get("stretch"),
            max_pixels=made.get("max_pixels", MAX_PIXELS),
            follow_symlinks=made.get("follow_symlinks", False) is True,
        )
    return Sources(root, config, dict(zip(table.image_id.tolist(), table.checksum, strict=True)))
