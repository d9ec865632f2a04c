"""What comes up while chips are made: what was skipped, what is worth knowing, and which files were read."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from chipgen.dataset import Skipped
from chipgen.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class ImageFile:
    """What an image was when its chips were cut.

    Parameters
    ----------
    bytes, sha256
        Length and checksum of its file.
    sampled
        Whether the checksum is that of samples: of the directories of a large raster and of pieces of its file.
    """

    bytes: int
    sha256: str
    sampled: bool = False


@dataclass
class Findings:
    """What came up while chips were made; images go by their row in the dataset.

    Parameters
    ----------
    skipped
        Images and masks that could not be used.
    notes
        Remarks about each image: one cut over two shards is one image.
    images
        Reason of each skipped image.
    files
        The file of each image that was read.
    """

    skipped: list[Skipped] = field(default_factory=list)
    notes: dict[int, tuple[str, ...]] = field(default_factory=dict)
    images: dict[int, str] = field(default_factory=dict)
    files: dict[int, ImageFile] = field(default_factory=dict)

    def remarks(self) -> tuple[str, ...]:
        """Return all remarks, with how many images each applies to."""
        remarks = Counter(note for notes in self.notes.values() for note in notes)
        return tuple(f"{counted(count, 'image')}: {note}" for note, count in sorted(remarks.items()))

    def to_plain(self) -> dict[str, Any]:
        """Return plain values, for a line of the journal."""
        return {
            "skipped": [asdict(entry) for entry in self.skipped],
            "notes": [[row, *notes] for row, notes in self.notes.items()],
            "images": [[row, reason] for row, reason in self.images.items()],
            "files": [[row, file.bytes, file.sha256, file.sampled] for row, file in self.files.items()],
        }

    @classmethod
    def from_plain(cls, value: dict[str, Any]) -> Findings:
        """Return what `to_plain` was made from."""
        return cls(
            skipped=[Skipped(**entry) for entry in value["skipped"]],
            notes={row: tuple(notes) for row, *notes in value["notes"]},
            images=dict(value["images"]),
            files={row: ImageFile(*file) for row, *file in value["files"]},
        )


def merge(parts: Iterable[Findings]) -> Findings:
    """Put together what all shards found; an image cut over two shards is skipped once."""
    merged, seen = Findings(), set()
    for part in parts:
        merged.notes.update(part.notes)
        merged.images.update(part.images)
        merged.files.update(part.files)
        for entry in part.skipped:
            key = (entry.kind, entry.image_id, entry.annotation_id, entry.reason)
            if key not in seen:
                seen.add(key)
                merged.skipped.append(entry)
    merged.skipped.sort(key=_source_order)
    return merged


def _source_order(entry: Skipped) -> tuple[int, int, str]:
    """Return the key that sorts skipped things by image and annotation."""
    annotation_id = -(2**63) - 1 if entry.annotation_id is None else entry.annotation_id
    return entry.image_id or 0, annotation_id, entry.reason
