"""Negative chips through the real program: options, report, manifest, and proposals that are wrong (section G)."""

from __future__ import annotations

import json
import os
import pickle
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from run_cli import Finished
from run_cli import chipgen_here as chipgen
from small_set import SCALES, small_proposals, write_small_set

if TYPE_CHECKING:
    from pathlib import Path


class Place:
    """A folder with the small set, and the way to build it with proposals."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out, self.file = folder, folder / "out", folder / "proposals.json"
        self.coco = write_small_set(folder / "set")

    def write(self, rows: Any) -> None:
        """Write the proposals."""
        self.file.write_text(json.dumps(rows), encoding="utf-8")

    def build(self, *options: str) -> Finished:
        """Run the build."""
        fixed = ("build", "--coco", str(self.coco), *SCALES, "--proposals", str(self.file), "--min-proposals", "4")
        return chipgen(*fixed, "--out", str(self.out), *options)

    def skipped(self) -> list[tuple[str, int, str]]:
        """Return kind, image and reason of everything skipped."""
        lines = [json.loads(line) for line in (self.out / "_skipped.jsonl").read_bytes().splitlines()]
        assert all(
            list(line) == ["kind", "image_id", "annotation_id", "file_name", "reason", "message"] for line in lines
        )
        return [(line["kind"], line["image_id"], line["reason"]) for line in lines]

    def kinds(self) -> list[str]:
        """Return the kind of every chip."""
        kinds: list[str] = pq.read_table(self.out / "data")["kind"].to_pylist()
        return kinds


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.write(small_proposals())
    return made


def test_negative_chips_are_written_and_told(place: Place) -> None:
    done = place.build().expect(0)
    negative = place.kinds().count("negative")
    assert negative > 3
    assert f"{negative} negative" in done.out
    assert "from proposals: at least 4 in each" in done.out
    manifest = json.loads((place.out / "_manifest.json").read_bytes())
    assert set(manifest["inputs"]) == {"annotations", "proposals"}
    made = {name: manifest["configuration"][name] for name in ("negatives", "negatives_per_image", "min_proposals")}
    assert made == {"negatives": "auto", "negatives_per_image": None, "min_proposals": [4]}
    told = manifest["counts"]["negatives"]
    assert (told["mode"], told["chips"]) == ("proposals", negative)
    assert sum(told["proposals"].values()) == len(small_proposals())
    assert str(place.folder) not in json.dumps(manifest)
    plan = pq.read_table(place.out / "_plan.parquet")
    counts = dict(zip(plan["image_id"].to_pylist(), plan["proposals"].to_pylist(), strict=True))
    assert all((counts[chip] >= 4) == (kind == "negative") for chip, kind in enumerate(place.kinds()))
    assert "negative chips: background in which a detector proposed objects" in (place.out / "README.md").read_text()


def test_stats_tell_the_same_before_and_after(place: Place) -> None:
    place.build("--negatives-per-image", "all").expect(0)
    options = (*SCALES[:-2], "--proposals", str(place.file), "--min-proposals", "4", "--negatives-per-image", "all")
    before = json.loads(chipgen("stats", str(place.coco), *options, "--json").expect(0).out)["summary"]
    after = json.loads(chipgen("stats", str(place.out), "--json").expect(0).out)
    assert after["negatives"] == before["negatives"]
    assert after["chips"] == before["chips"]
    assert [level["negative"] for level in before["levels"]] == [row["chips"] for row in after["negatives"]["levels"]]
    text = chipgen("stats", str(place.out)).expect(0).out
    for lines in (text, chipgen("stats", str(place.coco), *options).expect(0).out):
        assert "proposals in range" in lines
        assert f"proposals    {len(small_proposals()):,}: " in lines


def test_configuration_file_holds_the_options(place: Place) -> None:
    config = place.folder / "chips.toml"
    lines = [
        'negatives-per-image = "all"',
        "min-proposals = [3, 5, 7]",
        "max-ignored-area = 0.25",
        "negative_ratio = 0.5",
    ]
    config.write_text("\n".join(lines), encoding="utf-8")
    chipgen(
        *("build", "--coco", str(place.coco), *SCALES, "--proposals", str(place.file), "--config", str(config)),
        *("--out", str(place.out)),
    ).expect(0)
    made = json.loads((place.out / "_manifest.json").read_bytes())["configuration"]
    assert (made["min_proposals"], made["max_ignored_area"], made["negative_ratio"]) == ([3, 5, 7], 0.25, 0.5)


def test_random_background_needs_no_proposals(place: Place) -> None:
    arguments = ("build", "--coco", str(place.coco), *SCALES, "--negatives", "random", "--out", str(place.out))
    done = chipgen(*arguments).expect(0)
    assert "random background that shows no object" in done.out
    rows = pq.read_table(place.out / "data").to_pylist()
    assert all(row["objects"]["id"] == [] for row in rows if row["kind"] == "negative")
    assert place.kinds().count("negative") > 3


def test_auto_without_proposals_is_none_and_says_so(place: Place) -> None:
    done = chipgen("build", "--coco", str(place.coco), *SCALES, "--out", str(place.out)).expect(0)
    assert "negatives    none: no proposals were given" in done.out
    assert "negative" not in place.kinds()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--negatives", "proposals"), "--negatives: proposals: there are no proposals"),
        (("--negatives", "some"), "--negatives"),
        (("--negatives-per-image", "few"), "--negatives-per-image"),
        (("--negatives-per-image", "-1"), "--negatives-per-image"),
        (("--negative-ratio", "-1"), "--negative-ratio"),
        (("--min-proposals", "1,2"), "--min-proposals"),
        (("--min-proposals", "0"), "--min-proposals"),
        (("--min-proposals", "one"), "--min-proposals"),
        (("--max-proposals", "0"), "--max-proposals"),
        (("--object-iou", "0"), "--object-iou"),
        (("--object-share", "2"), "--object-share"),
        (("--crowd-share", "nan"), "--crowd-share"),
        (("--max-ignored-area", "1.5"), "--max-ignored-area"),
    ],
    ids=lambda value: "_".join(value) if isinstance(value, tuple) else None,
)
def test_options_that_cannot_be_meant(place: Place, options: tuple[str, ...], says: str) -> None:
    refused = chipgen("build", "--coco", str(place.coco), *SCALES, "--out", str(place.out), *options).expect(2)
    assert says in refused.err
    assert refused.err.count("\n") == 1
    assert not place.out.exists()


# -- section G of the table of faults


class Canary:
    """Runs code when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.mark.row("G65")
