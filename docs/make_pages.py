"""Write docs/commands/: a page for each command, made from its help.

python docs/make_pages.py [FOLDER]
"""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chipgen.cli import cli
from chipgen.cli.groups import GroupedCommand, grouped

if TYPE_CHECKING:
    from collections.abc import Iterator

REMARK = re.compile(r"\s*\[(default: [^\]]*|required|x>=\d+)\]")
"""What click, or the text itself, says in brackets behind the text of an option."""

CODES = {
    "0": "done",
    "1": "failed: data, disk, dead worker; safe to run again",
    "2": "an option or the configuration cannot be meant",
    "3": "done, but more was skipped than `--max-skipped`",
    "4": "what is there must not be touched: another build's, somebody else's, or locked",
    "130, 143": "interrupted; run again",
}
OF_COMMAND = {
    "build": "01234",
    "stats": "0124",
    "view": "0124",
    "verify": "012",
    "epochs": "0124",
    "proposals": "01234",
}
"""Exit codes that a command may end with, besides being interrupted."""

MEANING = {
    ("verify", "1"): "a fault was found, or something could not be read",
    ("build", "130, 143"): "interrupted; run again to resume",
}
"""Where a code means something of its own."""


def page(name: str) -> str:
    """Return the page of a command."""
    command = cli.commands[name]
    above = cli.make_context("chipgen", [name], resilient_parsing=True)
    context = click.Context(command, info_name=name, parent=above)
    about, examples = told(command)
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    lines = [
        f"# chipgen {name}",
        "",
        *about,
        "```text",
        usage,
        "```",
        "",
        "## Examples",
        "",
        "```sh",
        *examples,
        "```",
        "",
    ]
    for title, options in sections(command, context):
        lines += [f"## {title}", "", "| option | default | |", "|---|---|---|"]
        lines += [row(option, context) for option in options]
        lines.append("")
    lines += ["## Exit codes", "", "| | |", "|---|---|", *codes(name), ""]
    lines += ["This page is made from `--help`, by `make docs`."]
    return "\n".join(lines) + "\n"


def told(command: click.Command) -> tuple[list[str], list[str]]:
    """Return what the help of a command says, paragraph by paragraph, and its examples."""
    text = inspect.cleandoc(command.help or "")
    about, _, examples = text.partition("\b\n")
    paragraphs = [" ".join(part.split()) for part in about.strip().split("\n\n")]
    return [line for part in paragraphs for line in (part, "")], examples.strip().splitlines()


def sections(command: click.Command, context: click.Context) -> Iterator[tuple[str, list[click.Option]]]:
    """Yield headings and options; a command with few of them has few headings."""
    if isinstance(command, GroupedCommand):
        yield from grouped(command, context)
        return
    *own, (_, common) = grouped(command, context)
    names = {option.name for _, options in own for option in options}
    yield "Options", [one for one in command.params if isinstance(one, click.Option) and one.name in names]
    yield "Report", common


def row(option: click.Option, context: click.Context) -> str:
    """Return an option as the row of a table."""
    names, text = option.get_help_record(context) or ("", "")
    remarks = REMARK.findall(text)
    default = "; ".join(remark.removeprefix("default: ") for remark in remarks if not remark.startswith("x>="))
    flag, _, value = (names, "", "") if option.is_flag else names.partition(" ")
    value = value.removesuffix(" RANGE")
    shown = f"`{flag}`" + (f" {value}" if value else "")
    if isinstance(option.type, click.Choice):
        shown = f"`{flag}` " + ", ".join(f"`{choice}`" for choice in option.type.choices)
    return f"| {cell(shown)} | {cell(default)} | {cell(REMARK.sub('', text))} |"


def cell(text: str) -> str:
    """Return text as the cell of a table."""
    return text.replace("|", "\\|").replace("*", "\\*")


def codes(name: str) -> Iterator[str]:
    """Yield the exit codes of a command as rows of a table."""
    for code, meaning in CODES.items():
        if code in OF_COMMAND[name] or len(code) > 1:
            yield f"| {code} | {MEANING.get((name, code), meaning)} |"


def main(folder: Path) -> None:
    """Write all pages."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in cli.commands:
        (folder / f"{name}.md").write_text(page(name), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("commands"))
