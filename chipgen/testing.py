"""For the tests of people who write samplers: made views, and a check of every law on them.

::

    from chipgen.testing import check_sampler

    def test_my_sampler() -> None:
        check_sampler(my_sampler)
        check_sampler(functools.partial(my_sampler, overlap=0.5))
"""

from __future__ import annotations

import contextlib
import copy
import random
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from chipgen.boxes import inside
from chipgen.chips import content_of, windows_at
from chipgen.cover import enclosing_origins
from chipgen.errors import SamplerError, UsageError
from chipgen.limits import at_least
from chipgen.samplers.find import name_of, wrong_with
from chipgen.samplers.protocol import View
from chipgen.streams import random_stream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.random import Generator

    from chipgen.boxes import Floats, Ints
    from chipgen.samplers.protocol import Sampler

EXAMPLES = 252
"""Every kind of image with every kind of boxes, with and without proposals, with every kind of stride."""

IMAGES = (
    "an image larger than a chip",
    "an image smaller than a chip",
    "an image narrower than a chip",
    "an image lower than a chip",
    "an image of exactly a chip",
    "an image a pixel larger than a chip",
)
BOXES = (
    "some boxes",
    "no box",
    "one box",
    "ignored boxes only",
    "boxes at its borders",
    "boxes as large as a chip",
    "many boxes",
)

CHANGES = "changes the view, which is not its own"


def check_sampler(sampler: Sampler, *, examples: int = EXAMPLES, seed: int = 0, covers: bool = False) -> None:
    """Call a sampler for many made views and see whether it keeps the laws.

    1. It returns an integer array of shape ``(K, 2)``, or something empty.
    2. Every origin satisfies ``0 <= origin <= view.size_scaled - view.content``, scaled px.
    3. The view is not changed; its arrays are read-only here.
    4. The same view and a stream in the same state give the same origins.
    5. They do not depend on `numpy.random` and `random`, which every program shares.
    6. They do not depend on the views seen before.

    Parameters
    ----------
    sampler
        A callable ``sampler(view, rng)``; options are given with `functools.partial`.
    examples
        How many views: number 0 and following of `made_view`.
    seed
        Seed of the views and of the streams, 0 or more.
    covers
        Whether to ask for a chip that completely encloses each valid box, too.

    Raises
    ------
    SamplerError
        Naming the first law that is broken, the view, and how to make that view again.
    """
    at_least("examples", examples, 1)
    at_least("seed", seed, 0)
    views = [_read_only(made_view(number, seed)) for number in range(examples)]
    one, other = _Check(sampler, seed), _Check(_copied(sampler), seed)
    with _kept_global_streams():
        found = [one.alone(number, view, covers=covers) for number, view in enumerate(views)]
        for number in reversed(range(examples)):
            if not np.array_equal(other.origins(number, views[number]), found[number]):
                raise other.broken(number, views[number], "its origins depend on the views seen before")


