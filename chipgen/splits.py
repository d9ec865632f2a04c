"""The datasets of several splits: read from a file each, or one dataset split by its images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chipgen.coco import STREAMED_ABOVE, read_coco
from chipgen.coco.fields import image_field
from chipgen.splitting import Splitting, one_table, split_dataset

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from chipgen.dataset import Dataset


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
