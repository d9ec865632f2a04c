"""ultralytics trains on a YOLO build, and sees every label that it holds, of outlines as of boxes."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from consumers.made_set import OPTIONS, consumer_coco
from consumers.tampered import passes
from consumers.truth import Seen, plan_rows, truth
from run_cli import chipgen
from small_set import write_small_set

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from consumers.heavy.consumer import Consumer

SCRIPT = "with_ultralytics.py"
SIDE = 256


@pytest.fixture(scope="module", params=["outlines", "boxes"])
def pristine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a YOLO build of two splits, each beside its source; of objects with masks, or of the same without."""
    folder = tmp_path_factory.mktemp(request.param)
    coco = consumer_coco()
    if request.param == "boxes":
        for annotation in coco.annotations:
            annotation.pop("segmentation", None)
    source = write_small_set(folder / "set", coco)
    out = ("--format", "yolo", "--val-fraction", "0.4", "--out", str(folder / "yolo"))
    chipgen("build", "--coco", str(source), *OPTIONS, *out).expect(0)
    return folder / "yolo"


@pytest.fixture
def build(pristine: Path, tmp_path: Path) -> Path:
    """Return a copy of it: ultralytics leaves files of its own in there."""
    shutil.copytree(pristine, tmp_path / "yolo")
    (tmp_path / "yolo" / "set").symlink_to(pristine.parent / "set")
    return tmp_path / "yolo"


def check_labels(found: dict[str, Any], build: Path) -> None:
    """Check the labels that ultralytics read: of every picture, every valid object and no other."""
    assert found["names"] == ["car", "person", "boat"]
    for split in ("train", "val"):
        names = [path.name for path in sorted((build / split / "images").iterdir())]
        expected = truth(build / split)
        assert [picture["name"] for picture in found[split]] == names
        assert (
            [int(name.split("-")[0]) for name in names]
            == list(expected)
            == [row["image_id"] for row in plan_rows(build / split)]
        )
        for picture, seen in zip(found[split], expected.values(), strict=True):
            assert picture["shape"] in ([SIDE, SIDE], None)
            check_picture(picture, [one for one in seen if one.valid], found["names"])


def check_picture(picture: dict[str, Any], valid: list[Seen], names: list[str]) -> None:
    """Check classes and boxes of one picture; the order of labels is not kept."""
    x, y, width, height = SIDE * np.array(picture["boxes"]).reshape(-1, 4).T
    found = np.stack((x - width / 2, y - height / 2, x + width / 2, y + height / 2), axis=1)
    assert len(found) == len(picture["classes"]) == len(valid)
    left = list(range(len(found)))
    for one in valid:
        expected = extent(one)
        near = min(left, key=lambda row: float(np.abs(found[row] - expected).max()))
        np.testing.assert_allclose(found[near], expected, atol=0.01 if one.mask is None else 2)
        assert names[picture["classes"][near]] == one.name
        left.remove(near)


def extent(one: Seen) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the box that a label can tell, x1 y1 x2 y2: that of the mask where there is one, to about a pixel."""
    if one.mask is None:
        x, y, width, height = one.box
        return np.array([x, y, x + width, y + height])
    rows, columns = np.flatnonzero(one.mask.any(1)), np.flatnonzero(one.mask.any(0))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], dtype=np.float64)


def check_seen(consumer: Consumer, build: Path) -> None:
    """Check what ultralytics reads of a build."""
    check_labels(consumer.ask(SCRIPT, "see", build / "data.yaml"), build)


def check_training(consumer: Consumer, build: Path, out: Path) -> None:
    """Check that ultralytics trains an epoch on every label of a build."""
    found = consumer.ask(SCRIPT, "train", build / "data.yaml", out)
    check_labels(found, build)
    assert len(found["losses"]) == 3
    assert np.isfinite(found["losses"]).all()
    assert min(found["losses"]) > 0
    assert found["saved"]


def labels_with(build: Path, count: int) -> Path:
    """Return the first file of labels, to train on, with at least so many lines."""
    files = sorted((build / "train" / "labels").glob("*.txt"))
    return next(path for path in files if len(path.read_text().splitlines()) >= count)


def of_lines(change: Callable[[list[str]], list[str]]) -> Callable[[Path], None]:
    """Return a change of each line of one file of labels, given by its words."""

    def changed(build: Path) -> None:
        path = labels_with(build, 1)
        lines = [" ".join(change(line.split())) for line in path.read_text().splitlines()]
        path.write_text("".join(f"{line}\n" for line in lines))

    return changed


def moved(words: list[str]) -> list[str]:
    """Move the middle of a box to its corner, and an outline a little to the left."""
    x, y, *others = map(float, words[1:])
    if len(others) > 2:
        return [words[0], *(str(max(0, float(word) - 0.05 * (1 - place % 2))) for place, word in enumerate(words[1:]))]
    return [words[0], *map(str, (max(0, x - others[0] / 2), max(0, y - others[1] / 2), *others))]


def label_lost(build: Path) -> None:
    """Take the last line off a file of labels."""
    path = labels_with(build, 2)
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


def picture_cut(build: Path) -> None:
    """Leave only the beginning of a picture."""
    path = min((build / "train" / "images").iterdir())
    path.write_bytes(path.read_bytes()[:300])


def renamed(build: Path) -> None:
    """Give a class another name."""
    path = build / "data.yaml"
    path.write_text(path.read_text().replace('"car"', '"ship"'))


WRONG: dict[str, Callable[[Path], None]] = {
    "class_beyond_the_table": of_lines(lambda words: ["3", *words[1:]]),
    "another_class": of_lines(lambda words: [str((int(words[0]) + 1) % 3), *words[1:]]),
    "moved": of_lines(moved),
    "pixels_for_shares": of_lines(lambda words: [words[0], *(str(SIDE * float(word)) for word in words[1:])]),
    "label_lost": label_lost,
    "labels_lost": lambda build: labels_with(build, 1).unlink(),
    "picture_lost": lambda build: min((build / "train" / "images").iterdir()).unlink(),
    "picture_cut": picture_cut,
    "renamed": renamed,
}
"""Ways in which a YOLO build can be wrong."""


def test_every_label_is_seen(torchvision: Consumer, build: Path) -> None:
    check_seen(torchvision, build)


def test_an_epoch_of_training_sees_every_label(torchvision: Consumer, build: Path, tmp_path: Path) -> None:
    check_training(torchvision, build, tmp_path / "out")


@pytest.mark.parametrize("change", WRONG)
def test_wrong_labels_are_noticed(change: str, torchvision: Consumer, build: Path) -> None:
    WRONG[change](build)
    assert not passes(lambda copy: check_seen(torchvision, copy), build)


def test_lines_are_all_outlines_or_all_boxes(pristine: Path) -> None:
    lines = [line for path in pristine.glob("*/labels/*.txt") for line in path.read_text().splitlines()]
    assert {len(line.split()) == 5 for line in lines} == {pristine.parent.name.startswith("boxes")}