def made_view(number: int, seed: int = 0) -> View:
    """Return one of the views that `check_sampler` uses: the same for the same numbers.

    Parameters
    ----------
    number
        Decides kind of image, kind of boxes, whether there are proposals, and kind of stride; all come up in the first
        `EXAMPLES`.
    seed
        Together with the number decides all that is drawn.
    """
    rng = random_stream(seed, number, 0)
    image, boxes, rest = _kinds(number)
    chip_size = int(rng.choice((16, 50, 128)))
    size_scaled = _size(image, chip_size, rng)
    stride = (max(1, chip_size // 16), 7, int(size_scaled.max()) + 3)[rest // 2 % 3]
    valid_scaled, ignored_scaled = _boxes(boxes, size_scaled, chip_size, rng)
    proposals = 20 * (rest % 2)
    return View(
        image_id=number,
        level=int(rng.integers(3)),
        size_scaled=size_scaled,
        chip_size=chip_size,
        stride=stride,
        valid_scaled=valid_scaled,
        ignored_scaled=ignored_scaled,
        proposals_scaled=_anywhere(proposals, size_scaled, size_scaled, rng),
        scores=np.sort(rng.random(proposals))[::-1].copy(),
        valid_category=rng.integers(0, 5, len(valid_scaled)),
    )


def _kinds(number: int) -> tuple[str, str, int]:
    """Return the kind of image and of boxes of a view, and a number for all that else is of different kinds."""
    rest, image = divmod(number, len(IMAGES))
    rest, boxes = divmod(rest, len(BOXES))
    return IMAGES[image], BOXES[boxes], rest


def _size(kind: str, chip_size: int, rng: Generator) -> Ints:
    """Return the size of an image of a kind, shape ``(2,)``, int64, scaled px."""
    below, above = rng.integers(1, chip_size, 2), rng.integers(chip_size + 1, 5 * chip_size, 2)
    sizes = (
        above,
        below,
        [below[0], above[1]],
        [above[0], below[1]],
        [chip_size, chip_size],
        [chip_size + 1, chip_size + 1],
    )
    return np.array(sizes[IMAGES.index(kind)], dtype=np.int64)


def _boxes(kind: str, size_scaled: Ints, chip_size: int, rng: Generator) -> tuple[Floats, Floats]:
    """Return valid and ignored boxes of a kind, shapes ``(V, 4)`` and ``(I, 4)``, float64, scaled px."""
    content = content_of(size_scaled, chip_size)
    counts = {"no box": (0, 0), "one box": (1, 0), "ignored boxes only": (0, 5), "many boxes": (80, 20)}
    valid, ignored = counts.get(kind, (6, 4))
    boxes_scaled = _anywhere(valid, size_scaled, content, rng)
    if kind == "boxes at its borders":
        at_end = rng.random((valid, 2)) < 0.5
        low = np.where(at_end, size_scaled - boxes_scaled[:, 2:] + boxes_scaled[:, :2], 0.0)
        high = np.where(at_end, size_scaled, boxes_scaled[:, 2:] - boxes_scaled[:, :2])
        boxes_scaled = np.concatenate((low, high), axis=1)
    if kind == "boxes as large as a chip":
        low = rng.integers(0, size_scaled - content, (valid, 2), endpoint=True)
        boxes_scaled = windows_at(low, content)
    fits = enclosing_origins(boxes_scaled, size_scaled, chip_size).exist
    others = _anywhere(ignored, size_scaled, size_scaled, rng)
    return boxes_scaled[fits], np.concatenate((boxes_scaled[~fits], others))


def _anywhere(count: int, size_scaled: Ints, longest: Ints, rng: Generator) -> Floats:
    """Return boxes of all sizes, sometimes sharp on whole pixels, shape ``(N, 4)``, float64, scaled px."""
    sides = longest ** rng.random((count, 2))
    low = rng.random((count, 2)) * (size_scaled - sides)
    if rng.random() < 0.5:
        sides, low = np.floor(sides), np.floor(low)
    return np.concatenate((low, np.minimum(low + sides, size_scaled)), axis=1)


def _read_only(view: View) -> View:
    """Make the arrays of a view read-only."""
    for one in fields(view):
        if isinstance(array := getattr(view, one.name), np.ndarray):
            array.setflags(write=False)
    return view


def _copied(sampler: Sampler) -> Sampler:
    """Return a copy, which will remember nothing that the other is shown, where one can be made."""
    with contextlib.suppress(Exception):
        return copy.deepcopy(sampler)
    return sampler


@contextlib.contextmanager
def _kept_global_streams() -> Iterator[None]:
    """Put the random streams that every program shares back to where they were."""
    ours, numpys = random.getstate(), np.random.get_state()  # noqa: NPY002 -- those that a sampler must not use
    try:
        yield
    finally:
        random.setstate(ours)
        np.random.set_state(numpys)  # noqa: NPY002


@dataclass(frozen=True)
class _Check:
    """Calls a sampler and looks at what comes of it."""

    sampler: Sampler
    seed: int

    def alone(self, number: int, view: View, *, covers: bool) -> Ints:
        """Check the laws on one view and return its origins."""
        origins = self.origins(number, view)
        if not np.array_equal(self.origins(number, view), origins):
            raise self.broken(number, view, "gives other origins for the same view and the same stream")
        if not np.array_equal(self.origins(number, view, shared=1), origins):
            raise self.broken(number, view, "its origins depend on random or numpy.random: draw from rng alone")
        if covers:
            for box, xyxy_scaled in enumerate(view.valid_scaled):
                if not inside(xyxy_scaled, windows_at(origins, view.content)).any():
                    raise self.broken(number, view, f"no chip completely encloses valid box {box}")
        return origins

    def origins(self, number: int, view: View, shared: int = 0) -> Ints:
        """Call the sampler; `shared` seeds the streams that it must not use."""
        random.seed(shared)
        np.random.seed(shared)  # noqa: NPY002
        try:
            returned = np.asarray(self.sampler(view, random_stream(self.seed, number, 1)))
        except UsageError:
            raise
        except Exception as error:
            changes = isinstance(error, ValueError) and "read-only" in str(error)
            what = CHANGES if changes else f"raised {type(error).__name__}: {error}"
            raise self.broken(number, view, what) from error
        if wrong := wrong_with(returned, view):
            raise self.broken(number, view, wrong)
        if not _same(view, made_view(number, self.seed)):
            raise self.broken(number, view, CHANGES)
        return returned.astype(np.int64).reshape(-1, 2)

    def broken(self, number: int, view: View, what: str) -> Exception:
        """Return the error for a broken law."""
        todo = f"chipgen.testing.made_view({number}, seed={self.seed}) makes that view again"
        return SamplerError.one(name_of(self.sampler), f"view {number}: {_in_words(number, view)}", what, todo)


def _same(view: View, other: View) -> bool:
    """Tell whether two views are equal."""
    pairs: list[tuple[Any, Any]] = [(getattr(view, one.name), getattr(other, one.name)) for one in fields(view)]
    return all(np.array_equal(ours, theirs) for ours, theirs in pairs)


def _in_words(number: int, view: View) -> str:
    """Describe a made view."""
    width, height = view.size_scaled.tolist()
    image, boxes, _ = _kinds(number)
    counts = f"{len(view.valid_scaled)} valid, {len(view.ignored_scaled)} ignored, {len(view.scores)} proposals"
    return f"{image}, {boxes} ({width} x {height} px, chip {view.chip_size}, stride {view.stride}; {counts})"
