"""The same proposals in every form that is read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from chipgen.boxes import Floats, Ints


@dataclass(frozen=True)
class Made:
    """Proposals in the order of their file."""

    image_id: Ints
    box: Floats
    score: Floats | None = None

    def entries(self) -> list[dict[str, Any]]:
        """Return them as entries of COCO results."""
        found: list[dict[str, Any]] = [
            {"image_id": image_id, "bbox": box}
            for image_id, box in zip(self.image_id.tolist(), self.box.tolist(), strict=True)
        ]
        if self.score is not None:
            for entry, score in zip(found, self.score.tolist(), strict=True):
                entry["score"] = score
        return found

    def columns(self) -> dict[str, Any]:
        """Return them as columns of a table."""
        named = {"image_id": self.image_id, **{name: self.box[:, side] for side, name in enumerate("xywh")}}
        return named if self.score is None else {**named, "score": self.score}

    def order(self) -> Ints:
        """Return the rows by image, falling score, and position."""
        falling = [] if self.score is None else [-self.score]
        return np.lexsort((*falling, self.image_id))


def some(count: int = 300, images: int = 20, seed: int = 0, *, scored: bool = True) -> Made:
    """Return ordinary proposals in no order, with scores that are often equal."""
    rng = np.random.default_rng(seed)
    score = rng.integers(20, size=count) / 20 if scored else None
    return Made(rng.integers(images, size=count), rng.random((count, 4)) * 300 + 1, score)


def write_json(made: Made, path: Path) -> None:
    path.write_text(json.dumps(made.entries()), encoding="ascii")


def write_lines(made: Made, path: Path) -> None:
    path.write_text("".join(json.dumps(entry) + "\n" for entry in made.entries()), encoding="ascii")


def write_table(made: Made, path: Path) -> None:
    with path.open("wb") as file:  # Arrow itself takes no name that is not UTF-8
        pq.write_table(pa.table(made.columns()), file, row_group_size=37)


def write_npz(made: Made, path: Path) -> None:
    scores: dict[str, Any] = {} if made.score is None else {"score": made.score}
    with path.open("wb") as file:
        np.savez_compressed(file, image_id=made.image_id, bbox=made.box, **scores)


WRITERS: dict[str, Callable[[Made, Path], None]] = {
    "json": write_json,
    "lines": write_lines,
    "table": write_table,
    "npz": write_npz,
}


@st.composite
def proposals(draw: st.DrawFn) -> Made:
    """Return proposals as odd as detectors', but none that is faulty."""
    count = draw(st.integers(0, 25))
    ids = draw(st.lists(st.integers(-3, 3) | st.integers(-(2**63), 2**63 - 1), min_size=count, max_size=count))
    corner, side = st.floats(-1e9, 1e9), st.floats(1e-6, 1e9)
    boxes = [[draw(corner), draw(corner), draw(side), draw(side)] for _ in range(count)]
    score = None
    if draw(st.booleans()):
        score = np.array([draw(st.sampled_from((0.0, 0.5, 1.0)) | st.floats(-10, 10)) for _ in range(count)])
    return Made(np.array(ids, dtype=np.int64), np.array(boxes, dtype=np.float64).reshape(-1, 4), score)


BRACES = ("}, {", '"},{"', "\\", '\\"}]', "[{", "é🦔", "")
EXTRAS = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(BRACES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("a", "bbox", "}")), inner, max_size=2),
    max_leaves=6,
)


@st.composite
def json_texts(draw: st.DrawFn, made: Made) -> tuple[str, str]:
    """Return proposals as a JSON list and as JSON lines, with white space and further fields anywhere."""
    space, blank = st.sampled_from(("", " ", "\n", "\r\n\t ", "   ")), st.sampled_from(("", "\n", " \n", "\r\n"))
    entries = []
    for entry in made.entries():
        fields = [*entry.items(), *draw(st.dictionaries(st.sampled_from(("x", "name", "é")), EXTRAS)).items()]
        entries.append(dict(draw(st.permutations(fields))))
    escape = draw(st.booleans())
    texts = [json.dumps(entry, ensure_ascii=escape) for entry in entries]
    listed = ",".join(draw(space) + text + draw(space) for text in texts)
    lines = "".join(text + draw(blank.map(lambda end: "\n" + end)) for text in texts)
    return f"{draw(space)}[{draw(space)}{listed}]{draw(space)}", draw(blank) + lines
