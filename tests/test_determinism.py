"""Same input, same bytes: section K of the table of faults, on whole output folders of the real program."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import random
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from run_cli import chipgen, tree
from small_set import LEVELS, small_coco, small_proposals, write_small_set
from thorough import THOROUGH

OPTIONS = (*LEVELS, "--chips-per-shard", "2", "--min-proposals", "4", "--on-error", "skip", "--max-skipped", "9")
FORMATS = pytest.mark.parametrize("form", ["parquet", "coco"])
OTHERS = ("yolo", "webdataset")
Paths = tuple[str, ...]
"""The annotation file, the proposals, the output folder."""


@dataclass(frozen=True)
class Place:
    """A folder with a dataset and proposals, and finished builds of it that others must equal."""

    folder: Path
    trees: dict[str, dict[str, str]]

    def build(self, out: Path, *options: str, paths: Paths | None = None, **run: Any) -> dict[str, str]:
        """Build, and return the checksum of every file."""
        folder = self.folder
        coco, proposals, to = paths or (str(folder / "set/instances.json"), str(folder / "proposals.json"), str(out))
        chipgen("build", "--coco", coco, "--proposals", proposals, "--out", to, *OPTIONS, *options, **run).expect(0)
        return tree(out)


def _dataset() -> dict[str, Any]:
    """Return the small dataset with what else might come out differently: accents, and things to be skipped."""
    coco = small_coco()
    coco.categories[0]["name"] = "voiture à l'arrêt 🚗"
    coco.annotations[0]["note"] = "\u0130stanbul'da \u0131"
    coco.images[0]["file_name"] = "é ü.png"
    coco.image(300, 300, 2)
    coco.box(2, [10, 10, 50, 50])
    coco.box(3, [1, 1, 0, 5])
    coco.box(11, [10, 10, 40, 40], segmentation=[[1, 2, 3]])
    write: dict[str, Any] = vars(coco)
    return write


def make_place(folder: Path, document: dict[str, Any] | None = None) -> Place:
    """Write dataset and proposals; one of its images cannot be decoded."""
    path = write_small_set(folder / "set")
    document = document or _dataset()
    (folder / "set/images/5.png").rename(folder / "set/images/é ü.png")
    (folder / "set/images/2.png").write_bytes(b"no image")
    path.write_text(json.dumps(document), encoding="utf-8")
    (folder / "proposals.json").write_text(json.dumps(small_proposals()), encoding="utf-8")
    return Place(folder, {})


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Return a dataset and its builds by one process; not to be changed."""
    made = make_place(tmp_path_factory.mktemp("determinism"))
    for form in ("parquet", "coco", *OTHERS):
        options = ("--format", form, "--workers", "1")
        made.trees[form] = made.build(made.folder / form, *options, PYTHONHASHSEED="0")
    return made


def test_the_builds_compared_hold_all_there_is(place: Place) -> None:
    """Several shards, chips of both kinds, things skipped: else the tests below would compare too little."""
    manifest = json.loads((place.folder / "parquet/_manifest.json").read_bytes())
    assert len(manifest["shards"]) >= 8
    assert manifest["counts"]["negatives"]["chips"] >= 4
    assert manifest["counts"]["skipped"] == {"zero_area": 1, "bad_polygon": 1, "unidentified": 1}
    assert len(set(place.trees["parquet"].values())) == len(place.trees["parquet"]) >= 14


# -- processes -------------------------------------------------------------------------------------------------------


SOME = [("parquet", "2"), ("coco", "4")]


@pytest.mark.row("K104")
@pytest.mark.parametrize(
    ("form", "workers"), [*itertools.product(("parquet", "coco"), ("2", "4", "8"))] if THOROUGH else SOME
)
def test_the_number_of_workers_changes_no_byte(form: str, workers: str, place: Place, tmp_path: Path) -> None:
    assert place.build(tmp_path / "out", "--format", form, "--workers", workers) == place.trees[form]


@pytest.mark.row("K104")
@pytest.mark.parametrize("imaging", ["pillow", "opencv"])
def test_the_number_of_workers_changes_no_byte_of_either_engine(imaging: str, place: Place, tmp_path: Path) -> None:
    one, three = (place.build(tmp_path / n, "--imaging", imaging, "--workers", n) for n in ("1", "3"))
    assert one == three
    assert (one == place.trees["parquet"]) == (imaging == "opencv"), "the default is the fastest that is installed"


@pytest.mark.row("K105")
@FORMATS
@pytest.mark.parametrize("seed", ["1", "random"])
def test_the_order_of_sets_changes_no_byte(form: str, seed: str, place: Place, tmp_path: Path) -> None:
    made = place.build(tmp_path / "out", "--format", form, "--workers", "1", PYTHONHASHSEED=seed)
    assert made == place.trees[form]


# -- surroundings ----------------------------------------------------------------------------------------------------

