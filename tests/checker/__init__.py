"""An independent checker of finished builds.

Written from the contract alone: nothing here imports chipgen, so that a mistake in its laws is not repeated in their
check. Loops over single boxes and chips, readable rather than fast. Every check raises an AssertionError that names the
chip and the annotation.
"""

from __future__ import annotations

from checker.boxes import check_boxes, check_coverage, check_extra
from checker.files import check_files
from checker.geometry import check_geometry
from checker.ledger import check_ledger
from checker.masks import check_keypoints, check_masks
from checker.model import Build, Negatives, Settings, Source
from checker.negatives import check_negatives
from checker.output import read_build
from checker.pixels import check_pixels
from checker.proposals import read_proposals
from checker.source import read_source

__all__ = [
    "Build",
    "Negatives",
    "Settings",
    "Source",
    "check_all",
    "check_boxes",
    "check_coverage",
    "check_extra",
    "check_files",
    "check_geometry",
    "check_keypoints",
    "check_ledger",
    "check_masks",
    "check_negatives",
    "check_pixels",
    "read_build",
    "read_proposals",
    "read_source",
]


def check_all(source: Source, build: Build, settings: Settings) -> None:
    """Run every check."""
    check_files(build, source)
    for check in (check_geometry, check_coverage, check_boxes, check_extra, check_ledger, check_masks, check_negatives):
        check(source, build, settings)
    check_keypoints(source, build, settings)
    check_pixels(source, build, settings)
