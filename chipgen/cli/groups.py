"""In which order options are shown, and under which headings: what a newcomer needs comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUPS = {
    "Input and output": ("coco", "images", "out", "format", "layout", "ignored", "html", "overwrite"),
    "Scales and chips": (
        *("scales", "preset", "valid-ranges", "chip-size", "stride", "min-visibility", "min-box", "assign"),
        *("sampler", "sampler-option", "placement", "seed"),
    ),
    "Splits": ("split", "val-fraction", "group-by"),
    "Negative chips": (
        *("proposals", "negatives", "negatives-per-image", "negative-ratio", "min-proposals", "min-score"),
        *("max-proposals", "object-iou", "object-share", "crowd-share", "max-ignored-area"),
    ),
    "Pixels": ("image-format", "quality", "resample", "imaging", "pad", "fill", "bands", "stretch"),
    "How it runs": (
        *("dry-run", "limit", "workers", "backend", "scheduler", "chips-per-shard", "on-error", "max-skipped"),
        *("retry-skipped", "verify", "max-pixels", "max-json-bytes", "follow-symlinks"),
    ),
    "Other": (),
    "Configuration and report": ("config", "print-config", "json", "quiet", "verbose", "debug", "help"),
}
"""Headings, and under each the long names of options, in order; ``Other`` is for those that stand nowhere else."""


def key(option: click.Parameter) -> str:
    """Return the long name of an option without its dashes: its key in a configuration file."""
    return next(name for name in option.opts if name.startswith("--")).removeprefix("--")


def grouped(command: click.Command, context: click.Context) -> Iterator[tuple[str, list[click.Option]]]:
    """Yield the headings that a command has options for, and these options."""
    options = {key(one): one for one in command.get_params(context) if isinstance(one, click.Option)}
    known = {name for names in GROUPS.values() for name in names}
    for title, names in GROUPS.items():
        shown = [options[name] for name in names if name in options]
        if title == "Other":
            shown = [option for name, option in options.items() if name not in known]
        if shown:
            yield title, shown


class GroupedCommand(click.Command):
    """A command whose help shows its many options under headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, one heading after the other."""
        for title, options in grouped(self, ctx):
            records = [record for option in options if (record := option.get_help_record(ctx)) is not None]
            with formatter.section(title):
                formatter.write_dl(records)