SURROUNDINGS: dict[str, dict[str, str]] = {
    "ascii": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"},
    "utf8": {"LC_ALL": "C.UTF-8", "COLUMNS": "20", "LINES": "5"},
    "turkish": {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "LANGUAGE": "tr"},
    "kathmandu": {"TZ": "Asia/Kathmandu"},
    "los_angeles": {"TZ": "America/Los_Angeles"},
}


def _turkish(folder: Path) -> dict[str, str]:
    """Return where the Turkish locale is, made for this test if need be; skip where it cannot be had."""
    listed = subprocess.run(["locale", "-a"], capture_output=True, check=False) if shutil.which("locale") else None
    if listed is not None and b"tr_TR.utf8" in listed.stdout:
        return {}
    if shutil.which("localedef"):
        made = subprocess.run(
            ["localedef", "-i", "tr_TR", "-f", "UTF-8", str(folder / "tr_TR.UTF-8")], capture_output=True, check=False
        )
        if made.returncode == 0:
            return {"LOCPATH": str(folder)}
    pytest.skip("no Turkish locale, and no means to make one")


@pytest.mark.row("K106")
@pytest.mark.parametrize("name", SURROUNDINGS)
def test_locale_and_time_zone_change_no_byte(name: str, place: Place, tmp_path: Path) -> None:
    environment = {**SURROUNDINGS[name], **(_turkish(tmp_path) if name == "turkish" else {})}
    options = ("--format", "coco" if name == "ascii" else "parquet", "--workers", "1")
    made = place.build(tmp_path / "out", *options, paths=None, **environment)
    assert made == place.trees[options[1]]


@pytest.mark.row("K106")
@pytest.mark.parametrize("umask", [0o000, 0o077], ids=oct)
def test_the_umask_changes_permissions_only(umask: int, place: Place, tmp_path: Path) -> None:
    made = place.build(tmp_path / "out", "--workers", "1", umask=umask)
    assert made == place.trees["parquet"]
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert modes == {0o666 & ~umask}


CLOCK = """
import time
real, shift = time.time, {moment} - time.time()
time.time = lambda: real() + shift
time.time_ns = lambda: int(time.time() * 10**9)
for name in ("localtime", "gmtime", "ctime"):
    setattr(time, name, lambda at=None, tell=getattr(time, name): tell(time.time() if at is None else at))
write = time.strftime
time.strftime = lambda form, at=None: write(form, time.localtime() if at is None else at)
"""


