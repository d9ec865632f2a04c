"""What a shell offers when the tab key is pressed behind an option whose type does not tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    import click

SAMPLERS = {
    "sniper": "the paper's cover of every object",
    "compact": "the same with fewer chips",
    "grid": "all windows",
    "random-object": "windows around some objects",
}
"""The built-in samplers: known here, so that completion need not load them."""


def files(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer files."""
    return [CompletionItem(incomplete, type="file")]


def folders(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer folders."""
    return [CompletionItem(incomplete, type="dir")]


def samplers(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the samplers that have a name: built-in and installed ones."""
    from importlib.metadata import entry_points  # noqa: PLC0415 -- takes as long as all the rest of --help

    installed = {point.name: f"of {point.value}" for point in entry_points(group="chipgen.samplers")}
    known = {**installed, **SAMPLERS}
    return [CompletionItem(name, help=text) for name, text in known.items() if name.startswith(incomplete)]


def sampler_options(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the options of the sampler that stands on the command line, with their defaults."""
    from chipgen.errors import ChipgenError  # noqa: PLC0415
    from chipgen.samplers import find_sampler, options_of  # noqa: PLC0415 -- heavy, and only needed here

    try:
        options = options_of(find_sampler(context.params.get("sampler") or "sniper"))
    except ChipgenError:  # told when the command runs
        return []
    return [
        CompletionItem(pair) for name, value in options.items() if (pair := f"{name}={value}").startswith(incomplete)
    ]
