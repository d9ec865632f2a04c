"""``chipgen stats``."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import click

from chipgen.cli.groups import GroupedCommand
from chipgen.cli.options import (
    COMMON_OPTIONS,
    NEGATIVE_OPTIONS,
    PLAN_OPTIONS,
    given_proposals,
    plan_settings,
    say,
    scales_and_ranges,
    tell,
    with_options,
)
from chipgen.cli.report import heading
from chipgen.cli.sources import only
from chipgen.remote import is_folder, is_remote, is_there, path_of, place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from chipgen.report import BuiltStats, Stats

PAGE_OPTIONS = (
    click.option(
        "--html",
        metavar="FILE",
        type=click.Path(),
        help="Also write a page with charts, complete in itself: it opens in any browser, without a server.",
    ),
    click.option("--overwrite", is_flag=True, help="With --html: replace the page that chipgen stats wrote before."),
)


@click.command(cls=GroupedCommand)
@click.argument("source", type=click.Path())
@with_options(PLAN_OPTIONS, NEGATIVE_OPTIONS, PAGE_OPTIONS, COMMON_OPTIONS)
def stats(source: str, **options: Any) -> int:
    """Show object sizes, suggested scales, and what chips would come to.

    SOURCE is a COCO annotation file, or the output folder of a build; path or URL.

    \b
    chipgen stats instances.json
    chipgen stats instances.json --scales 512,1024,2048
    chipgen stats instances.json --scales 512,1024,2048 --html stats.html
    chipgen stats chips
    chipgen stats chips --html chips.html --overwrite
    """  # noqa: D301 -- click's mark for "do not rewrap"
    if splits := _splits(source):
        _of_splits(source, splits, options)
        return 0
    if parts := _parts(source):
        _of_parts(source, parts, options)
        return 0
    with _page(options) as write:
        found = _of_build(source) if _is_build(source) else _of_dataset(source, options)
        write(found)
    if not options["quiet"]:
        _report(found, options)
    return 0


def _splits(source: str) -> dict[str, str]:
    """Return the folders of the splits that a folder holds, by name."""
    if not _is_build(source):
        return {}
    from chipgen.store import splits_of  # noqa: PLC0415 -- heavy, and not needed for --help

    return splits_of(path_of(source))


def _is_build(source: str) -> bool:
    """Tell a folder from a file; of a web server, which has no folders, a build by its manifest."""
    place = path_of(source)
    if not is_remote(place):
        return place.is_dir()
    from chipgen.store import MANIFEST  # noqa: PLC0415

    return is_folder(place) if place.can_list else is_there(place / MANIFEST)


def _parts(source: str) -> tuple[str, ...]:
    """Return the folders of the parts that a folder holds."""
    if not is_folder(source):
        return ()
    from chipgen.store import parts_of  # noqa: PLC0415 -- heavy, and not needed for --help

    return parts_of(path_of(source))


def _of_parts(source: str, parts: tuple[str, ...], options: dict[str, Any]) -> None:
    """Add up what several parts come to; a page shows one."""
    from chipgen.report import parts_stats  # noqa: PLC0415 -- heavy, and not needed for --help
    from chipgen.store import refuse_collection  # noqa: PLC0415

    if options["html"] is not None:
        refuse_collection(path_of(source))
    found = parts_stats(path_of(source), parts)
    if not options["quiet"]:
        say(json.dumps(found.to_dict(), indent=1) if options["as_json"] else str(found))


def _of_splits(source: str, splits: dict[str, str], options: dict[str, Any]) -> None:
    """Describe each of several splits; a page shows one."""
    if options["html"] is not None:
        from chipgen.store import refuse_collection  # noqa: PLC0415

        refuse_collection(path_of(source))
    found = {name: _of_build(path_of(source) / folder) for name, folder in splits.items()}
    if options["as_json"] and not options["quiet"]:
        say(json.dumps({"splits": {name: one.to_dict() for name, one in found.items()}}, indent=1))
    elif not options["quiet"]:
        say("\n\n".join(f"{heading(name)}\n\n{one}" for name, one in found.items()))


def _report(found: BuiltStats | Stats, options: dict[str, Any]) -> None:
    """Print the figures, and where their page is."""
    html = options["html"]
    if options["as_json"]:
        page = {} if html is None else {"html": html}
        say(json.dumps({**found.to_dict(), **page}, indent=1))
    else:
        say(str(found) + ("" if html is None else f"\npage         {click.format_filename(html)}"))


@contextlib.contextmanager
def _page(options: dict[str, Any]) -> Iterator[Callable[[BuiltStats | Stats], object]]:
    """Give a function that writes the page, if one is asked for.

    What stands in its way is told before anything is read. It appears when the block ends: a fault leaves no page.
    """
    if options["html"] is None:
        yield lambda _: None
        return
    from chipgen.report import new_page  # noqa: PLC0415 -- heavy, and not needed for --help

    with new_page(options["html"], overwrite=options["overwrite"]) as write:
        yield lambda found: write(found.to_html())


def _of_build(source: str | Path) -> BuiltStats:
    """Describe a build."""
    from chipgen.report import built_stats  # noqa: PLC0415

    return built_stats(source)


def _of_dataset(source: str, options: dict[str, Any]) -> Stats:
    """Describe a dataset; annotations that cannot be used are counted, not fatal."""
    from chipgen.coco import MAX_JSON_BYTES, read_coco  # noqa: PLC0415
    from chipgen.report import stats as describe  # noqa: PLC0415

    scales, ranges = scales_and_ranges(options["scales"], options["valid_ranges"], options["preset"])
    settings = plan_settings(options)  # what cannot be meant is told before anything is read
    tell(options, f"reading: {place_of(source)}")
    limit = options["max_json_bytes"] or MAX_JSON_BYTES
    images, proposals = (only(options[name]) for name in ("images", "proposals"))
    dataset = read_coco(source, images, on_error="skip", max_json_bytes=limit)
    if options["limit"] is not None:
        dataset = dataset.first(options["limit"])
    return describe(dataset, scales, ranges, given_proposals(proposals, options, "skip"), **settings)
