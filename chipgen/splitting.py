"""Which source images train and which validate.

Images are split, never chips: chips of one picture overlap, and one picture on both sides would be learnt by heart.
Pictures of one flight, patient or video belong together for the same reason, so whole groups of them go to one side.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from chipgen.dataset import Categories, Images
from chipgen.errors import UsageError
from chipgen.streams import hashes
from chipgen.text import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from chipgen.boxes import Bools
    from chipgen.dataset import Dataset

TRAIN, VAL = "train", "val"


@dataclass(frozen=True)
class Splitting:
    """How the images of one dataset are split.

    Parameters
    ----------
    val_fraction
        Share of the images that validate, between 0 and 1.
    group_by
        What images that belong together have in common: a regular expression on the file name, or the name of a field
        of the images; None for each image by itself. It is a regular expression when it has a bracket: of what that
        matches the brackets count.
    seed
        Seed of the draw.
    """

    val_fraction: float
    group_by: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.val_fraction < 1:
            todo = "use a share between 0 and 1, such as 0.1"
            raise UsageError.one("--val-fraction", f"{self.val_fraction:g}", "is not possible", todo)
        if self.pattern is not None and not self.pattern.groups:
            todo = "put what images of one group have in common in brackets: ^(.*)_\\d+"
            raise UsageError.one("--group-by", str(self.group_by), "has no group", todo)

    @property
    def pattern(self) -> re.Pattern[str] | None:
        """Return the regular expression; None when a field is named.

        Raises
        ------
        UsageError
            It is none.
        """
        if self.group_by is None or "(" not in self.group_by:
            return None
        try:
            return re.compile(self.group_by)
        except re.error as error:
            todo = "mend it, or name a field of the images"
            raise UsageError.one("--group-by", self.group_by, f"is no regular expression ({error})", todo) from error

    @property
    def field(self) -> str | None:
        """Return the field of the images that is asked for; None when there is none."""
        return None if self.group_by is None or self.pattern is not None else self.group_by

    def recorded(self) -> dict[str, Any]:
        """Return the settings that decide the split, for the manifest."""
        return {"val_fraction": self.val_fraction, "group_by": self.group_by}


def split_dataset(
    dataset: Dataset,
    splitting: Splitting,
    fields: Mapping[int, str] | None = None,
    names: tuple[str, str] = (TRAIN, VAL),
) -> dict[str, Dataset]:
    """Split a dataset by its images.

    Parameters
    ----------
    dataset
        What `read_coco` returned.
    splitting
        How.
    fields
        Value of the field that is grouped by, by image id; images without one are missing.
    names
        What the two sides are called.

    Returns
    -------
    dict of Dataset
        Both sides; annotations of no image go with the first.

    Raises
    ------
    UsageError
        No image has what is grouped by, or there are less than two groups.
    """
    keys, alone = _keys(dataset, splitting, fields or {})
    validates = draw_groups(keys, splitting.val_fraction, splitting.seed)
    told = (f"{counted(alone, 'image')} without {splitting.group_by}: each is a group by itself",) if alone else ()
    return {
        names[0]: replace(_side(dataset, ~validates, splitting, first=True), notes=(*dataset.notes, *told)),
        names[1]: replace(_side(dataset, validates, splitting, first=False), notes=()),
    }


def _side(dataset: Dataset, mine: Bools, splitting: Splitting, *, first: bool) -> Dataset:
    """Return one side of a split.

    Parameters
    ----------
    dataset, splitting
        What was split, and how.
    mine
        Which images are of this side, shape ``(M,)``, bool.
    first
        Whether annotations of no image go with it: they must be accounted for once.
    """
    images, annotations, rows = dataset.images, dataset.annotations, np.flatnonzero(mine)
    taken = Images(images.id[rows], tuple(images.file_name[row] for row in rows.tolist()), images.size_img[rows])
    new = np.full(len(images) + 1, -1)  # the last for annotations of no image, whose image is -1
    new[rows] = np.arange(len(rows))
    image = new[annotations.image]
    kept = np.flatnonzero((image >= 0) | ((annotations.image < 0) & first))
    ids, known = set(taken.id.tolist()), set(images.id.tolist())
    return replace(
        dataset,
        images=taken,
        annotations=replace(annotations.at(kept), image=image[kept]),
        skipped=tuple(e for e in dataset.skipped if e.image_id in ids or (first and e.image_id not in known)),
        splitting=splitting,
    )


def _keys(dataset: Dataset, splitting: Splitting, fields: Mapping[int, str]) -> tuple[list[str], int]:
    """Return the group of each image, and how many images are one by themselves for want of what is grouped by."""
    images = list(zip(dataset.images.id.tolist(), dataset.images.file_name, strict=True))
    if splitting.group_by is None:
        return [f"image {image_id}" for image_id, _ in images], 0
    found = [_matched(splitting.pattern, name) if splitting.pattern else fields.get(key) for key, name in images]
    alone = found.count(None)
    if images and alone == len(images):
        what = "matches no file name" if splitting.pattern else "is a field of no image"
        raise UsageError.one("--group-by", str(splitting.group_by), what, f"see for example {images[0][1]!r:.200}")
    keys = [f"image {one[0]}" if key is None else f"group {key}" for one, key in zip(images, found, strict=True)]
    return keys, alone


def _matched(pattern: re.Pattern[str], name: str) -> str | None:
    """Return what the brackets of a pattern match of a name; None when it does not match."""
    match = pattern.search(name)
    return None if match is None else "\n".join(part or "" for part in match.groups())


def draw_groups(keys: Sequence[str], fraction: float, seed: int) -> Bools:
    """Draw whole groups until they hold about a share of all images.

    Groups are drawn in the order of a hash of seed and group: whatever else is in the dataset, and in whatever
    order, a group comes before another or not, so that images added later move few to the other side.

    Parameters
    ----------
    keys
        Group of each image.
    fraction
        Share of the images to draw.
    seed
        Seed of the draw.

    Returns
    -------
    ndarray
        Which images are drawn, shape ``(len(keys),)``, bool: of the prefixes of that order the one whose share is
        closest, at least one group, and not all.

    Raises
    ------
    UsageError
        There are less than two groups.
    """
    groups, owner, counts = np.unique(np.array(keys, dtype=np.str_), return_inverse=True, return_counts=True)
    if len(groups) < 2:
        what = f"{counted(len(keys), 'image')} in {counted(len(groups), 'group')} cannot be split"
        raise UsageError.one("--val-fraction", f"{fraction:g}", what, "leave it out, or choose another --group-by")
    order = np.argsort(_words_of(groups.tolist(), seed), kind="stable")
    sums = np.cumsum(counts[order])[:-1]
    last = int(np.argmin(np.abs(sums - fraction * len(keys))))
    drawn = np.zeros(len(groups), dtype=np.bool_)
    drawn[order[: last + 1]] = True
    return np.asarray(drawn[owner.reshape(-1)], dtype=np.bool_)


def _words_of(texts: Sequence[str], seed: int) -> NDArray[np.uint64]:
    """Return a random-looking word for each text, the same on any machine."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    lengths = np.array([len(text) for text in encoded], dtype=np.uint64)
    width = -(-int(lengths.max(initial=1)) // 8) * 8
    pieces = np.array(encoded, dtype=f"S{width}").view("<u8").reshape(len(texts), -1).astype(np.uint64)
    words = hashes(np.full(len(texts), seed, dtype=np.uint64), lengths)
    for place, column in enumerate(pieces.T):
        inside = lengths > 8 * place  # a text's word does not depend on how long the longest of them is
        words[inside] = hashes(words[inside], column[inside])
    return words


def one_table(datasets: Mapping[str, Dataset]) -> dict[str, Dataset]:
    """Give datasets that are splits of one the same category table, so that a class has one number in all of them.

    Categories go by their id; the table is that of the first dataset, followed by what the others have besides.

    Raises
    ------
    UsageError
        An id has two names.
    """
    rows: dict[int, tuple[str, bytes]] = {}
    for split, dataset in datasets.items():
        table = dataset.categories
        for identifier, name, raw in zip(table.id.tolist(), table.name, table.raw, strict=True):
            known = rows.setdefault(identifier, (name, raw))
            if known[0] != name:
                what = f"category {identifier} is {name!r:.100} here and {known[0]!r:.100} in the splits before"
                raise UsageError.one("--coco", split, what, "give them the same category table")
    return {split: _with_categories(dataset, rows) for split, dataset in datasets.items()}


def _with_categories(dataset: Dataset, rows: Mapping[int, tuple[str, bytes]]) -> Dataset:
    """Return a dataset with another category table, in which all its categories are.

    Parameters
    ----------
    dataset
        The dataset.
    rows
        Name and JSON of each category by its id, in the order of the table.
    """
    ids, names, raws = list(rows), [name for name, _ in rows.values()], [raw for _, raw in rows.values()]
    table = Categories(np.array(ids, dtype=np.int64), tuple(names), tuple(raws))
    own, annotations = dataset.categories, dataset.annotations
    if own.id.tolist() == ids and own.raw == table.raw:
        return dataset
    places = {identifier: place for place, identifier in enumerate(ids)}
    new = np.array([places[identifier] for identifier in own.id.tolist()] + [-1], dtype=np.int64)
    return replace(dataset, categories=table, annotations=replace(annotations, category=new[annotations.category]))
