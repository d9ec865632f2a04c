"""What the checker compares: a source, a finished build, and what was asked for; neutral of any file format."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

XYXY = tuple[float, float, float, float]


@dataclass(frozen=True)
class Negatives:
    """What was asked for beside positive chips.

    `mode` is none, proposals or random; `proposals` a COCO results file; `per_image` None for all; `ratio` negatives to
    one positive, None for no such budget; `min_proposals` one for all levels or one for each, None where not known.
    Proposals with `object_iou` with an annotation or `crowd_share` of their area in a crowd region do not qualify.
    """

    mode: str = "none"
    proposals: Path | None = None
    per_image: int | None = None
    ratio: float | None = None
    min_proposals: tuple[int, ...] | None = None
    max_ignored_area: float = 0.5
    min_score: float | None = None
    max_proposals: int | None = None
    object_iou: float = 0.3
    crowd_share: float = 0.5

    def needed(self, level: int) -> int | None:
        """Return how many proposals a negative chip of a level needs; None where not known."""
        if self.min_proposals is None:
            return None
        return self.min_proposals[level if len(self.min_proposals) > 1 else 0]


@dataclass(frozen=True)
class Settings:
    """What the build was asked for; `ranges` None where chipgen chose them for each image."""

    scales: tuple[str, ...]
    ranges: tuple[str, ...] | None
    chip_size: int = 512
    stride: int = 32
    min_box: float = 2.0
    min_visibility: float = 0.5
    assign: str = "all"
    ignored: str = "crowd"
    fill: tuple[int, int, int] = (124, 116, 104)
    pad: bool = True
    lossless: bool = False
    negatives: Negatives = Negatives()


@dataclass(frozen=True)
class Picture:
    """A source image."""

    id: int
    file_name: str
    width: int
    height: int


@dataclass(frozen=True)
class Annotation:
    """A source annotation; its box clipped to its image, None where nothing of it is left."""

    id: int
    image_id: int
    category_id: int
    box_img: XYXY | None
    crowd: bool
    raw: dict[str, Any]


@dataclass(frozen=True)
class Proposal:
    """A line of a proposal file; its box as it came, xywh in image px."""

    number: int
    image_id: int
    bbox: tuple[float, ...]
    score: float


@dataclass(frozen=True)
class Source:
    """A COCO file and its images; annotations by (image id, annotation id)."""

    path: Path
    root: Path
    pictures: dict[int, Picture]
    annotations: tuple[Annotation, ...]
    categories: list[dict[str, Any]]

    def of_image(self, image_id: int) -> list[Annotation]:
        """Return the annotations of an image."""
        return [annotation for annotation in self.annotations if annotation.image_id == image_id]


@dataclass
class Box:
    """A box in a chip; `extra` holds all fields that chipgen does not make itself."""

    id: int
    bbox: list[float]
    category: int | None
    category_id: int
    area: float
    iscrowd: bool
    valid: bool
    reason: str
    visibility: float
    source_id: int
    segmentation: Any
    keypoints: list[float] | None
    num_keypoints: int | None
    extra: dict[str, Any]

    @property
    def xyxy(self) -> XYXY:
        """Return the corners, chip px."""
        x, y, width, height = self.bbox
        return x, y, x + width, y + height


@dataclass
class Chip:
    """A chip and its boxes."""

    id: int
    encoded: bytes
    width: int
    height: int
    kind: str
    level: int
    source: Picture
    x0: float
    y0: float
    factor_x: float
    factor_y: float
    content_width: int
    content_height: int
    lo: float
    hi: float | None
    boxes: list[Box] = field(default_factory=list)

    def __str__(self) -> str:
        return f"chip {self.id} (image {self.source.id}, level {self.level})"

    @property
    def origin(self) -> tuple[int, int]:
        """Return the top left corner, whole scaled px."""
        return round(self.x0 * self.factor_x), round(self.y0 * self.factor_y)

    def pixels(self) -> NDArray[np.uint8]:
        """Decode the chip."""
        with Image.open(io.BytesIO(self.encoded)) as image:
            assert image.mode == "RGB", f"{self}: mode {image.mode}"
            return np.array(image)


@dataclass
class Build:
    """A finished output folder; `plan`, `ledger` and `skipped` as rows of plain values."""

    folder: Path
    form: str
    chips: list[Chip]
    categories: list[dict[str, Any]]
    class_names: list[str]
    manifest: dict[str, Any]
    plan: list[dict[str, Any]]
    ledger: list[dict[str, Any]]
    skipped: list[dict[str, Any]]

    def of_image(self, image_id: int) -> list[Chip]:
        """Return the chips of an image."""
        return [chip for chip in self.chips if chip.source.id == image_id]

    def of_level(self, image_id: int, level: int) -> list[Chip]:
        """Return the chips of an image at a level."""
        return [chip for chip in self.of_image(image_id) if chip.level == level]

    @property
    def skipped_images(self) -> set[int]:
        """Return the ids of the images that could not be used."""
        return {line["image_id"] for line in self.skipped if line["kind"] == "image"}
