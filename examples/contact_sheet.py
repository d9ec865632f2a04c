"""Draw a contact sheet of a finished Parquet build: chips by level and kind, valid boxes strong, ignored ones dashed.

python examples/contact_sheet.py demo/chips demo/contact_sheet.png
python examples/contact_sheet.py demo/chips sheet.png --columns 4 --limit 60
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.dataset as ds
from PIL import Image, ImageDraw, ImageFont

Corners = tuple[float, float, float, float]

TILE, GAP, CAPTION, TITLE = 300, 12, 22, 40
VALID, IGNORED, OUTLINE, FAINT = (255, 214, 0), (226, 226, 226), (255, 255, 255, 150), (226, 226, 226, 110)


def read(out: Path, limit: int, columns: int) -> list[dict[str, Any]]:
    """Read chips evenly spread over every level and kind, at most `limit` in all, in full rows where possible."""
    data = ds.dataset(out / "data", format="parquet")
    table = data.to_table(columns=["level", "kind"])
    block = table["level"].to_numpy() * 2 + (table["kind"].to_numpy() == "negative")
    found, blocks = [], np.unique(block)
    share = max(1, limit // max(1, len(blocks)))
    share -= share % columns if share > columns else 0
    for value in blocks:
        rows = np.flatnonzero(block == value)
        spread = np.linspace(0, len(rows) - 1, min(len(rows), share))
        found += data.take(rows[spread.round().astype(int)]).to_pylist()
    return found


def dashes(pen: ImageDraw.ImageDraw, corners: Corners, step: int = 4) -> None:
    """Draw a dashed rectangle."""
    x1, y1, x2, y2 = corners
    for x in np.arange(x1, x2, 2 * step).tolist():
        pen.line([(x, y1), (min(x + step, x2), y1)], fill=IGNORED)
        pen.line([(x, y2), (min(x + step, x2), y2)], fill=IGNORED)
    for y in np.arange(y1, y2, 2 * step).tolist():
        pen.line([(x1, y), (x1, min(y + step, y2))], fill=IGNORED)
        pen.line([(x2, y), (x2, min(y + step, y2))], fill=IGNORED)


def draw_object(pen: ImageDraw.ImageDraw, objects: dict[str, Any], index: int, zoom: float) -> None:
    """Draw one object of a chip: its outline, its box, and why it is ignored where there is room to say so."""
    x, y, width, height = (side * zoom for side in objects["bbox"][index])
    corners = (x, y, max(x, min(x + width, TILE - 1)), max(y, min(y + height, TILE - 1)))
    shape = json.loads(objects["segmentation"][index] or "null")
    if not objects["valid"][index]:
        if min(width, height) < 12:
            pen.rectangle(corners, outline=FAINT)
            return
        dashes(pen, corners)
        reason = objects["ignore_reason"][index]
        if pen.textlength(reason, font(12)) < corners[2] - x - 8:
            pen.text((x + 4, y + 3), reason, IGNORED, font(12), stroke_width=1, stroke_fill=(40, 40, 40))
        return
    for part in shape if isinstance(shape, list) else []:
        pen.polygon([value * zoom for value in part], outline=OUTLINE)
    pen.rectangle(corners, outline=VALID, width=2)


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return pillow's own font."""
    return ImageFont.load_default(size=size)


def tile(chip: dict[str, Any]) -> Image.Image:
    """Return a chip with its boxes."""
    picture = Image.open(io.BytesIO(chip["image"]["bytes"])).convert("RGB")
    zoom = TILE / max(picture.size)
    picture = picture.resize((round(picture.width * zoom), round(picture.height * zoom)), Image.Resampling.LANCZOS)
    pen = ImageDraw.Draw(picture, "RGBA")
    for index in np.argsort(chip["objects"]["valid"], kind="stable").tolist():
        draw_object(pen, chip["objects"], index, zoom)
    return picture


def caption(chip: dict[str, Any]) -> str:
    """Say what a chip is, and which objects it teaches."""
    low, high = chip["valid_range"]["lo"], chip["valid_range"]["hi"]
    sizes = f"{low:.0f} px up" if high is None else f"{low:.0f}-{high:.0f} px"
    return f"chip {chip['image_id']} of image {chip['source']['image_id']}: {sizes}"


def sheet(chips: list[dict[str, Any]], columns: int) -> Image.Image:
    """Lay the chips out, one block of rows for each level and kind."""
    blocks = [list(block) for _, block in itertools.groupby(chips, key=lambda chip: (chip["level"], chip["kind"]))]
    rows = sum(-(-len(block) // columns) for block in blocks)
    widest = max(min(len(block), columns) for block in blocks)
    size = (widest * (TILE + GAP) + GAP, len(blocks) * TITLE + rows * (TILE + CAPTION + GAP) + GAP)
    canvas = Image.new("RGB", size, "white")
    pen, y = ImageDraw.Draw(canvas), 0
    for block in blocks:
        pen.text((GAP, y + 14), f"Level {block[0]['level']}, {block[0]['kind']}", fill=(20, 20, 20), font=font(22))
        y += TITLE
        for start in range(0, len(block), columns):
            for column, chip in enumerate(block[start : start + columns]):
                x = GAP + column * (TILE + GAP)
                canvas.paste(tile(chip), (x, y + CAPTION))
                pen.text((x, y + 3), caption(chip), fill=(70, 70, 70), font=font(14))
            y += TILE + CAPTION + GAP
    return canvas


def main() -> None:
    """Read the command line and write the sheet."""
    parser = argparse.ArgumentParser(description="Draw a contact sheet of a finished Parquet build.")
    parser.add_argument("out", type=Path, help="folder that chipgen build wrote")
    parser.add_argument("png", type=Path)
    parser.add_argument("--columns", type=int, default=6)
    parser.add_argument("--limit", type=int, default=24, help="chips shown, spread over levels and kinds [%(default)s]")
    wanted = parser.parse_args()
    chips = read(wanted.out, wanted.limit, wanted.columns)
    if not chips:
        raise SystemExit(f"{wanted.out}: holds no chips")
    sheet(chips, wanted.columns).save(wanted.png)
    print(f"{wanted.png}: {len(chips)} chips")


if __name__ == "__main__":
    main()