@pytest.mark.row("K106")
@pytest.mark.parametrize(("year", "moment", "form"), [(1970, 86_400, "parquet"), (2100, 4_102_500_000, "coco")])
def test_the_clock_changes_no_byte(form: str, year: int, moment: int, tmp_path: Path, place: Place) -> None:
    """Every process believes in another year, and all the input was written in it."""
    (tmp_path / "sitecustomize.py").write_text(CLOCK.format(moment=moment))
    shutil.copytree(place.folder / "set", tmp_path / "set")
    for path in [*tmp_path.rglob("*"), tmp_path / "set"]:
        os.utime(path, (moment, moment))
    search = {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    asked = "import time; print(time.gmtime(time.time()).tm_year, time.strftime('%Y'))"
    told = subprocess.run([sys.executable, "-c", asked], env={**os.environ, **search}, capture_output=True, check=True)
    assert told.stdout.split() == [str(year).encode()] * 2
    paths = (str(tmp_path / "set/instances.json"), str(place.folder / "proposals.json"), str(tmp_path / "out"))
    assert place.build(tmp_path / "out", "--format", form, "--workers", "2", paths=paths, **search) == place.trees[form]


WAYS: dict[str, tuple[str, Paths, tuple[str, ...]]] = {
    "from_the_root": ("/", ("{here}/set/instances.json", "{here}/proposals.json", "{here}/out"), ()),
    "from_inside": ("{here}/set", ("instances.json", "../proposals.json", "../out"), ()),
    "from_above": ("{here}/..", ("{name}/set/instances.json", "{name}/proposals.json", "{name}/out"), ()),
    "with_detours": ("{here}/set/images", ("../../set/./instances.json", "../..//proposals.json", "../../out"), ()),
    "through_a_link": ("{here}", ("link/instances.json", "proposals.json", "out"), ("--images", "link/images")),
    "images_through_a_link": ("{here}", ("set/instances.json", "proposals.json", "out"), ("--images", "linked_images")),
    "output_through_a_link": ("{here}", ("set/instances.json", "proposals.json", "above/out"), ()),
}  # fmt: skip
"""Current folder, paths and further options."""


@pytest.mark.row("K106")
@pytest.mark.parametrize(("way", "form"), [*zip(WAYS, itertools.cycle(["parquet", "coco"]))])
def test_how_paths_are_written_changes_no_byte(way: str, form: str, place: Place, tmp_path: Path) -> None:
    here = tmp_path / "a b é 🦔"
    shutil.copytree(place.folder / "set", here / "set")
    shutil.copy(place.folder / "proposals.json", here)
    for link, target in {"link": "set", "linked_images": "set/images", "above": "."}.items():
        (here / link).symlink_to(target)
    cwd, paths, more = WAYS[way]
    filled = tuple(path.format(here=here, name=here.name) for path in paths)
    options = ("--format", form, "--workers", "1", *(option.format(name=here.name) for option in more))
    made = place.build(here / "out", *options, paths=filled, cwd=Path(cwd.format(here=here)))
    assert made == place.trees[form]


@pytest.mark.row("K104", "K105", "K106")
@pytest.mark.parametrize("form", OTHERS)
def test_nothing_around_changes_a_byte_of_the_other_formats(form: str, place: Place, tmp_path: Path) -> None:
    """All at once: what one of these changes would be found above, or here."""
    options = ("--format", form, "--workers", "3")
    around = {**SURROUNDINGS["ascii"], **SURROUNDINGS["kathmandu"], "PYTHONHASHSEED": "random"}
    paths = ("set/instances.json", "proposals.json", str(tmp_path / "a b é"))
    made = place.build(tmp_path / "a b é", *options, paths=paths, cwd=place.folder, umask=0o077, **around)
    assert made == place.trees[form]


# -- the order of the source -----------------------------------------------------------------------------------------


@pytest.mark.row("K107")
@pytest.mark.parametrize("form", ["parquet", "coco", *OTHERS])
def test_the_order_of_the_source_changes_nothing_but_its_digest(form: str, place: Place, tmp_path: Path) -> None:
    rng = random.Random(7)  # noqa: S311 -- no secret
    document = _dataset()
    for section in ("images", "annotations"):
        rng.shuffle(document[section])
    other = make_place(tmp_path, dict(reversed(document.items())))
    rows = small_proposals()
    rng.shuffle(rows)
    (tmp_path / "proposals.json").write_text(json.dumps(rows), encoding="utf-8")
    made, expected = other.build(tmp_path / "out", "--format", form, "--workers", "1"), place.trees[form]
    assert {path for path in expected if made[path] != expected[path]} == {"_manifest.json"}
    ours, theirs = (
        json.loads((folder / "_manifest.json").read_bytes()) for folder in (tmp_path / "out", place.folder / form)
    )
    for name in ("annotations", "proposals"):
        assert ours["inputs"].pop(name)["sha256"] != theirs["inputs"].pop(name)["sha256"]
    assert ours == theirs


# -- the seed --------------------------------------------------------------------------------------------------------


def _by_image(out: Path) -> dict[int, list[dict[str, Any]]]:
    """Return the chips of each source image, without the ids that depend on what else is in the run."""
    found: dict[int, list[dict[str, Any]]] = {}
    for row in pq.read_table(out / "data").to_pylist():
        own = {
            key: row[key] for key in ("kind", "level", "transform", "content_width", "content_height", "valid_range")
        }
        objects = {name: values for name, values in row["objects"].items() if name != "id"}
        pixels = hashlib.sha256(row["image"]["bytes"]).hexdigest()
        found.setdefault(row["source"]["image_id"], []).append({**own, "objects": objects, "pixels": pixels})
    return found


@pytest.mark.row("K109")
def test_the_seed_decides_which_negatives_and_is_recorded(place: Place, tmp_path: Path) -> None:
    options = ("--seed", "5", "--workers", "1")
    assert place.build(tmp_path / "one", *options) == place.build(tmp_path / "two", *options)
    recorded = [
        json.loads((folder / "_manifest.json").read_bytes())["configuration"]["seed"]
        for folder in (place.folder / "parquet", tmp_path / "one")
    ]
    assert recorded == [0, 5]
    drawn = [
        {image: [chip["transform"] for chip in chips if chip["kind"] == "negative"] for image, chips in found.items()}
        for found in map(_by_image, (place.folder / "parquet", tmp_path / "one"))
    ]
    assert sum(map(len, drawn[0].values())) == sum(map(len, drawn[1].values()))
    assert drawn[0] != drawn[1]


@pytest.mark.row("K109")
@pytest.mark.parametrize("negatives", ["proposals", "random"])
def test_an_image_gives_the_same_chips_whatever_others_there_are(negatives: str, place: Place, tmp_path: Path) -> None:
    more = ("--negatives", negatives, "--workers", "1")
    place.build(tmp_path / "all", *more)
    place.build(tmp_path / "first", *more, "--limit", "3")
    document = _dataset()
    document["images"] = [image for image in document["images"] if image["id"] in {8, 11}]
    document["annotations"] = [entry for entry in document["annotations"] if entry["image_id"] in {8, 11}]
    make_place(tmp_path / "some", document).build(tmp_path / "some/out", *more)
    whole, first, some = (_by_image(tmp_path / name) for name in ("all", "first", "some/out"))
    assert sorted(whole) == [3, 5, 8, 11]
    assert first == {image: whole[image] for image in (3, 5)}  # and the second, which cannot be decoded
    assert some == {image: whole[image] for image in (8, 11)}
    assert any(chip["kind"] == "negative" for chips in (*first.values(), *some.values()) for chip in chips)
