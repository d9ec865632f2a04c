"""Datasets as plain values, and a way to read them as the program would."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from two_ways import assert_same

from chipgen import read_coco

if TYPE_CHECKING:
    from chipgen import Dataset


@dataclass
class Coco:
    """The content of a COCO file."""

    images: list[dict[str, Any]] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)
    categories: list[dict[str, Any]] = field(
        default_factory=lambda: [{"id": 7, "name": "car"}, {"id": 1, "name": "boat"}]
    )

    def image(self, width: int, height: int, identifier: int | None = None) -> int:
        """Add an image and return its id."""
        identifier = len(self.images) + 1 if identifier is None else identifier
        entry = {"id": identifier, "file_name": f"{identifier}.png", "width": width, "height": height}
        self.images.append(entry)
        return identifier

    def box(self, image_id: int, bbox: Any, **fields: Any) -> int:
        """Add an annotation and return its id."""
        identifier = int(fields.pop("id", len(self.annotations) + 1))
        entry = {"id": identifier, "image_id": image_id, "category_id": 7, "bbox": bbox, "iscrowd": 0, **fields}
        self.annotations.append(entry)
        return identifier

    def text(self) -> str:
        """Return the file."""
        return json.dumps(vars(self))

    def read(self, on_error: str = "skip") -> Dataset:
        """Read it back, in both ways."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "instances.json"
            path.write_text(self.text(), encoding="utf-8")
            assert_same(path, 4096, on_error=on_error)
            return read_coco(path, on_error=on_error)
