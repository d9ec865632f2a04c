"""Names of splits, and the folders beside each other that they become."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chipgen.card import CARD
from chipgen.errors import UsageError
from chipgen.writers.yolo import DATA, key_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from chipgen.export_config import ExportConfig

ROBOFLOW_FOLDERS = {"val": "valid", "validation": "valid", "dev": "valid"}
"""Folders in which trainers of Roboflow's look for splits that go by another name."""


LOOK_FOR_VALIDATION = {("yolo", "plain"), ("coco", "roboflow")}
"""Formats and layouts whose trainers do not begin without a split to validate on."""


def split_folders(names: Iterable[str], config: ExportConfig) -> dict[str, str]:
    """Return the folder of each split, relative to that of all.

    Raises
    ------
    UsageError
        A name is that of a file about all splits, or two of them would be one folder, or one key of `DATA`.
    """
    roboflow = config.layout == "roboflow"
    folders = {name: ROBOFLOW_FOLDERS.get(name, name) if roboflow else name for name in names}
    for name, folder in folders.items():
        if folder.startswith("_") or folder in {CARD, DATA}:
            what = "is kept for files about all splits"
            raise UsageError.one("--split", name, what, f"use another name, without _ in front, not {CARD} or {DATA}")
    places = {"folder": {folder.casefold() for folder in folders.values()}}
    if config.format == "yolo":
        places[f"key in {DATA}"] = set(map(key_of, folders))
    for place, there in places.items():
        if len(there) < len(folders):
            what = f"{' and '.join(folders)} would share a {place}"
            raise UsageError.one("--coco", "", what, "give the splits other names")
    return folders


def said_of_validation(folders: Mapping[str, str], config: ExportConfig) -> Iterator[str]:
    """Say that trainers will miss a split."""
    roboflow = config.layout == "roboflow"
    wanted, names = ("valid", {*folders.values()}) if roboflow else ("val", {*map(key_of, folders)})
    if (config.format, config.layout) in LOOK_FOR_VALIDATION and wanted not in names:
        yield f"there is no split {wanted}, which trainers look for: --val-fraction makes one"
