"""Opens damaged images one after the other and writes a line before and behind each: run as a program of its own.

    python image_fuzz.py LOG FIRST COUNT     damaged images by number
    python image_fuzz.py LOG bombs           those of `image_bombs`

Whoever started it sees from the log which image was the last, however the process ended.
"""

from __future__ import annotations

import json
import os
import random
import re
import resource
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import images
from image_bombs import BOMBS
from image_damage import damaged
from image_seeds import SEEDS
from PIL import Image

from chipgen.errors import REASONS, UnusableError
from chipgen.export_config import ExportConfig
from chipgen.images import open_picture

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_PIXELS = 1_000_000
IMAGING = ("pillow", "opencv")
ADDRESS_SPACE = 3 << 30
"""Bytes of address space that the process may have: what cannot be had is a MemoryError, not a dead machine."""
GROWTH = 100 << 20
"""Bytes by which an image of at most `MAX_PIXELS` may make the process grow."""
SECONDS = 10
"""Seconds after which an image kills the process."""
SIZE = re.compile(r"is (\d+) x (\d+) px, its")


def content(number: int) -> tuple[str, bytes]:
    """Return the name of a seed and the content of the damaged file of some number."""
    rng = random.Random(number)  # noqa: S311 -- the same damage each time
    name = list(SEEDS)[number % len(SEEDS)]
    return name, damaged(rng, SEEDS[name])


def cases(what: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of each file to be opened."""
    if what == ["bombs"]:
        yield from ((bomb.name, bomb.data()) for bomb in BOMBS)
        return
    first, count = map(int, what)
    for number in range(first, first + count):
        name, data = content(number)
        yield f"{number} ({name})", data


def _check(error: UnusableError) -> None:
    """Check what is said about an image that cannot be used."""
    assert error.reason in REASONS["image"], error.reason
    assert error.message.isprintable(), repr(error.message)


def look(path: Path, engines: Sequence[str]) -> tuple[str, str]:
    """Open an image as whatever it says it is; return the reason why it cannot be used, and the message, or nothing."""
    found = {_look(path, images.SIZE, ExportConfig(imaging=name, max_pixels=MAX_PIXELS)) for name in engines}
    assert len(found) == 1, f"the engines disagree: {found}"
    return found.pop()


def _look(path: Path, size: tuple[int, int], config: ExportConfig) -> tuple[str, str]:
    """Open an image with one of the engines."""
    try:
        picture = open_picture(path, size, config)
    except UnusableError as error:
        _check(error)
        found = SIZE.match(error.message)
        if error.reason == "size_mismatch" and found and size == images.SIZE:
            width, height = map(int, found.groups())
            return _look(path, (height, width) if width % 2 else (width, height), config)
        return error.reason, error.message
    assert picture.pixels.size_img == size
    assert images.whole(picture.pixels).shape == (size[1], size[0], 3)
    return "", ""


def _state() -> tuple[Any, ...]:
    """Return what an image must leave as it was: open files, Pillow's own limit, what was said on stderr."""
    return len(os.listdir("/proc/self/fd")), Image.MAX_IMAGE_PIXELS, os.fstat(2).st_size  # noqa: PTH208


def main(log: Path, what: Sequence[str]) -> None:
    """Open damaged images and log each."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    path = log.with_suffix(".image")
    engines = IMAGING[:1] if what == ["bombs"] else IMAGING  # what is refused before anything is decoded is timed
    with log.open("w", encoding="ascii") as lines:
        for name, data in cases(what):
            path.write_bytes(data)
            lines.write(json.dumps({"begun": name}) + "\n")
            lines.flush()
            lines.write(json.dumps(_one(path, engines)) + "\n")
        lines.write(json.dumps({"done": True}) + "\n")


def _memory(name: str) -> int:
    """Return how much memory the process holds (VmRSS) or held at most (VmHWM), bytes."""
    (kilobytes,) = re.findall(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    return 1024 * int(kilobytes)


def _one(path: Path, engines: Sequence[str]) -> dict[str, Any]:
    """Open one image under a time limit and return what is to be said about it."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget how much was held at most
    before, held, start = _state(), _memory("VmRSS"), time.process_time()
    signal.alarm(SECONDS)  # it kills: Python would have no say while a decoder runs
    try:
        (reason, message), wrong = look(path, engines), ""
    except BaseException as error:  # noqa: BLE001 -- whatever it is, it is the finding
        reason, message, wrong = "", "", f"{type(error).__name__}: {error}"
    signal.alarm(0)
    grown = _memory("VmHWM") - held
    if grown > GROWTH:
        wrong = wrong or f"took {grown >> 20} MB"
    if _state() != before:
        wrong = wrong or f"left {before} as {_state()}"
    seconds = round(time.process_time() - start, 3)
    return {"reason": reason, "message": message, "wrong": wrong, "seconds": seconds}


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