def test_pickles_are_refused_before_they_run(place: Place) -> None:
    """Row G65."""
    canary = place.folder / "canary"
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        place.file.write_bytes(pickle.dumps([Canary(canary)], protocol))
        refused = place.build().expect(1)
        assert "--trust-pickle" in refused.err
        assert refused.err.count("\n") == 1
        assert not canary.exists()
        assert not place.out.exists()


@pytest.mark.row("G66", "G70")
@pytest.mark.parametrize("content", [b"", b"[{", b"PAR1", b"PK\x03\x04", b"\x93NUMPY", b"\xff\xfe[", b"[{}]"], ids=repr)
def test_files_that_are_none_are_refused(place: Place, content: bytes) -> None:
    """Rows G66 and G70."""
    place.file.write_bytes(content)
    refused = place.build().expect(1)
    assert all(line.startswith(str(place.file)) for line in refused.err.splitlines())
    assert not place.out.exists()


@pytest.mark.row("G67")
def test_proposals_of_other_images_are_counted(place: Place) -> None:
    """Row G67."""
    place.write([*small_proposals(), *({**row, "image_id": 99} for row in small_proposals())])
    done = place.build().expect(0)
    assert f"{len(small_proposals()):,} other_image" in done.out
    assert "proposals of images that are not planned here: not used" in done.out
    assert place.skipped() == []


@pytest.mark.row("G68")
def test_images_without_proposals_are_counted(place: Place) -> None:
    """Row G68."""
    place.write([row for row in small_proposals() if row["image_id"] != 5])
    assert "note         1 image without a usable proposal" in place.build().expect(0).out
    sources = [row["image_id"] for row in pq.read_table(place.out / "data")["source"].to_pylist()]
    assert not any(kind == "negative" and image == 5 for kind, image in zip(place.kinds(), sources, strict=True))


