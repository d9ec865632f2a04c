"""What a build needs of its images before and while it cuts them: a root, all of them there, none of them changed."""

from __future__ import annotations

import itertools
import os
import posixpath
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from chipgen.coco.find import fullest
from chipgen.dataset import Skipped
from chipgen.errors import DataError, OutputError, UnusableError, UsageError
from chipgen.images import absent_from, locate
from chipgen.images.rasters import INSTALL, can_decode
from chipgen.remote import is_remote, is_url, path_of
from chipgen.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from chipgen.export_config import ExportConfig
    from chipgen.findings import Findings
    from chipgen.plan import Plan


def image_root(plan: Plan) -> Path:
    """Return the image root.

    Raises
    ------
    DataError
        No image was found anywhere.
    """
    source, file_names = plan.dataset.source, plan.dataset.images.file_name
    # The reader looked for a few images only; before giving up, look for all of them.
    root = source.root or fullest(source.looked_in, file_names)
    if root is None and len(plan.chips):
        what = f"{file_names[0]!r} and the other images were not found in {', '.join(source.looked_in)}"
        raise DataError.one(source.path, "images", what, "name their folder with --images")
    return path_of(root or path_of(source.path).parent)


def refuse_look(config: ExportConfig) -> None:
    """Refuse bands and stretch where nothing can read them.

    Raises
    ------
    UsageError
        The libraries are not installed.
    """
    if config.look and not can_decode():
        name, value = next((name, value) for name, value in config.look.recorded().items() if value is not None)
        raise UsageError.one(f"--{name}", value, "needs tifffile and imagecodecs", INSTALL)


def refuse_nesting(out: Path, root: Path, annotations: Path) -> None:
    """Refuse an output folder that would mix with the input.

    A folder beside the annotation file is fine even when the images lie there too: it is the default. What lies in a
    storage and what lies on the disk do not mix.

    Raises
    ------
    UsageError
        It is the image root, or lies in a folder of images.
    """
    target, images, beside = map(_real, (out, root, annotations.parent))
    if is_remote(target) != is_remote(images):
        return
    if target == images or (target.is_relative_to(images) and images != beside):
        what = f"lies in the image folder {root}"
        raise UsageError.one("--out", str(out), what, "choose a folder outside it")


def _real(path: Path) -> Path:
    """Return where a path leads: there are no links in a storage."""
    return cast("Path", path.normal()) if is_remote(path) else Path(os.path.realpath(path))


def shared_files(plans: Mapping[str, Plan]) -> Iterator[str]:
    """Yield a note for each pair of splits that cut chips from the same pictures."""
    shown = {name: set(_paths(plan)) for name, plan in plans.items()}
    for one, other in itertools.combinations(shown, 2):
        both = sorted(shown[one] & shown[other])
        if both:
            yield f"{counted(len(both), 'picture')} of {one} and {other} are the same, such as {Path(both[0]).name}"


def _paths(plan: Plan) -> Iterator[str]:
    """Yield the picture files that a plan shows."""
    images, root = plan.dataset.images, plan.dataset.source.root or ""
    for row in np.unique(plan.chips.image).tolist():
        if is_url(root):  # whose names may hold what is none on a disk
            yield f"{root}/{posixpath.normpath(images.file_name[row])}"
            continue
        yield os.path.normpath(os.path.join(root, images.file_name[row]))  # noqa: PTH118 -- pathlib keeps ".."


def refuse_missing(plan: Plan, shards: Iterable[int], root: Path, *, follow_symlinks: bool) -> None:
    """Look for all images of some shards before the first is decoded, so that a missing one is known in seconds.

    Raises
    ------
    DataError
        With every image that is not there.
    StorageError
        A storage does not answer.
    """
    problems = [plan.dataset.source.problem(entry) for entry in _missing(plan, shards, root, follow_symlinks)]
    if problems:
        raise DataError(problems)


def _missing(plan: Plan, shards: Iterable[int], root: Path, follow_symlinks: bool) -> Iterator[Skipped]:
    """Yield the images that are not there."""
    images = plan.dataset.images
    spans = (slice(*plan.shards[index : index + 2]) for index in shards)
    rows = sorted({row for span in spans for row in plan.chips.image[span].tolist()})
    refuse_absent = absent_from(root, [images.file_name[row] for row in rows]) if is_remote(root) else lambda _: None
    for row in rows:
        name = images.file_name[row]
        try:
            refuse_absent(locate(root, name, follow_symlinks=follow_symlinks))
        except UnusableError as error:
            yield Skipped("image", int(images.id[row]), None, name, error.reason, error.message)


def refuse_changed(plan: Plan, root: Path, before: Findings, now: Findings, *, may_go: bool) -> None:
    """Refuse to mix chips of an image with chips of what it was before.

    Parameters
    ----------
    plan, root
        What is built, and where its images are.
    before, now
        What chips that stay were cut from, and what others have been cut from now.
    may_go
        Whether an image may have become unusable in the meantime.

    Raises
    ------
    OutputError
        An image is another, or is gone.
    """
    for row, file in before.files.items():
        gone = row in now.images and not may_go
        if gone or now.files.get(row, file) != file:
            image_id = plan.dataset.source.said(int(plan.dataset.images.id[row]))
            name = plan.dataset.images.file_name[row]
            what = f"{'is gone or broken' if gone else 'has changed'} since chips were cut from it"
            todo = "put the file back, or build anew with --overwrite"
            raise OutputError.one(root / name, f"image {image_id}", what, todo)
