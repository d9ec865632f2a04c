"""Versions: ours, and those of the libraries that decide which bytes are written."""

from __future__ import annotations

import contextlib
import functools
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType
from typing import TYPE_CHECKING

from PIL import features

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

try:
    __version__ = version("chipgen")
except PackageNotFoundError:  # run from a folder that was never installed
    __version__ = "0"


OPENCV = ("opencv-python-headless", "opencv-python", "opencv-contrib-python-headless", "opencv-contrib-python")
"""Names under which OpenCV is distributed."""


@functools.cache
def encoder_versions(imaging: str) -> Mapping[str, str]:
    """Return the versions of everything that an engine turns values into bytes with."""
    codecs = {name: features.version(name) or "none" for name in ("jpg", "zlib", "webp")}
    versions = {"pillow": version("pillow"), "pyarrow": version("pyarrow"), **codecs}
    if imaging == "opencv":
        versions |= {"opencv": _first_of(OPENCV), "simplejpeg": _first_of(["simplejpeg"])}
    return MappingProxyType(versions | _raster_versions())


def _raster_versions() -> dict[str, str]:
    """Return the versions of what decodes rasters read by window, where it is installed."""
    with contextlib.suppress(PackageNotFoundError):
        return {name: version(name) for name in ("tifffile", "imagecodecs")}
    return {}


def _first_of(distributions: Iterable[str]) -> str:
    """Return the version of the first of some distributions that is installed."""
    for name in distributions:
        with contextlib.suppress(PackageNotFoundError):
            return version(name)
    return "none"
