"""The slow pass: what exactly is wrong with a COCO file, entry by entry, in words a user can act on.

It forgives what does no harm (an integral float as a width, a null `ignore`) and returns the entry; otherwise it
adds to the list of problems. It sees only what the fast pass refused.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from chipgen.errors import DataError, Problem
from chipgen.loose_json import kind

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_IMAGE_SIDE = 10_000_000
INT64 = range(-(2**63), 2**63)
SECTIONS = ("images", "annotations", "categories")
FIELDS = (
    *("id", "image_id", "category_id", "bbox", "iscrowd", "ignore", "difficult", "segmentation", "counts", "size"),
    *("keypoints", "file_name", "width", "height", "name"),
)
"""Keys that must not stand twice in one entry: JSON readers silently keep the last."""
KNOWN = frozenset({*SECTIONS, *FIELDS})


class _TwiceError(ValueError):
    """A key stands twice in one object."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object, refusing keys that stand twice and mean something; of others the last is kept."""
    value = dict(pairs)
    if len(value) < len(pairs):
        twice = sorted(key for key, count in Counter(key for key, _ in pairs).items() if count > 1 and key in KNOWN)
        if twice:
            raise _TwiceError(", ".join(twice))
    return value


def sections(data: bytes, path: str) -> tuple[list[bytes], ...]:
    """Return the entries of ``images``, ``annotations`` and ``categories``, each as JSON text.

    Raises
    ------
    DataError
        With every reason why that is not possible.
    """
    value = _parse_file(data, path)
    if isinstance(value, list):
        detections = bool(value) and isinstance(value[0], dict) and "image_id" in value[0]
        what = "is a list of detections, not a dataset" if detections else "is a list, not an object"
        raise DataError.one(path, "top level", what, "name a file with images, annotations and categories")
    if not isinstance(value, dict):
        what = f"is {kind(value)}, not an object"
        raise DataError.one(path, "top level", what, "name a file with images, annotations and categories")
    problems = [
        Problem(path, name, f"is {kind(value[name])}, not a list" if name in value else "is missing", todo)
        for name, todo in zip(
            SECTIONS, ("list the images", "use [] if there are none", "list the classes"), strict=True
        )
        if not isinstance(value.get(name), list)
    ]
    if problems:
        raise DataError(problems)
    try:
        return tuple([json.dumps(entry).encode() for entry in value[name]] for name in SECTIONS)
    except RecursionError as error:
        raise DataError.one(path, "", "cannot be parsed (nested too deeply)", "write the file again") from error


def _parse_file(data: bytes, path: str) -> Any:
    """Parse a whole file with everything Python's reader forgives, or say why not."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        what = f"is not UTF-8 (byte {error.start})"
        raise DataError.one(path, "", what, "save the file as UTF-8") from error
    if not text.strip():
        raise DataError.one(path, "", "is empty", "name a COCO JSON file")
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise DataError.one(path, where, f"no valid JSON ({error.msg})", "write the file again") from error
    except _TwiceError as error:
        raise DataError.one(path, "", f"key {error} stands twice in one object", "keep one of them") from error
    except (RecursionError, ValueError) as error:
        what = f"cannot be parsed ({_reason(error)})"
        raise DataError.one(path, "", what, "write the file again") from error


def _reason(error: Exception) -> str:
    """Say in few words why parsing failed."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return "a number has thousands of digits" if "digits" in str(error) else str(error)


