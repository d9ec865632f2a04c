"""Builds that all consumers read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from consumers.made_set import OPTIONS, consumer_coco
from run_cli import chipgen_here as chipgen
from small_set import write_small_set

if TYPE_CHECKING:
    from pathlib import Path


class Builds(dict[str, "Path"]):
    """Builds of the consumers' dataset by format, each beside its source in ``set``, made when first asked for.

    Besides the formats there are ``roboflow``, the split ``train`` in Roboflow's layout, and ``yolo-boxes``, of the
    same dataset without masks. None of them is to be changed.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def __missing__(self, name: str) -> Path:
        coco = consumer_coco()
        if name == "yolo-boxes":
            for annotation in coco.annotations:
                annotation.pop("segmentation", None)
        path = write_small_set(self.folder / name / "set", coco)
        form = {"roboflow": ("coco", "--layout", "roboflow"), "yolo-boxes": ("yolo",)}.get(name, (name,))
        out = self.folder / name / "out"
        chipgen("build", "--coco", str(path), *OPTIONS, "--format", *form, "--out", str(out)).expect(0)
        self[name] = out
        if name == "roboflow":
            self[name] = out / "train"
            (out / "set").symlink_to(path.parent)
        return self[name]


@pytest.fixture(scope="session")
def builds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return builds of the consumers' dataset, by format; not to be changed."""
    return Builds(tmp_path_factory.mktemp("consumers"))
