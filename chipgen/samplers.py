"""Samplers: who chooses the chips.

A sampler is a callable ``sampler(view, rng) -> origins``. It sees one image at one level (`View`) and returns the
left upper corners of its chips, an integer array of shape ``(K, 2)`` in scaled px. Everything else (clipping,
labels, ledger, writing) is done for it. Its laws:

- every origin satisfies ``0 <= origin <= size_scaled - content``, so that chips lie inside the scaled image;
- the same view and the same random stream give the same origins: `rng` is the only source of chance;
- the view is not changed.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator

from chipgen.boxes import Floats, Ints
from chipgen.chips import content_of
from chipgen.cover import greedy_cover
from chipgen.errors import ChipgenError, SamplerError, UsageError


@dataclass(frozen=True)
class View:
    """One image at one level.

    Parameters
    ----------
    image_id
        Id of the image in the source.
    level
        Number of the level.
    size_scaled
        Scaled width and height, shape ``(2,)``, int64.
    chip_size, stride
        Side of a chip and distance of the candidate grid, scaled px.
    valid_scaled
        Boxes to learn at this level, shape ``(V, 4)``, float64, scaled px; each fits a chip.
    ignored_scaled
        All other boxes of the image, shape ``(I, 4)``, float64, scaled px.
    proposals_scaled, scores
        Proposals of the image inside it, whatever their size, best first, shape ``(P, 4)``, float64, scaled px, and
        their scores, shape ``(P,)``, float64; none when the run has none, all scores 0 when they have none.
    """

    image_id: int
    level: int
    size_scaled: Ints
    chip_size: int
    stride: int
    valid_scaled: Floats
    ignored_scaled: Floats
    proposals_scaled: Floats = field(default_factory=lambda: np.empty((0, 4)))
    scores: Floats = field(default_factory=lambda: np.empty(0))

    @property
    def content(self) -> Ints:
        """Return width and height of a chip without padding, shape ``(2,)``, int64, scaled px."""
        return content_of(self.size_scaled, self.chip_size)


Sampler = Callable[[View, Generator], Ints]


def sniper(view: View, rng: Generator) -> Ints:
    """Choose chips as SNIPER does: the greedy cover of the valid boxes."""
    return greedy_cover(view.valid_scaled, view.size_scaled, view.chip_size, view.stride, rng)


BUILT_IN: dict[str, Sampler] = {"sniper": sniper}


def find_sampler(name: str) -> Sampler:
    """Return a sampler by name: built in, installed under ``chipgen.samplers``, or ``package.module:name``.

    Raises
    ------
    UsageError
        There is none of that name.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]
    installed = {entry.name: entry for entry in entry_points(group="chipgen.samplers")}
    try:
        sampler: Any = installed[name].load() if name in installed else _import(name)
    except Exception as error:
        what = f"cannot be loaded ({type(error).__name__}: {error})"
        known = ", ".join(sorted({*BUILT_IN, *installed}))
        raise UsageError.one("--sampler", name, what, f"use {known}, or package.module:name") from error
    if not callable(sampler):
        raise UsageError.one("--sampler", name, "is not callable", "name a function sampler(view, rng)")
    return sampler  # type: ignore[no-any-return]


def _import(name: str) -> Any:
    """Import ``package.module:name``, also from the current folder."""
    module, colon, attribute = name.partition(":")
    if not colon:
        raise LookupError("no sampler of that name is installed")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    return getattr(importlib.import_module(module), attribute)


def name_of(sampler: Sampler) -> str:
    """Return the name under which a sampler is recorded."""
    for name, built_in in BUILT_IN.items():
        if sampler is built_in:
            return name
    kind = sampler if hasattr(sampler, "__qualname__") else type(sampler)
    return f"{kind.__module__}:{kind.__qualname__}"


def sample(sampler: Sampler, view: View, rng: Generator) -> Ints:
    """Call a sampler and check what it returns.

    Returns
    -------
    ndarray
        Origins, shape ``(K, 2)``, int64, scaled px.

    Raises
    ------
    SamplerError
        It raised, or returned something else, or a chip that reaches outside the scaled image.
    """
    try:
        origins = np.asarray(sampler(view, rng))
    except Exception as error:
        raise _broken(sampler, view, f"raised {type(error).__name__}: {error}") from error
    if origins.size == 0:
        return np.empty((0, 2), dtype=np.int64)
    if origins.ndim != 2 or origins.shape[1] != 2 or origins.dtype.kind not in "iu":
        raise _broken(sampler, view, f"returned {origins.dtype} of shape {origins.shape}")
    if np.any(origins < 0) or np.any(origins > view.size_scaled - view.content):
        raise _broken(sampler, view, "returned a chip outside the scaled image")
    return origins.astype(np.int64)


def _broken(sampler: Sampler, view: View, what: str) -> ChipgenError:
    """Return the error for a sampler that broke its protocol."""
    todo = "a sampler returns integer origins of shape (K, 2) inside the scaled image (--debug shows more)"
    return SamplerError.one(name_of(sampler), f"image {view.image_id}, level {view.level}", what, todo)