class _Entry:
    """One entry under examination: reads fields, notes what is wrong with them."""

    def __init__(self, raw: bytes, where: str, problems: list[Problem]) -> None:
        self.path, _, self.where = where.rpartition(": ")
        self.problems = problems
        self.faults = 0
        self.value: dict[str, Any] = {}
        try:
            value = json.loads(raw, object_pairs_hook=_unique)
        except _TwiceError as error:
            self.fault(f"key {error} stands twice", "keep one of them")
        except (RecursionError, ValueError) as error:
            self.fault(f"cannot be parsed ({_reason(error)})", "write the entry again")
        else:
            if isinstance(value, dict):
                self.value = value
            else:
                self.fault(f"is {kind(value)}, not an object", "write an object or remove it")

    def fault(self, what: str, todo: str) -> None:
        """Note a problem."""
        self.faults += 1
        name = f" (id {self.value['id']!r:.60})" if "id" in self.value else ""
        self.problems.append(Problem(self.path, self.where + name, what, todo))

    def identifier(self, key: str) -> int:
        """Return a field that must be a 64-bit integer."""
        value = self.value.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            if value in INT64:
                return value
            self.fault(f"{key} does not fit into 64 bits", "use smaller ids")
        elif self.value:
            is_number = isinstance(value, float) and value.is_integer()
            todo = f"write {value:.0f}" if is_number else "ids are integers; use the same form everywhere"
            self.fault(f"{key} is {kind(value)}" if key in self.value else f"{key} is missing", todo)
        return 0

    def side(self, key: str) -> int:
        """Return a width or height."""
        value = self.value.get(key)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if is_number and 1 <= self.value[key] <= MAX_IMAGE_SIDE and self.value[key] % 1 == 0:
            return int(self.value[key])
        if self.value:
            shown = f"{key} is {kind(value)}" if key in self.value else f"{key} is missing"
            todo = f"write the image's {key} in pixels, 1 to {MAX_IMAGE_SIDE:,}"
            self.fault(shown, todo)
        return 1

    def text(self, key: str) -> str:
        """Return a field that must be text."""
        value = self.value.get(key)
        if isinstance(value, str):
            return value
        if self.value:
            self.fault(f"{key} is {kind(value)}" if key in self.value else f"{key} is missing", "write text")
        return ""

    def flag(self, key: str, allowed: Iterable[object]) -> int:
        """Return a field that is 0 or 1, or 0 when absent."""
        if key not in self.value:
            return 0
        value = self.value[key]
        if any(value is other or (type(value) is type(other) and value == other) for other in allowed):
            return int(bool(value))
        self.fault(f"{key} is {kind(value)}", "write 0 or 1")
        return 0


def image(raw: bytes, where: str, problems: list[Problem]) -> dict[str, Any] | None:
    """Return the fields of an image, or None after saying what is wrong."""
    entry = _Entry(raw, where, problems)
    fields: dict[str, Any] = {
        "id": entry.identifier("id"),
        "file_name": entry.text("file_name"),
        "width": entry.side("width"),
        "height": entry.side("height"),
    }
    return None if entry.faults else fields


def annotation(raw: bytes, where: str, problems: list[Problem]) -> dict[str, Any] | None:
    """Return the fields of an annotation, or None after saying what is wrong; `bbox` is None when it is unusable."""
    entry = _Entry(raw, where, problems)
    fields: dict[str, Any] = {
        "id": entry.identifier("id"),
        "image_id": entry.identifier("image_id"),
        "category_id": entry.identifier("category_id"),
        "bbox": _box(entry.value.get("bbox")),
        "iscrowd": entry.flag("iscrowd", (0, 1)),
        "ignore": entry.flag("ignore", (0, 1, False, True, None)),
        "difficult": entry.flag("difficult", (0, 1, False, True, None)),
    }
    return None if entry.faults else fields


def category(raw: bytes, where: str, problems: list[Problem]) -> dict[str, Any] | None:
    """Return the fields of a category, or None after saying what is wrong."""
    entry = _Entry(raw, where, problems)
    fields: dict[str, Any] = {"id": entry.identifier("id"), "name": entry.text("name")}
    return None if entry.faults else fields


def _box(value: Any) -> tuple[float, ...] | None:
    """Return four numbers, NaN and Infinity included, or None."""
    if not isinstance(value, list) or len(value) != 4:
        return None
    if any(isinstance(number, bool) or not isinstance(number, (int, float)) for number in value):
        return None
    return tuple(float(number) if abs(number) < 1e308 else math.inf for number in value)
