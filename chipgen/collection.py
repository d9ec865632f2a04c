"""Several splits in one folder: a build for each, in a folder of its own, and beside them what speaks of all.

Each split is a build like any other: it keeps every promise by itself, is resumed, verified and described by itself.
The folder above adds the files that trainers look for there, a card and, for YOLO, `data.yaml`, and a manifest that
lists these and names the splits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipgen import _version
from chipgen.build import run
from chipgen.card import CARD, collection_card
from chipgen.coco import STREAMED_ABOVE, read_coco
from chipgen.coco.fields import image_field
from chipgen.errors import UsageError
from chipgen.export_config import ExportConfig, ExportSettings
from chipgen.fingerprint import FORMAT_VERSION
from chipgen.inputs import image_root, refuse_missing, refuse_splits, shared_files
from chipgen.splitting import Splitting, one_table, split_dataset
from chipgen.store import Entry, Output, survey
from chipgen.writers.yolo import DATA, data_yaml, key_of

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping

    from typing_extensions import Unpack

    from chipgen.dataset import Dataset
    from chipgen.finished import BuildReport
    from chipgen.plan import Plan
    from chipgen.store import Start

ROBOFLOW_FOLDERS = {"val": "valid", "validation": "valid", "dev": "valid"}
"""Folders in which trainers of Roboflow's look for splits that go by another name."""


LOOK_FOR_VALIDATION = {("yolo", "plain"), ("coco", "roboflow")}
"""Formats and layouts whose trainers do not begin without a split to validate on."""


@dataclass(frozen=True)
class CollectionReport:
    """What became of several splits.

    Parameters
    ----------
    out
        The folder that holds them.
    splits
        Each of them.
    notes
        What is worth knowing of them together.
    unchanged
        Whether nothing was written.
    """

    out: str
    splits: dict[str, BuildReport]
    notes: tuple[str, ...] = ()
    unchanged: bool = False

    def within(self, limit: int) -> bool:
        """Tell whether no more was skipped in all splits than allowed."""
        return sum(sum(report.skipped.values()) for report in self.splits.values()) <= limit


def read_splits(
    paths: Mapping[str, str | os.PathLike[str]],
    images: Mapping[str, str | os.PathLike[str]] | None = None,
    *,
    on_error: str = "fail",
) -> dict[str, Dataset]:
    """Read an annotation file for each split and give all of them one category table.

    Parameters
    ----------
    paths
        The annotation file of each split, by name.
    images
        The image folder of those whose images do not lie near it.
    on_error
        As for `read_coco`.

    Returns
    -------
    dict of Dataset
        By name, to be planned each for itself.

    Raises
    ------
    DataError
        With every problem of a file.
    UsageError
        A category id has two names.
    """
    folders = images or {}
    return one_table({name: read_coco(path, folders.get(name), on_error=on_error) for name, path in paths.items()})


def split(
    dataset: Dataset,
    val_fraction: float,
    group_by: str | None = None,
    *,
    seed: int = 0,
    names: tuple[str, str] = ("train", "val"),
) -> dict[str, Dataset]:
    """Split a dataset by its images into those that train and those that validate.

    Parameters
    ----------
    dataset
        What `read_coco` returned.
    val_fraction
        Share of the images that validate, between 0 and 1.
    group_by
        What images that must stay together have in common: a regular expression with brackets on the file name, or a
        field of the images.
    seed
        Seed of the draw.
    names
        What the two sides are called.

    Returns
    -------
    dict of Dataset
        By name, to be planned each for itself.

    Raises
    ------
    UsageError
        The share is none, or no image has what is grouped by.
    DataError
        The annotation file cannot be read again, for the field.
    """
    splitting = Splitting(val_fraction, group_by, seed)
    fields = None
    if splitting.field is not None:
        fields = image_field(dataset.source.path, splitting.field, streamed_above=STREAMED_ABOVE)
    return split_dataset(dataset, splitting, fields, names)


def export_splits(
    plans: Mapping[str, Plan],
    out: str | os.PathLike[str],
    format: str = "parquet",  # noqa: A002 -- the option's name
    **settings: Unpack[ExportSettings],
) -> CollectionReport:
    """Cut the chips of several splits and write each into a folder of its own; see `export`.

    Parameters
    ----------
    plans
        The plan of each split, by name.
    out
        The folder that holds them: new, empty, or of the same splits, finished or not.
    format, **settings
        As for `export`; each split has its own name.

    Returns
    -------
    CollectionReport
        What was written and what was skipped.

    Raises
    ------
    UsageError, DataError, OutputError, StorageError, WorkerError
        As `export` raises them; splits that were finished stay, and the same call goes on with the others.
    """
    return run_splits(plans, Path(out), ExportConfig(format=format, **settings))


