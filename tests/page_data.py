"""The page of `chipgen view`, read as a browser would."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


class Page(HTMLParser):
    """What a page holds.

    Attributes
    ----------
    tags
        All elements with their attributes, in order.
    texts
        The texts of scripts and styles.
    """

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=False)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in {"script", "style"}:
            self.texts.append("")

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] in {"script", "style"}:
            self.texts[-1] += data


def read_page(out: Path) -> Page:
    """Read the page of a build."""
    return Page((out / "view" / "index.html").read_text(encoding="utf-8"))


def read_data(out: Path) -> dict[str, Any]:
    """Return the values in the page of a build."""
    data: dict[str, Any] = json.loads(read_page(out).texts[1])
    return data


def told_by_shards(out: Path, form: str) -> dict[int, dict[str, Any]]:
    """Return what the shards say of each chip, read without our reader: picture, level, kind, boxes by id."""
    import pyarrow.parquet as pq  # noqa: PLC0415 -- only the Parquet form needs it

    found = {}
    if form == "parquet":
        for path in sorted((out / "data").glob("*.parquet")):
            for row in pq.read_table(path).to_pylist():
                boxes = [
                    {name: values[n] for name, values in row["objects"].items()}
                    for n in range(len(row["objects"]["id"]))
                ]
                for box in boxes:
                    box["segmentation"] = None if box["segmentation"] is None else json.loads(box["segmentation"])
                found[row["image_id"]] = {**row, "picture": row["image"]["bytes"], "boxes": boxes}
        return found
    whole = json.loads((out / "annotations.json").read_bytes())
    for image in whole["images"]:
        boxes = [one for one in whole["annotations"] if one["image_id"] == image["id"]]
        boxes = [{**box, "segmentation": box["segmentation"] or None} for box in boxes]
        picture = (out / image["file_name"]).read_bytes()
        found[image["id"]] = {**image, **image["chipgen"], "picture": picture, "boxes": boxes}
    return found
