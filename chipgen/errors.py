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
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable

SHOWN = 20
"""Problems printed before the rest is only counted."""


def _printable(text: str) -> str:
    """Escape what a terminal or a log cannot show: control characters, lone surrogates."""
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
        return _printable(": ".join(part for part in (self.path, self.where, self.what, self.todo) if part))


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
    """A worker process that died."""


class UnusableError(DataError):
    """One image or mask that cannot be used; it becomes a line of ``_skipped.jsonl``.

    Parameters
    ----------
    reason
        A word from a closed list.
    message
        The same for a human reader.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__([Problem("", "", message, reason)])
        self.reason = reason
        self.message = message

    def __reduce__(self) -> tuple[type[UnusableError], tuple[str, str]]:
        """Travel between processes by reason and message."""
        return type(self), (self.reason, self.message)
