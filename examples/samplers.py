"""Two samplers to copy: one that shows rare classes more often, one that shows every object at more places.

    chipgen build --coco ann.json --scales 2x,768 --sampler examples.samplers:balanced --sampler-option rare=3,7
    chipgen build --coco ann.json --scales 2x,768 --sampler examples.samplers:twice --sampler-option times=3

A sampler sees one image at one level and returns the left upper corners of its chips. `chipgen.testing.check_sampler`
tests these two, and will test yours.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

import chipgen


def balanced(view: chipgen.View, rng: np.random.Generator, *, rare: str = "", extra: int = 2) -> npt.NDArray[np.int64]:
    """Cover every object as SNIPER does, and add chips around objects of rare classes.

    Parameters
    ----------
    view, rng
        One image at one level, and its own random stream.
    rare
        The classes, by their rows in the category table: ``"3,7"``. Options are numbers, switches or text.
    extra
        Chips for each object of such a class.
    """
    chips = chipgen.sniper(view, rng)
    classes = [int(row) for row in rare.split(",") if row]
    is_rare = np.isin(view.valid_category, classes)
    if extra < 1 or not is_rare.any():
        return chips
    # A view is only a value: show another sampler nothing but the rare objects.
    only_rare = replace(view, valid_scaled=view.valid_scaled[is_rare], valid_category=view.valid_category[is_rare])
    more = chipgen.random_object(only_rare, rng, chips=extra * int(is_rare.sum()))
    # The same chip twice would be the same picture twice.
    return np.unique(np.concatenate((chips, more)), axis=0)


def twice(view: chipgen.View, rng: np.random.Generator, *, times: int = 2) -> npt.NDArray[np.int64]:
    """Cover every object several times, each time at other places and so in other surroundings.

    Parameters
    ----------
    view, rng
        One image at one level, and its own random stream.
    times
        How often.
    """
    # The stream goes on from call to call, so that ties are broken in another way each time. A stream made anew here
    # would give the same chips again; numpy.random would give others at every build.
    covers = [chipgen.sniper(view, rng) for _ in range(times)]
    return np.unique(np.concatenate(covers), axis=0)
