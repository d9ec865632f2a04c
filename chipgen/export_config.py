"""The settings of an export: how chips are drawn, labelled and written, and how the run behaves."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypedDict

from chipgen.bands import Look, parse_bands, parse_stretch
from chipgen.errors import UsageError
from chipgen.limits import at_least

CHOICES = {
    "format": ("parquet", "coco", "yolo", "webdataset"),
    "layout": ("plain", "roboflow"),
    "ignored": ("crowd", "drop", "keep", "paint"),
    "image_format": ("jpeg", "png", "webp"),
    "imaging": ("pillow", "opencv"),
    "resample": ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"),
    "on_error": ("fail", "skip"),
    "backend": ("loky", "threading", "dask", "ray"),
}

MEAN_COLOUR = (124, 116, 104)
"""Mean of ImageNet: after the usual normalisation, padding is close to zero."""

MAX_PIXELS = 89_478_485
"""Width times height: what Pillow itself considers safe."""

MAX_WORKERS = 1024

CLUSTERS = {"dask": "distributed", "ray": "ray"}
"""Backends that are clusters, and what speaks with them."""

KEYS_OF_YOLO = {"path", "nc", "names", "download", "channels", "kpt_shape", "flip_idx", "yaml_file"}
"""Keys of ``data.yaml`` that are no splits to those who read it."""

HOW_IT_RUNS = (
    "workers",
    "backend",
    "scheduler",
    "on_error",
    "max_skipped",
    "overwrite",
    "progress",
    "retry_skipped",
    "verify",
)
"""Settings that do not change what a finished build holds."""

ADMITS_MORE = ("max_pixels", "follow_symlinks")
"""Settings that, raised, let more images in and change nothing about the others."""


def installed_imaging() -> str:
    """Return the fastest engine that is installed and can be loaded: some OpenCV wants the libraries of a screen."""
    if find_spec("cv2") is None:
        return "pillow"
    try:
        import_module("cv2")
    except Exception:  # noqa: BLE001 -- of another numpy, it raises whatever it likes
        return "pillow"
    return "opencv"


class ExportSettings(TypedDict, total=False):
    """The fields of `ExportConfig` besides the format, as keyword arguments."""

    layout: str
    split: str
    ignored: str | None
    image_format: str
    quality: int
    resample: str
    imaging: str
    fill: tuple[int, int, int]
    bands: str | None
    stretch: str | None
    pad: bool
    workers: int | None
    backend: str
    scheduler: str | None
    on_error: str
    max_skipped: int
    max_pixels: int
    follow_symlinks: bool
    overwrite: bool
    retry_skipped: bool
    verify: bool
    progress: bool


@dataclass(frozen=True)
class ExportConfig:
    """How a plan becomes files.

    Parameters
    ----------
    format
        ``parquet``, ``coco``, ``yolo`` or ``webdataset``.
    layout
        ``plain``, or ``roboflow``, which of COCO chips names files and numbers categories as trainers of Roboflow's do.
    split
        Name of the split, part of the shards' names.
    ignored
        What happens to ignored boxes: ``crowd``, ``drop``, ``keep`` or ``paint``; None for ``paint`` where the format
        knows no ignored boxes, else ``crowd``.
    image_format, quality
        Encoding of the chips: ``jpeg``, ``png`` or ``webp``; quality 1..100 for the lossy ones.
    resample
        Filter, antialiased when shrinking.
    imaging
        Who decodes, scales and encodes: ``pillow``, or ``opencv``, the default where it is installed.
    fill
        Red, green, blue of padding and of painted boxes.
    bands
        Bands of rasters that become red, green and blue, ``"3,2,1"``, or grey, ``"4"``, counted from 1.
    stretch
        Values of rasters that become 0 and 255, ``"200,3000"``, or their percentiles, ``"2%,98%"``.
    pad
        Whether chips of small images are padded right and bottom to the chip size.
    workers
        Processes or threads, or shards that a cluster makes at a time; None for one on each core.
    backend
        Who makes shards: ``loky``, processes; ``threading``, threads; ``dask`` or ``ray``, the workers of a cluster.
    scheduler
        The address of the cluster; None for one of this machine, made for the run.
    on_error
        ``fail`` or ``skip``.
    max_skipped
        Skipped things that are still a success.
    max_pixels
        Larger images are not decoded.
    follow_symlinks
        Whether links may lead out of the image root.
    overwrite
        Whether what chipgen wrote there before may be replaced.
    retry_skipped
        Whether to try the skipped images of a finished build again, and only these.
    verify
        Whether to check what an earlier run finished by its checksums, not only by its lengths.
    progress
        Whether to show progress on a terminal.
    """

    format: str = "parquet"
    layout: str = "plain"
    split: str = "train"
    ignored: str | None = None
    image_format: str = "jpeg"
    quality: int = 95
    resample: str = "bilinear"
    imaging: str = field(default_factory=installed_imaging)
    fill: tuple[int, int, int] = MEAN_COLOUR
    bands: str | None = None
    stretch: str | None = None
    pad: bool = True
    workers: int | None = None
    backend: str = "loky"
    scheduler: str | None = None
    on_error: str = "fail"
    max_skipped: int = 0
    max_pixels: int = MAX_PIXELS
    follow_symlinks: bool = False
    overwrite: bool = False
    retry_skipped: bool = False
    verify: bool = False
    progress: bool = True
    look: Look = field(init=False, repr=False)
    """Bands and stretch, as values."""

    def __post_init__(self) -> None:
        if self.ignored is None:
            object.__setattr__(self, "ignored", "paint" if self.format == "yolo" else "crowd")
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                option = f"--{name.replace('_', '-')}"
                raise UsageError.one(option, str(getattr(self, name)), "is unknown", f"use {' or '.join(choices)}")
        self._refuse_unfit()
        if self.imaging == "opencv" and installed_imaging() != "opencv":
            todo = "install chipgen[fast], or use --imaging pillow"
            raise UsageError.one("--imaging", self.imaging, "is not installed, or cannot be loaded", todo)
        self._refuse_backend()
        at_least("--quality", self.quality, 1, 100)
        at_least("--workers", 1 if self.workers is None else self.workers, 1, MAX_WORKERS)
        at_least("--max-skipped", self.max_skipped, 0)
        at_least("--max-pixels", self.max_pixels, 1)
        object.__setattr__(self, "look", Look(parse_bands(self.bands), parse_stretch(self.stretch)))
        if len(self.fill) != 3 or not all(0 <= channel <= 255 for channel in self.fill):
            raise UsageError.one("--fill", str(self.fill), "is no colour", "use three numbers from 0 to 255")
        if not re.fullmatch(r"\w+(\.\w+)*", self.split):
            what = "is no name of a split"
            raise UsageError.one("--split", repr(self.split), what, "use letters, digits, _ and .")

    def _refuse_unfit(self) -> None:
        """Refuse what a format cannot say."""
        if self.format == "yolo" and self.ignored == "crowd":
            todo = "use paint, which hides them, drop, which makes them background, or keep"
            raise UsageError.one("--ignored", "crowd", "labels of YOLO know no ignored boxes", todo)
        if self.format == "yolo" and self.split in KEYS_OF_YOLO:
            raise UsageError.one("--split", self.split, "means something else in data.yaml", "use another name")
        if self.layout == "roboflow" and self.format != "coco":
            what = f"is a layout of COCO files, not of {self.format}"
            raise UsageError.one("--layout", self.layout, what, "add --format coco, or leave it out")

    def _refuse_backend(self) -> None:
        """Refuse a backend that is not installed, and a scheduler for one that has none."""
        library = CLUSTERS.get(self.backend)
        if library is None and self.scheduler is not None:
            what, todo = "names a cluster", "add --backend dask or --backend ray, or leave it out"
            raise UsageError.one("--scheduler", self.scheduler, what, todo)
        if library is not None and find_spec(library) is None:
            todo = f"pip install 'chipgen[{self.backend}]'"
            raise UsageError.one("--backend", self.backend, f"needs {library}", todo)

    @property
    def may_rise(self) -> tuple[str, ...]:
        """Return the settings that may be higher than in the build that is gone on with."""
        return ADMITS_MORE if self.retry_skipped else ()

    def recorded(self) -> dict[str, Any]:
        """Return the settings that decide what is written, for the manifest."""
        fields = {**vars(self), **self.look.recorded()}
        return {name: fields[name] for name in sorted(fields) if name not in {*HOW_IT_RUNS, "look"}}


def parse_fill(text: str) -> tuple[int, int, int]:
    """Read a colour: ``124,116,104``, ``#7c7468`` or one grey value.

    Raises
    ------
    UsageError
        It is none of these.
    """
    if match := re.fullmatch(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})", text):
        red, green, blue = (int(channel, 16) for channel in match.groups())
        return red, green, blue
    if re.fullmatch(r"\d{1,3}(,\d{1,3},\d{1,3})?", text):
        numbers = [int(channel) for channel in text.split(",")] * (1 if "," in text else 3)
        if max(numbers) <= 255:
            return numbers[0], numbers[1], numbers[2]
    raise UsageError.one("--fill", text, "is no colour", "write R,G,B from 0 to 255, #rrggbb, or one grey value")