@pytest.mark.row("G69")
def test_faulty_proposals_are_refused_or_skipped_and_told(place: Place) -> None:
    """Row G69."""
    bad = {"not_finite": [float("nan"), 0, 5, 5], "negative_size": [9, 9, -5, 5], "zero_area": [9, 9, 0, 5],
           "outside": [9999, 9, 5, 5]}  # fmt: skip
    place.write([*small_proposals(), *({"image_id": 3, "bbox": box, "score": 0.5} for box in bad.values())])
    refused = place.build().expect(1)
    assert [line.startswith(f"{place.file}: image 3: ") for line in refused.err.splitlines()] == [True] * 4
    assert all(f"({reason})" in refused.err for reason in bad)
    assert not place.out.exists()
    place.build("--on-error", "skip").expect(3)
    assert sorted(place.skipped()) == sorted(("proposal", 3, reason) for reason in bad)
    place.out = place.folder / "allowed"
    done = place.build("--on-error", "skip", "--max-skipped", "4").expect(0)
    assert "4 invalid" in done.out


@pytest.mark.row("G69")
def test_boxes_over_the_edge_are_clipped(place: Place) -> None:
    """Row G69."""
    place.write([{"image_id": 11, "bbox": [470, 860, 60 + n, 60], "score": 0.5} for n in range(6)])
    done = place.build("--negatives-per-image", "all").expect(0)
    assert place.skipped() == []
    assert "6 used" in done.out
    assert "reach over an edge of their image" in done.out


@pytest.mark.row("G70")
def test_empty_files_are_fine(place: Place) -> None:
    """Row G70."""
    np.savez(place.file.with_suffix(".npz"), image_id=np.empty(0, dtype=np.int64), bbox=np.empty((0, 4)))
    for file in (place.file, place.file.with_suffix(".npz")):
        place.write([])
        place.file, place.out = file, place.folder / file.suffix[1:]
        assert "negatives    0 of 0 found" in place.build().expect(0).out


@pytest.mark.row("G71")
def test_scores_may_be_absent_or_in_any_order(place: Place) -> None:
    """Row G71."""
    trees = []
    for number, rows in enumerate((
        small_proposals(),
        small_proposals()[::-1],
        [
            {key: row[key] for key in ("image_id", "bbox")}
            for row in sorted(small_proposals(), key=lambda row: -row["score"])
        ],
    )):  # fmt: skip
        place.write(rows)
        place.out = place.folder / str(number)
        place.build("--max-proposals", "60").expect(0)
        trees.append([file["sha256"] for file in json.loads((place.out / "_manifest.json").read_bytes())["shards"]])
    assert trees[0] == trees[1] == trees[2]
    assert "holds no scores" in place.build("--min-score", "0.5", "--dry-run").expect(2).err


@pytest.mark.row("G72")
def test_a_hundred_thousand_proposals_of_one_image(place: Place) -> None:
    """Row G72."""
    rng = np.random.default_rng(0)
    boxes = np.round(rng.uniform((0, 0, 5, 5), (580, 420, 60, 60), (100_000, 4)), 1).tolist()
    place.write(
        [{"image_id": 5, "bbox": box, "score": 0.5} for box in boxes]
        + [{"image_id": 5, "bbox": boxes[0]} | {"score": 1}] * 100
    )
    start = time.perf_counter()
    done = place.build("--negatives-per-image", "all").expect(0)
    assert time.perf_counter() - start < 30
    assert "proposals    100,100: " in done.out
    assert "beyond_max" in place.build("--max-proposals", "500", "--dry-run").expect(0).out


@pytest.mark.row("G73")
def test_corners_taken_for_sizes_are_suspected(place: Place) -> None:
    """Row G73."""
    place.write(
        [
            {**row, "bbox": [*row["bbox"][:2], row["bbox"][0] + row["bbox"][2], row["bbox"][1] + 30]}
            for row in small_proposals()
        ]
    )
    assert "--box-format xyxy" in place.build().expect(0).out
