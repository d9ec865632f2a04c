"""Options that several commands share, and their default values, which are those of the configurations."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

import click

from chipgen.cli import completion
from chipgen.cli.config_file import load_config
from chipgen.cli.print_config import PrintConfig
from chipgen.cli.sampler import SAMPLER_OPTIONS, sampler_settings
from chipgen.config import ASSIGN, PlanConfig
from chipgen.errors import UsageError
from chipgen.negative_config import MODES, NegativeConfig
from chipgen.remote import place_of
from chipgen.scales import PRESETS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chipgen.proposals import ProposalFile

Command = TypeVar("Command", bound="Callable[..., Any]")


def setting(config: type, name: str, kind: Any, text: str) -> Callable[[Any], Any]:
    """Return the option of a configuration's field, with the field's default."""
    default = config.__dataclass_fields__[name].default  # type: ignore[attr-defined]
    option = f"--{name.replace('_', '-')}"
    return click.option(option, name, type=kind, default=default, show_default=default is not None, help=text)


PLAN_OPTIONS = (
    click.option(
        "--scales",
        help="Scales, comma-separated: 512 (longest side), 800x1333 (shortest side, longest at most), 1.667x (factor).",
    ),
    click.option(
        "--valid-ranges",
        default="auto",
        show_default=True,
        help="Sizes to learn at each scale, same order, sqrt(w*h) in image px: 0-80,32-150,120-.",
    ),
    click.option(
        "--preset", type=click.Choice(sorted(PRESETS)), help="Scales and ranges by name; sniper-coco is the paper's."
    ),
    setting(PlanConfig, "chip_size", int, "Side of a chip, px."),
    setting(PlanConfig, "stride", int, "Distance of candidate positions, scaled px."),
    *SAMPLER_OPTIONS,
    setting(PlanConfig, "min_visibility", float, "Share of a box that must be visible for it to be learnt."),
    setting(PlanConfig, "min_box", float, "Shortest side of a box to be learnt, chip px; below 1 acts as 1."),
    setting(
        PlanConfig, "assign", click.Choice(ASSIGN), "Learn an object in all chips of a level that show it, or one."
    ),
    setting(PlanConfig, "seed", int, "Seed of all random choices."),
)

NEGATIVE_OPTIONS = (
    click.option(
        "--proposals",
        multiple=True,
        metavar="[SPLIT=]PATH",
        shell_complete=completion.files,
        help="Scored boxes to mine negative chips from, path or URL: JSON, Parquet, NPZ.",
    ),
    setting(NegativeConfig, "negatives", click.Choice(MODES), "Mined from proposals, random background, or none."),
    setting(
        NegativeConfig,
        "negatives_per_image",
        str,
        "At most so many an image, or all.  [default: 2; all with --negative-ratio]",
    ),
    setting(NegativeConfig, "negative_ratio", float, "So many for each positive chip, over the whole run."),
    setting(
        NegativeConfig,
        "min_proposals",
        str,
        "Proposals in a negative chip: one number, or one a level.  [default: 26 at the finest level, 11 at others; "
        "fewer for files with less than 200 an image]",
    ),
    setting(NegativeConfig, "min_score", float, "Use only proposals with this score or a better one."),
    setting(NegativeConfig, "max_proposals", int, "Use only the best so many of each image.  [default: all]"),
    setting(NegativeConfig, "object_iou", float, "A proposal with this IoU with an object is no background."),
    setting(
        NegativeConfig, "object_share", float, "Nor is one with this share inside an object.  [default: no such limit]"
    ),
    setting(NegativeConfig, "crowd_share", float, "Nor is one with this share inside a crowd region."),
    setting(NegativeConfig, "max_ignored_area", float, "Share of a negative chip that ignored objects may take up."),
)

REPORT_OPTIONS = (
    click.option("--json", "as_json", is_flag=True, help="Print the report as JSON."),
    click.option("-q", "--quiet", is_flag=True, help="Print no report."),
    click.option("--debug", is_flag=True, help="Show where an error came from."),
)

COMMON_OPTIONS = (
    click.option(
        "--images",
        multiple=True,
        metavar="[SPLIT=]PATH",
        shell_complete=completion.folders,
        help="Folder of the images, path or URL; looked for near the JSON when not given.",
    ),
    click.option("--max-json-bytes", type=click.IntRange(1), help="Refuse larger annotation files.  [default: 4 GiB]"),
    click.option("--limit", type=click.IntRange(1), help="Only the first N images by id, for a try."),
    click.option(
        "--config",
        type=click.Path(),
        is_eager=True,
        expose_value=False,
        callback=load_config,
        help="TOML file with these options by name.",
    ),
    click.option(
        "--print-config",
        cls=PrintConfig,
        is_flag=True,
        expose_value=False,
        help="Print the options, as given and by default, as a file for --config; nothing is read.",
    ),
    *REPORT_OPTIONS,
    click.option("-v", "--verbose", is_flag=True, help="Say on stderr what is being done."),
)


def plan_settings(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that are settings of a plan, by the names of its keyword arguments.

    Raises
    ------
    UsageError
        There is no such sampler, or it cannot mean its options.
    """
    named = {one.name for config in (PlanConfig, NegativeConfig) for one in fields(config)}
    own = {name: value for name, value in options.items() if name in named - {"scales", "valid_ranges"}}
    return {**own, **sampler_settings(options)}


def given_proposals(path: str | None, options: Mapping[str, Any], on_error: str) -> ProposalFile | None:
    """Open a file of proposals; None without one."""
    if path is None:
        return None
    from chipgen.proposals import read_proposals  # noqa: PLC0415 -- heavy, and not needed for --help

    tell(options, f"reading: {place_of(path)}")
    return read_proposals(path, on_error=on_error)


def say(text: str | bytes) -> None:
    """Print a line of the report; whoever read us may have gone away, and that changes nothing."""
    try:
        click.echo(text)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(line: str) -> None:
    """Print a line about something wrong; whoever reads them may have gone away."""
    with contextlib.suppress(OSError, ValueError):
        print(line.encode("utf-8", "backslashreplace").decode(), file=sys.stderr)


def tell(options: Mapping[str, Any], line: str) -> None:
    """With ``--verbose``, say on stderr what is being done."""
    if options["verbose"]:
        click.echo(line, err=True)


def with_options(*groups: tuple[Callable[[Command], Command], ...]) -> Callable[[Command], Command]:
    """Return a decorator that adds groups of options."""

    def add(command: Command) -> Command:
        for group in reversed(groups):
            for option in reversed(group):
                command = option(command)
        return command

    return add


def scales_and_ranges(scales: str | None, valid_ranges: str, preset: str | None) -> tuple[str | None, str]:
    """Combine ``--scales``, ``--valid-ranges`` and ``--preset``: what is given explicitly wins.

    Raises
    ------
    UsageError
        Both scales and a preset are given.
    """
    if preset is None:
        return scales, valid_ranges
    if scales is not None:
        raise UsageError.one("--preset", preset, "already names the scales", "leave out --scales or --preset")
    named, ranges = PRESETS[preset]
    return named, ranges if valid_ranges == "auto" else valid_ranges
