"""Versions: ours, and those of the libraries that decide which bytes are written."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from PIL import features

try:
    __version__ = version("chipgen")
except PackageNotFoundError:  # run from a folder that was never installed
    __version__ = "0"


def encoder_versions() -> dict[str, str]:
    """Return the versions of everything that turns values into bytes."""
    codecs = {name: features.version(name) or "none" for name in ("jpg", "zlib", "webp")}
    return {"pillow": version("pillow"), "pyarrow": version("pyarrow"), **codecs}
