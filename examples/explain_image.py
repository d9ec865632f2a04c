"""Draw what chipgen does to one image: where its chips lie, in a colour for each level, and what some of them show.

python examples/explain_image.py demo/chips demo/images docs/chips.png
python examples/explain_image.py demo/chips demo/images docs/chips.png --image 3
"""

from __future__ import annotations

import argparse
import io
import math
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.dataset as ds
from PIL import Image, ImageDraw, ImageFont

Chip = dict[str, Any]
Colour = tuple[int, int, int]

WIDTH, MARGIN, GAP, SHOWN = 1400, 24, 20, 4
COLOURS = ((255, 184, 0), (236, 36, 130), (36, 122, 255))
INK, PALE = (28, 32, 38), (92, 100, 110)


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return pillow's own font."""
    return ImageFont.load_default(size=size)


def valid(chip: Chip) -> list[int]:
    """Return which objects of a chip are to be learnt."""
    return [index for index, good in enumerate(chip["objects"]["valid"]) if good]


def factor(chip: Chip) -> float:
    """Return chip px per image px."""
    return math.sqrt(chip["transform"]["factor_x"] * chip["transform"]["factor_y"])


def by_level(chips: list[Chip]) -> list[list[Chip]]:
    """Sort the chips that have something to learn into levels, the finest first; three at most."""
    levels: dict[int, list[Chip]] = {}
    for chip in chips:
        if valid(chip):
            levels.setdefault(chip["level"], []).append(chip)
    return sorted(levels.values(), key=lambda level: -factor(level[0]))[: len(COLOURS)]


def read(out: Path, image: int | None) -> list[Chip]:
    """Read the chips of one image: the given one, or the one that has most chips at its poorest level."""
    data = ds.dataset(out / "data", format="parquet")
    if image is None:
        images: dict[int, list[Chip]] = {}
        for chip in data.to_table(columns=["level", "objects", "source", "transform"]).to_pylist():
            images.setdefault(chip["source"]["image_id"], []).append(chip)
        counts = {key: [len(level) for level in by_level(chips)] for key, chips in images.items()}
        image = max(counts, key=lambda key: (len(counts[key]), min(counts[key], default=0)))
    chips: list[Chip] = data.to_table(filter=pc.field("source", "image_id") == image).to_pylist()
    return chips


def choose(levels: list[list[Chip]]) -> list[tuple[int, Chip]]:
    """Return chips worth showing, with their level: the richest of each, and more of the finest while there is room."""
    seen: set[int] = set()
    chosen: list[tuple[int, Chip]] = []
    for number, level in enumerate(levels):
        rest = list(level)
        for _ in range(min(len(rest), 1 if number else SHOWN - len(levels) + 1)):
            best = max(rest, key=lambda chip: (len(classes(chip) - seen), len(classes(chip)), len(valid(chip))))
            rest.remove(best)
            seen |= classes(best)
            chosen.append((number, best))
    return chosen


def classes(chip: Chip) -> set[int]:
    """Return the categories that a chip teaches."""
    return {chip["objects"]["category_id"][index] for index in valid(chip)}


def sizes(chip: Chip) -> str:
    """Say which objects a level learns, in px of the source image."""
    low, high = (None if end is None else end / factor(chip) for end in chip["valid_range"].values())
    if high is None:
        return f"from {low:.0f} px"
    return f"of {low:.0f}-{high:.0f} px" if low else f"up to {high:.0f} px"


def frame(pen: ImageDraw.ImageDraw, corners: tuple[float, ...], colour: Colour, width: int) -> None:
    """Draw a rectangle that stands out from any picture."""
    x1, y1, x2, y2 = (round(corner) for corner in corners)
    pen.rectangle((x1 - 1, y1 - 1, x2 + 1, y2 + 1), outline=(0, 0, 0), width=1)
    pen.rectangle((x1, y1, x2, y2), outline=colour, width=width)


def badge(pen: ImageDraw.ImageDraw, x: float, y: float, letter: str, colour: Colour) -> None:
    """Draw a letter on a coloured square."""
    pen.rectangle((x, y, x + 25, y + 25), fill=colour)
    ink = INK if sum(colour) > 430 else (255, 255, 255)
    pen.text((x + 13, y + 13), letter, fill=ink, font=font(20), anchor="mm")


def map_of(picture: Image.Image, levels: list[list[Chip]], chosen: list[tuple[int, Chip]], zoom: float) -> Image.Image:
    """Return the source image with the outlines of its chips, the chosen ones with their letters."""
    small = picture.resize((round(picture.width * zoom), round(picture.height * zoom)), Image.Resampling.LANCZOS)
    pen = ImageDraw.Draw(small)
    letters = {chip["image_id"]: chr(ord("A") + index) for index, (_, chip) in enumerate(chosen)}
    for number in reversed(range(len(levels))):
        for chip in sorted(levels[number], key=lambda chip: chip["image_id"] in letters):
            place = chip["transform"]
            x, y = place["x0"] * zoom, place["y0"] * zoom
            right = x + chip["content_width"] / place["factor_x"] * zoom
            bottom = y + chip["content_height"] / place["factor_y"] * zoom
            letter = letters.get(chip["image_id"])
            corners = (max(x, 1), max(y, 1), min(right, small.width - 2), min(bottom, small.height - 2))
            frame(pen, corners, COLOURS[number], 4 if letter else 2)
            if letter:
                x1, y1, x2, y2 = corners  # each level has its letters in another corner, so that they never collide
                at = ((x1, y1), (x1, y2 - 25), (x2 - 25, y1))[number]
                badge(pen, *at, letter, COLOURS[number])
    return small


