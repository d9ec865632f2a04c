"""What a build prints at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chipgen.finished import BuildReport


def heading(split: str) -> str:
    """Return the line above what is said of a split."""
    return f"-- {split} {'-' * (76 - len(split))}"


def build_lines(report: BuildReport) -> Iterator[str]:
    """Yield the lines about one build."""
    from chipgen.text import counted, human_bytes  # noqa: PLC0415 -- heavy, and not needed for --help

    skipped = ", ".join(f"{count} {reason}" for reason, count in sorted(report.skipped.items())) or "nothing"
    what = f"{counted(report.chips, 'chip')} in {counted(report.shards, 'shard')}, {human_bytes(report.bytes)}"
    yield f"{'finished' if report.unchanged else 'written '}     {what}: {report.out}"
    if report.unchanged:
        yield "             nothing to do: this build was finished before"
    elif report.kept:
        yield f"resumed      {report.kept:,} of {counted(report.shards, 'shard')} were finished before"
    yield f"skipped      {skipped}"
    yield from (f"note         {note}" for note in report.notes)
