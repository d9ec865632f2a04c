"""Options of samplers: their keyword-only parameters that have a default.

``def grid(view, rng, *, overlap: float = 0.2)`` has the option ``overlap``. A value is read as what its default is: a
switch, a whole number, a number or text. Functions, objects with ``__call__`` and `functools.partial` all will do.
"""

from __future__ import annotations

import functools
import inspect
import math
import re
from typing import TYPE_CHECKING

import numpy as np

from chipgen.errors import ChipgenError, UsageError
from chipgen.samplers.protocol import View
from chipgen.streams import random_stream

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chipgen.config import SamplerOptions, SamplerValue
    from chipgen.samplers.protocol import Sampler

OPTION = "--sampler-option"


def options_of(sampler: Sampler) -> dict[str, SamplerValue]:
    """Return the options of a sampler with their defaults, by name.

    Keyword-only parameters whose default is of another kind, None for one, are no options: nobody could tell how to
    read a value for them. What a `functools.partial` fixes is read as the kind that the default of the whole is.
    """
    if isinstance(sampler, functools.partial):
        whole, fixed = options_of(sampler.func), sampler.keywords
        values = {name: _as_kind_of(default, fixed.get(name, default)) for name, default in whole.items()}
        return {name: value for name, value in values.items() if value is not None}
    try:
        parameters = inspect.signature(sampler).parameters.values()
    except (TypeError, ValueError):  # written in C: it tells nothing of itself
        return {}
    named = {one.name: one.default for one in parameters if one.kind is one.KEYWORD_ONLY}
    return {name: named[name] for name in sorted(named) if type(named[name]) in _READ}


def bind(sampler: Sampler, given: Mapping[str, object], name: str) -> tuple[Sampler, SamplerOptions]:
    """Give a sampler its options.

    Parameters
    ----------
    sampler
        The sampler.
    given
        Values by name, as text or as what they are.
    name
        What messages call the sampler.

    Returns
    -------
    sampler
        Called like any other, with these options.
    options
        All its options, also those that keep their default, sorted by name.

    Raises
    ------
    UsageError
        It has no such option, or the value does not fit. A sampler may say so itself, with a `UsageError`: when a
        value is not the default, it is called once for an image without anything on it.
    """
    known = options_of(sampler)
    values = {option: _read(option, value, known, name) for option, value in given.items()}
    others = {option: value for option, value in values.items() if value != known[option]}
    if not others:
        return sampler, tuple(known.items())
    bound = functools.partial(sampler, **others)
    _try(bound)
    return bound, tuple({**known, **others}.items())


def refuse(option: str, value: SamplerValue, todo: str) -> ChipgenError:
    """Return the error for the value of an option that a sampler cannot mean."""
    return UsageError.one(f"{OPTION} {option}", str(value), "is not possible", todo)


def _read(option: str, value: object, known: Mapping[str, SamplerValue], name: str) -> SamplerValue:
    """Return a value as the kind of its default."""
    its = ", ".join(_written(*one) for one in known.items())
    if option not in known:
        todo = f"its options are {its}" if its else "leave it out, or name another --sampler"
        raise UsageError.one(f"{OPTION} {option}", str(value), f"{name} has no such option", todo)
    found = _as_kind_of(known[option], value)
    if found is None:
        what = f"{name} wants {_READ[type(known[option])][1]}"
        raise UsageError.one(f"{OPTION} {option}", str(value), what, f"its options are {its}")
    return found


def _as_kind_of(default: SamplerValue, value: object) -> SamplerValue | None:
    """Return a value as the kind that a default is; None when it cannot be read so."""
    if not isinstance(value, (bool, int, float, str, np.generic)):
        return None
    try:
        return _READ[type(default)][0](str(value))
    except ValueError:
        return None


def _switch(text: str) -> bool:
    """Read a switch."""
    found = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(text.lower())
    if found is None:
        raise ValueError(text)
    return found


def _whole(text: str) -> int:
    """Read a whole number."""
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise ValueError(text)
    return int(text)


def _number(text: str) -> float:
    """Read a number."""
    number = float(text)
    if math.isnan(number):
        raise ValueError(text)
    return number


_READ: dict[type, tuple[Callable[[str], SamplerValue], str]] = {
    bool: (_switch, "true or false"),
    int: (_whole, "a whole number"),
    float: (_number, "a number"),
    str: (str, "text"),
}
"""How the value of an option is read, by the type of its default, and what it is called."""


def _written(option: str, value: SamplerValue) -> str:
    """Return an option as a user writes it."""
    return f"{option}={str(value).lower() if isinstance(value, bool) else value}"


def _try(sampler: Sampler) -> None:
    """Call a sampler for an image without anything on it; whatever else goes wrong, a real image will show."""
    one, none = np.ones(2, dtype=np.int64), np.empty((0, 4))
    nothing = View(0, 0, one, chip_size=512, stride=32, valid_scaled=none, ignored_scaled=none)
    try:
        sampler(nothing, random_stream(0, 0, 0))
    except UsageError:
        raise
    except Exception:  # noqa: BLE001 -- a user's own code
        return