def run_splits(plans: Mapping[str, Plan], out: Path, config: ExportConfig) -> CollectionReport:
    """Export several splits as a configuration says; see `export_splits`."""
    collection = _Collection(dict(plans), out, config)
    refuse_splits(out, collection.folders.values())
    with Output(out, overwrite=config.overwrite, nested=collection.folders.values()) as output:
        start = output.start(collection.record, lambda _: False, by_content=config.verify)
        collection.refuse_missing()
        reports = {
            name: run(plan, out / collection.folders[name], collection.config_of(name)) for name, plan in plans.items()
        }
        unchanged = all(report.unchanged for report in reports.values())
        if start.finished is None or start.lost or not unchanged:
            collection.finish(output, start, reports)
            unchanged = False
    notes = [*shared_files(plans), *collection.said_of_validation()]
    return CollectionReport(str(out), reports, tuple(notes), unchanged)


class _Collection:
    """The splits of one run.

    Parameters
    ----------
    plans
        The plan of each, by name.
    out, config
        Where and how they are written.
    """

    def __init__(self, plans: dict[str, Plan], out: Path, config: ExportConfig) -> None:
        self.plans, self.out, self.config = plans, out, config
        self.folders = {name: folder_of(name, config.layout) for name in plans}
        if len({plan.dataset.categories.raw for plan in plans.values()}) > 1:
            todo = "read the files with read_splits, which gives them one"
            raise UsageError.one("--coco", "", "the splits have different category tables", todo)
        places = {"folder": set(self.folders.values()), "key in data.yaml": set(map(key_of, plans))}
        for place, names in places.items():
            if len(names) < len(plans) and (place == "folder" or config.format == "yolo"):
                what = f"{' and '.join(plans)} would share a {place}"
                raise UsageError.one("--coco", "", what, "give the splits other names")

    @property
    def record(self) -> dict[str, Any]:
        """Return what the folder is, as its manifest says it; all else is said by those of the splits."""
        told = {"format": self.config.format, "layout": self.config.layout, "splits": self.folders}
        return {"format_version": FORMAT_VERSION, "chipgen_version": _version.__version__, "configuration": told}

    def config_of(self, name: str) -> ExportConfig:
        """Return how a split is exported."""
        return replace(self.config, split=name)

    def said_of_validation(self) -> Iterator[str]:
        """Say that trainers will miss a split."""
        names = [*self.folders.values()] if self.config.layout == "roboflow" else [*map(key_of, self.folders)]
        wanted = "valid" if self.config.layout == "roboflow" else "val"
        if (self.config.format, self.config.layout) in LOOK_FOR_VALIDATION and wanted not in names:
            yield f"there is no split {wanted}, which trainers look for: --val-fraction makes one"

    def refuse_missing(self) -> None:
        """Look for the images of all splits before the first is cut: that one is missing is to be known in seconds.

        Raises
        ------
        DataError
            With every image that is not there.
        """
        if self.config.on_error != "fail":
            return
        for name, plan in self.plans.items():
            if not survey(self.out / self.folders[name]).finished:
                shards, root = range(len(plan.shards) - 1), image_root(plan)
                refuse_missing(plan, shards, root, follow_symlinks=self.config.follow_symlinks)

    def finish(self, output: Output, start: Start, reports: dict[str, BuildReport]) -> None:
        """Write what speaks of all splits."""
        if start.finished is not None:
            output.reopen((), Entry(()), ())
        staging = output.staging("tables")
        categories = next(iter(self.plans.values())).dataset.categories
        staging.write(CARD, collection_card(self.folders, reports, categories, self.config).encode())
        if self.config.format == "yolo":
            places = {name: f"{folder}/images" for name, folder in self.folders.items()}
            staging.write(DATA, data_yaml(categories, places))
        output.finish(staging, {}, ())


def folder_of(split_name: str, layout: str) -> str:
    """Return the folder of a split, relative to that of all."""
    return ROBOFLOW_FOLDERS.get(split_name, split_name) if layout == "roboflow" else split_name
