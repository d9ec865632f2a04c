"""Everything chipgen raises on purpose, and the one shape in which it complains.

::

    ChipgenError            exit 1   one or more problems, one line each
    ├── UsageError          exit 2   (ValueError)  an option, a configuration file, a sampler's name
    ├── DataError           exit 1   (ValueError)  annotations or images that are wrong
    │   └── UnusableError                          one image or mask, which may be skipped
    ├── SamplerError        exit 1   (ValueError)  a sampler that broke its protocol
    ├── OutputError         exit 4   (OSError)     an output folder that must not be touched
    ├── StorageError        exit 1   (OSError)     a disk that refused
    └── WorkerError         exit 1   (RuntimeError) a worker process that died

A problem is one line: ``path: where: what: what to do``.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SHOWN = 20
"""Problems printed before the rest is only counted."""

REASONS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "image": MappingProxyType(
            {
                "bad_name": "the file name is empty, too long, a URL, or holds control characters",
                "outside_root": "the file name, or a link, leads out of the image folder",
                "missing": "there is no such file",
                "not_a_file": "it is a folder, a pipe or a device",
                "unreadable": "the system refuses to open it",
                "unidentified": "it is empty, or no image that anybody could name",
                "unsupported": "it is a picture of a kind that is not read, such as PDF or JPEG 2000",
                "unsupported_mode": "it has more than 8 bits a channel",
                "too_large": "it has more pixels than --max-pixels, or is a longer file than so many pixels need",
                "size_mismatch": "its size is not the one its annotations were drawn on",
                "corrupt": "it is damaged, or made to take more time or memory than its pixels",
            }
        ),
        "annotation": MappingProxyType(
            {
                "zero_area": "the bbox has no width or no height",
                "negative_size": "the bbox has a negative width or height",
                "not_finite": "the bbox holds NaN, Infinity or numbers too large to add",
                "outside": "the bbox lies outside its image",
                "bad_bbox": "the bbox is missing or is not four numbers",
                "unknown_image": "image_id names no image",
                "unknown_category": "category_id names no category",
            }
        ),
        "mask": MappingProxyType(
            {
                "bad_polygon": "an outline is no list of finite points, encloses nothing, or crosses itself too often",
                "bad_rle": "the run-length code is damaged, or not of this image",
                "bad_mask": "it is neither a list of polygons nor a run-length code, or is nested too deeply",
                "bad_keypoints": "the keypoints are no triples of finite numbers",
            }
        ),
        "proposal": MappingProxyType(
            {
                "not_finite": "the box holds NaN, Infinity or numbers too large to add",
                "negative_size": "the box has a negative width or height",
                "zero_area": "the box has no width or no height",
                "bad_score": "the score is NaN or infinite",
                "outside": "the box lies outside its image",
            }
        ),
    }
)
"""Why things are skipped: for each ``kind`` of a line in ``_skipped.jsonl`` its reasons, each with what it means.

The list is closed: no line has another reason. Annotations of a skipped image have its reason in the ledger.
"""


LONGEST = 1000
"""Characters of a part of a problem; a path is shorter, a name of a megabyte is not."""


def _printable(text: str) -> str:
    """Escape what a terminal or a log cannot show: control characters, lone surrogates; leave out what is too much."""
    text = text if len(text) <= LONGEST else f"{text[: LONGEST - 100]}...{text[-97:]}"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Parameters
    ----------
    path
        The file or option that holds it.
    where
        The entry inside it; empty when the whole of it is meant.
    what
        What is wrong.
    todo
        What the user can do about it.
    """

    path: str
    where: str
    what: str
    todo: str

    def __str__(self) -> str:
        """Return the one line a user reads."""
        return ": ".join(_printable(part) for part in (self.path, self.where, self.what, self.todo) if part)


class ChipgenError(Exception):
    """Base of every error chipgen raises on purpose.

    Parameters
    ----------
    problems
        All problems found, in the order in which a user would look for them.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        """Return one line for each of the first problems, and the number of the others."""
        lines = [str(problem) for problem in self.problems[:SHOWN]]
        if len(self.problems) > SHOWN:
            rest = len(self.problems) - SHOWN
            lines.append(f"{self.problems[0].path}: and {rest} more: mend these first, then run again")
        return "\n".join(lines)

    @classmethod
    def one(cls, path: object, where: str, what: str, todo: str) -> ChipgenError:
        """Return an error with a single problem."""
        return cls([Problem(str(path), where, what, todo)])


class UsageError(ChipgenError, ValueError):
    """An option or configuration that cannot be meant."""

    exit_code = 2


class DataError(ChipgenError, ValueError):
    """Annotations or images that are wrong."""


class SamplerError(ChipgenError, ValueError):
    """A sampler that raised, or returned what the protocol forbids."""


class OutputError(ChipgenError, OSError):
    """An output folder chipgen must not touch."""

    exit_code = 4


class StorageError(ChipgenError, OSError):
    """A disk that refused to read, write, flush or rename."""


class WorkerError(ChipgenError, RuntimeError):
    """A worker process that died, or one for which there is not enough memory."""


class UnusableError(DataError):
    """One image or mask that cannot be used; it becomes a line of ``_skipped.jsonl``.

    Parameters
    ----------
    reason
        A word from `REASONS`.
    message
        The same for a human reader.
    """

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        self.message = _printable(message)  # it may quote what a library says about bytes
        super().__init__([Problem("", "", self.message, reason)])

    def __reduce__(self) -> tuple[type[UnusableError], tuple[str, str]]:
        """Travel between processes by reason and message."""
        return type(self), (self.reason, self.message)