def close_up(chip: Chip, side: int, colour: Colour, letter: str) -> Image.Image:
    """Return a chip with the boxes to learn."""
    picture = Image.open(io.BytesIO(chip["image"]["bytes"])).convert("RGB")
    zoom = side / max(picture.size)
    picture = picture.resize((round(picture.width * zoom), round(picture.height * zoom)), Image.Resampling.LANCZOS)
    pen = ImageDraw.Draw(picture)
    for index in valid(chip):
        x, y, width, height = (value * zoom for value in chip["objects"]["bbox"][index])
        pen.rectangle((x, y, x + width, y + height), outline=colour, width=2)
    pen.rectangle((0, 0, picture.width - 1, picture.height - 1), outline=colour, width=4)
    badge(pen, 0, 0, letter, colour)
    return picture


def plural(count: int, word: str) -> str:
    """Return a count with its noun."""
    ending = "es" if word.endswith("x") else "s"
    return f"{count} {word}{ending if count != 1 else ''}"


def legend(pen: ImageDraw.ImageDraw, x: float, y: float, levels: list[list[Chip]]) -> None:
    """Write what the colours mean, and what the chips cost."""
    for number, level in enumerate(levels):
        pen.rectangle((x, y + 2, x + 34, y + 36), fill=COLOURS[number])
        pen.text((x + 52, y), f"level {level[0]['level']}: image at {factor(level[0]):.2g}x", fill=INK, font=font(29))
        pen.text((x + 52, y + 40), f"learns objects {sizes(level[0])}", fill=INK, font=font(23))
        boxes = plural(sum(len(valid(chip)) for chip in level), "valid box")
        pen.text((x + 52, y + 70), f"{plural(len(level), 'chip')}, {boxes}", fill=PALE, font=font(23))
        y += 124
    chips = [chip for level in levels for chip in level]
    cut = sum(chip["content_width"] * chip["content_height"] for chip in chips)
    source = chips[0]["source"]
    whole = sum(source["width"] * source["height"] * factor(level[0]) ** 2 for level in levels)
    lines = ("Objects of other sizes in a chip are", "kept, but marked to be ignored.", "")
    last = ("Together the chips have", f"{cut / whole:.0%} of the pixels of the whole", "image at these scales.")
    pen.multiline_text((x, y + 14), "\n".join((*lines, *last)), fill=PALE, font=font(21), spacing=7)


def explain(picture: Image.Image, chips: list[Chip]) -> Image.Image:
    """Return the whole drawing: the source image, the legend, and chips in a row."""
    levels = by_level(chips)
    chosen = choose(levels)
    side = (WIDTH - 2 * MARGIN - (SHOWN - 1) * GAP) // SHOWN
    zoom = min(880 / picture.width, 590 / picture.height)
    image = map_of(picture, levels, chosen, zoom)
    top = MARGIN + 46
    row = top + image.height + 108
    canvas = Image.new("RGB", (WIDTH, row + side + MARGIN), "white")
    pen = ImageDraw.Draw(canvas)
    count = plural(sum(map(len, levels)), "chip")
    head = f"One image of {picture.width} x {picture.height} px, cut into {count} where its objects are"
    pen.text((MARGIN, MARGIN), head, fill=INK, font=font(27))
    canvas.paste(image, (MARGIN, top))
    legend(pen, MARGIN + image.width + 2 * GAP, top, levels)
    size = f"{chips[0]['width']} x {chips[0]['height']} px"
    foot = f"Chips of {size}: small objects come enlarged, large ones shrunk"
    pen.text((MARGIN, row - 84), foot, fill=INK, font=font(27))
    for index, (number, chip) in enumerate(chosen):
        x = MARGIN + index * (side + GAP)
        caption = f"level {chip['level']}, {factor(chip):.2g}x: objects {sizes(chip)}"
        pen.text((x, row - 31), caption, fill=INK, font=font(20))
        canvas.paste(close_up(chip, side, COLOURS[number], chr(ord("A") + index)), (x, row))
    return canvas


def main() -> None:
    """Read the command line and write the drawing."""
    parser = argparse.ArgumentParser(description="Draw where the chips of one image lie and what they show.")
    parser.add_argument("out", type=Path, help="folder that chipgen build wrote")
    parser.add_argument("images", type=Path, help="folder of the source images")
    parser.add_argument("png", type=Path)
    parser.add_argument("--image", type=int, help="id of the source image [the one whose levels are richest]")
    wanted = parser.parse_args()
    chips = read(wanted.out, wanted.image)
    if not by_level(chips):
        raise SystemExit(f"{wanted.out}: no chip of that image has anything to learn")
    picture = Image.open(wanted.images / chips[0]["source"]["file_name"]).convert("RGB")
    drawing = explain(picture, chips).quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.FLOYDSTEINBERG)
    drawing.save(wanted.png, optimize=True)
    print(f"{wanted.png}: image {chips[0]['source']['image_id']}")


if __name__ == "__main__":
    main()
