"""Samplers: who chooses the chips.

A sampler is a callable ``sampler(view, rng) -> origins``. It sees one image at one level (`View`) and returns the
left upper corners of its chips, an integer array of shape ``(K, 2)`` in scaled px. Everything else (clipping,
labels, ledger, writing) is done for it. Its laws:

- every origin satisfies ``0 <= origin <= size_scaled - content``, so that chips lie inside the scaled image;
- the same view and the same random stream give the same origins: `rng` is the only source of chance;
- the view is not changed.

Its keyword-only parameters with a default are its options (`chipgen.samplers.options`).
"""

from __future__ import annotations

from chipgen.samplers.compact import compact
from chipgen.samplers.find import BUILT_IN, COVERING, find_sampler, many_of, name_of, sample
from chipgen.samplers.grid import grid
from chipgen.samplers.options import bind, options_of
from chipgen.samplers.protocol import ManySampler, Sampler, View, Views
from chipgen.samplers.random_object import random_object
from chipgen.samplers.sniper import sniper

__all__ = [
    "BUILT_IN",
    "COVERING",
    "ManySampler",
    "Sampler",
    "View",
    "Views",
    "bind",
    "compact",
    "find_sampler",
    "grid",
    "many_of",
    "name_of",
    "options_of",
    "random_object",
    "sample",
    "sniper",
]
