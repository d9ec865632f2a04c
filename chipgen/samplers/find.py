"""Finding a sampler by name, and calling it."""

from __future__ import annotations

import functools
import importlib
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from chipgen.errors import ChipgenError, SamplerError, UsageError
from chipgen.samplers.compact import compact, compact_many
from chipgen.samplers.grid import grid
from chipgen.samplers.random_object import random_object
from chipgen.samplers.sniper import sniper, sniper_many

if TYPE_CHECKING:
    from numpy.random import Generator

    from chipgen.boxes import Ints
    from chipgen.samplers.protocol import ManySampler, Sampler, View

BUILT_IN: dict[str, Sampler] = {"sniper": sniper, "compact": compact, "grid": grid, "random-object": random_object}

COVERING = frozenset({"sniper", "compact"})
"""Those that promise a chip around every valid box, and none without one."""

MANY: dict[Sampler, ManySampler] = {sniper: sniper_many, compact: compact_many}
"""Samplers that can be asked for many images at once, and how: with the same options."""


def many_of(sampler: Sampler) -> ManySampler | None:
    """Return how a sampler is asked for many images at once; None when it cannot be."""
    if isinstance(sampler, functools.partial) and not sampler.args:
        many = many_of(sampler.func)
        return functools.partial(many, **sampler.keywords) if many else None
    return next((many for one, many in MANY.items() if one is sampler), None)


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
    """Return the name under which a sampler is recorded; one with some arguments given has that of the whole."""
    while isinstance(sampler, functools.partial):
        sampler = sampler.func
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
    UsageError
        It says that it cannot mean one of its options.
    """
    try:
        origins = np.asarray(sampler(view, rng))
    except UsageError:
        raise
    except Exception as error:
        raise _broken(sampler, view, f"raised {type(error).__name__}: {error}") from error
    if wrong := wrong_with(origins, view):
        raise _broken(sampler, view, wrong)
    return origins.astype(np.int64).reshape(-1, 2)


def wrong_with(origins: np.typing.NDArray[Any], view: View) -> str:
    """Say what a sampler may not return; nothing when it may."""
    if origins.size == 0:
        return ""
    if origins.ndim != 2 or origins.shape[1] != 2 or origins.dtype.kind not in "iu":
        return f"returned {origins.dtype} of shape {origins.shape}, not integers of shape (K, 2)"
    if np.any(origins < 0) or np.any(origins > view.size_scaled - view.content):
        return "returned a chip outside the scaled image"
    return ""


def _broken(sampler: Sampler, view: View, what: str) -> ChipgenError:
    """Return the error for a sampler that broke its protocol."""
    todo = "a sampler returns integer origins of shape (K, 2) inside the scaled image (--debug shows more)"
    return SamplerError.one(name_of(sampler), f"image {view.image_id}, level {view.level}", what, todo)
