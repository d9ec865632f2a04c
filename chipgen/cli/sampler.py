"""The options that name a sampler and say what it should do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from chipgen.cli import completion
from chipgen.config import PlanConfig
from chipgen.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


def _after_those_of_the_file(context: click.Context, option: click.Parameter, pairs: tuple[str, ...]) -> list[str]:
    """Put what the command line says behind what ``--config`` says: the later of two values holds."""
    return [*(context.default_map or {}).get(str(option.name), ()), *pairs]


SAMPLER_OPTIONS = (
    click.option(
        "--sampler",
        default=PlanConfig.sampler,
        show_default=True,
        shell_complete=completion.samplers,
        help="Who chooses the chips: sniper (the paper's cover of every object), compact (the same with fewer chips), "
        "grid (all windows), random-object (windows around some objects), an installed one, or package.module:name.",
    ),
    click.option(
        "--sampler-option",
        metavar="NAME=VALUE",
        multiple=True,
        callback=_after_those_of_the_file,
        shell_complete=completion.sampler_options,
        help="An option of the sampler, such as overlap=0.5 of grid; may be given again for others.",
    ),
    click.option(
        "--placement",
        type=click.Choice(["random", "center"]),
        help="Where chips stand in the room that their objects leave them, for compact: --sampler-option placement=...",
    ),
)


def sampler_settings(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a plan that concern its sampler.

    Raises
    ------
    UsageError
        There is no such sampler, or it has no such option, or not with that value.
    """
    from chipgen.samplers import bind, find_sampler  # noqa: PLC0415 -- heavy, and not needed for --help

    name, given = options["sampler"], dict(map(_pair, options["sampler_option"]))
    sampler = find_sampler(name)
    if options["placement"] is not None:
        given["placement"] = _placement(options["placement"], name, given)
    return {"sampler": name, "sampler_options": dict(bind(sampler, given, name)[1])}


def _pair(text: str) -> tuple[str, str]:
    """Return NAME=VALUE as name and value."""
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError.one("--sampler-option", text, "is not NAME=VALUE", "write for example overlap=0.5")
    return name.strip(), value


def _placement(value: str, name: str, given: Mapping[str, str]) -> str:
    """Return ``--placement``, when the sampler has it and it is not said in another way, too."""
    from chipgen.samplers import BUILT_IN, find_sampler, options_of  # noqa: PLC0415

    if "placement" not in options_of(find_sampler(name)):
        able = [other for other, sampler in BUILT_IN.items() if "placement" in options_of(sampler)]
        todo = f"use it with --sampler {' or '.join(able)}" if able else "leave it out, or name another --sampler"
        raise UsageError.one("--placement", value, f"the sampler {name} has no such option", todo)
    if given.get("placement", value) != value:
        raise UsageError.one("--placement", value, "is given as --sampler-option, too", "leave out one of them")
    return value
