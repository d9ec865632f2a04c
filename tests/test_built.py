"""Builds read back for people: just the chips asked for, as the shards have them; damage is one line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from page_data import told_by_shards
from small_set import CATEGORIES

from chipgen import DataError
from chipgen.built import open_built
from chipgen.writers import parquet as parquet_writer

if TYPE_CHECKING:
    from collections.abc import Callable

FORMATS = ("parquet", "coco")


@pytest.fixture(params=FORMATS)
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def out(built: dict[str, Path], form: str, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built[form], tmp_path / "out"))


def test_chips_are_what_the_shards_say(built: dict[str, Path], form: str) -> None:
    opened, told = open_built(built[form]), told_by_shards(built[form], form)
    assert opened.classes == tuple(category["name"] for category in CATEGORIES)
    chips = list(opened.chips(np.arange(len(told))))
    assert [chip.id for chip in chips] == list(told)
    names = {category["id"]: category["name"] for category in CATEGORIES}
    masks = 0
    for chip in chips:
        wish = told[chip.id]
        assert (chip.encoded, chip.kind, chip.level) == (wish["picture"], wish["kind"], wish["level"])
        assert vars(chip.source) == wish["source"]
        assert [*chip.origin_img, *chip.factor] == pytest.approx(list(wish["transform"].values()))
        assert chip.content == (wish["content_width"], wish["content_height"])
        high = wish["valid_range"]["hi"]
        assert chip.valid_range == pytest.approx((wish["valid_range"]["lo"], np.inf if high is None else high))
        assert [box.id for box in chip.boxes] == [box["id"] for box in wish["boxes"]]
        for box, wished in zip(chip.boxes, wish["boxes"], strict=True):
            assert box.bbox == pytest.approx(wished["bbox"], abs=1e-4)
            assert box.name == names[wished["category_id"]]
            assert (box.valid, box.reason) == (wished["valid"], wished["ignore_reason"])
            assert box.segmentation == wished["segmentation"]
            assert box.source_id == wished["source_id"]
            assert box.visibility == pytest.approx(wished["visibility"], abs=1e-6)
            masks += box.segmentation is not None
    assert masks > 5


def test_only_the_chips_asked_for_are_read(built: dict[str, Path], form: str) -> None:
    rows = np.array([1, 4, 7])
    assert [chip.row for chip in open_built(built[form]).chips(rows)] == rows.tolist()
    assert list(open_built(built[form]).chips(np.array([], dtype=np.int64))) == []


def test_other_shards_and_pictures_are_not_opened(out: Path) -> None:
    opened = open_built(out)
    row = int(np.flatnonzero(opened.plan.shard == 1)[0])
    (wanted,) = opened.chips(np.array([row]))
    for path in [*out.glob("data/*"), *out.glob("shards/*/images/*")]:
        if path.name.startswith(f"{wanted.id:08d}") or path == opened.shard_of(row):
            continue
        path.unlink()
    assert list(opened.chips(np.array([row]))) == [wanted]


def test_only_the_groups_of_rows_that_are_needed_are_read(
    small_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import chipgen  # noqa: PLC0415

    monkeypatch.setattr(parquet_writer, "ROWS_A_GROUP", 2)
    plan = chipgen.plan(chipgen.read_coco(small_set), scales="1x,2x,256", valid_ranges="20-120,0-60,60-", chip_size=256)
    chipgen.export(plan, tmp_path / "out", format="parquet", workers=1)
    read: list[int] = []
    original = pq.ParquetFile.read_row_group

    def read_row_group(file: Any, group: int, **more: Any) -> Any:
        read.append(group)
        return original(file, group, **more)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", read_row_group)
    opened, told = open_built(tmp_path / "out"), told_by_shards(tmp_path / "out", "parquet")
    assert len(opened.manifest.shards) == 1
    assert [chip.encoded for chip in opened.chips(np.array([2, 3, 9]))] == [told[n]["picture"] for n in (2, 3, 9)]
    assert read == [1, 4]


def rewrite(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    value = json.loads(path.read_bytes())
    change(value)
    path.write_text(json.dumps(value), encoding="utf-8")


def replace_column(out: Path, name: str, values: Callable[[pa.Table], Any]) -> None:
    table = pq.read_table(out / "_plan.parquet")
    place = table.schema.get_field_index(name)
    table = table.set_column(place, table.schema.field(name), pa.chunked_array([values(table)]))
    pq.write_table(table, out / "_plan.parquet")


DAMAGE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no manifest": (lambda out: (out / "_manifest.json").unlink(), "holds no finished build"),
    "no json": (lambda out: (out / "_manifest.json").write_text("x"), "_manifest.json: is no JSON"),
    "a shard elsewhere": (
        lambda out: rewrite(out / "_manifest.json", lambda m: m["shards"][0].update(path="../../etc/passwd")),
        "should be",
    ),
    "no plan": (lambda out: (out / "_plan.parquet").unlink(), "_plan.parquet: no such file"),
    "cut plan": (lambda out: (out / "_plan.parquet").write_bytes(b"PAR1"), "_plan.parquet: cannot be read"),
    "fewer rows": (
        lambda out: pq.write_table(pq.read_table(out / "_plan.parquet")[:3], out / "_plan.parquet"),
        "has 3 rows",
    ),
    "level": (
        lambda out: replace_column(out, "level", lambda t: pa.array([9] * len(t), pa.int32())),
        "levels there are not",
    ),
    "shard": (
        lambda out: replace_column(out, "shard", lambda t: pa.array([-1] * len(t), pa.int32())),
        "does not list",
    ),
    "kind": (lambda out: replace_column(out, "kind", lambda t: pa.array(["x"] * len(t))), "kinds of chips"),
    "twice": (lambda out: replace_column(out, "image_id", lambda t: pa.array([1] * len(t), pa.int64())), "twice"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_what_is_damaged_is_one_line(out: Path, name: str) -> None:
    damage, what = DAMAGE[name]
    damage(out)
    with pytest.raises(DataError) as caught:
        open_built(out)
    assert what in str(caught.value)
    assert str(caught.value).count("\n") == 0
    assert str(caught.value).startswith(str(out))


def test_damaged_shards_are_one_line_that_names_them(out: Path) -> None:
    opened = open_built(out)
    path = opened.shard_of(0)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError) as caught:
        list(opened.chips(np.arange(5)))
    assert str(caught.value).startswith(f"{path}: ")
    assert str(caught.value).count("\n") == 0


def test_chips_that_a_shard_has_not_are_told(out: Path) -> None:
    opened = open_built(out)
    first, second = (opened.out / shard.path for shard in opened.manifest.shards[:2])
    shutil.copy(second, first)
    with pytest.raises(DataError, match=r"has no chip 0, which _plan\.parquet says is there"):
        list(opened.chips(np.array([0])))
