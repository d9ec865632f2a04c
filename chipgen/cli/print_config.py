"""``--print-config``: the options of a command as they would be used, as a file for ``--config``."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import click

from chipgen.cli.groups import grouped, key
from chipgen.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NOT_OF_THE_FILE = {"config", "print-config", "help"}
"""Options that a configuration file does not take."""


class PrintConfig(click.Option):
    """A switch that prints the configuration and ends the program, before anything is read or missed.

    What was given is known as soon as the command line is split into words; so this looks at all options by itself.
    Click comes to it before it misses what was not given, and after ``--config``, which is eager.
    """

    def handle_parse_result(
        self, ctx: click.Context, opts: Mapping[str, Any], args: list[str]
    ) -> tuple[Any, list[str]]:
        """Print the configuration, if this was given."""
        value, args = super().handle_parse_result(ctx, opts, args)
        if value and not ctx.resilient_parsing:
            from chipgen.cli.options import say  # noqa: PLC0415 -- this option is one of those

            say(_text(ctx, opts).encode("utf-8"))  # TOML is UTF-8 in any locale
            ctx.exit()
        return value, args


def _text(ctx: click.Context, opts: Mapping[str, Any]) -> str:
    """Return the configuration as a TOML file."""
    name = ctx.command_path
    lines = [f"# {name} --config THIS_FILE does what {name} would do with the options given.", ""]
    for title, options in grouped(ctx.command, ctx):
        shown = [option for option in options if key(option) not in NOT_OF_THE_FILE]
        if shown:
            lines += [f"# -- {title} {'-' * (90 - len(title))}", ""]
        for option in shown:
            lines += [*_entry(option, _effective(option, ctx, opts)), ""]
    return "\n".join(lines[:-1])


def _effective(option: click.Option, ctx: click.Context, opts: Mapping[str, Any]) -> Any:
    """Return the value of an option as the command would see it; None where it has none."""
    try:
        value = option.process_value(ctx, option.consume_value(ctx, opts)[0])
    except click.MissingParameter:
        return None
    if isinstance(value, (list, tuple)):  # each value once; the later of two holds, so that one stays
        return list(dict.fromkeys(reversed(value)))[::-1] or None
    return value if isinstance(value, (bool, int, float, str)) else None


def _entry(option: click.Option, value: Any) -> Iterator[str]:
    """Yield the lines of an option: what it is about, and its value, or where it would stand."""
    told = option.help or ""
    if isinstance(option.type, click.Choice):
        told += f" One of: {', '.join(option.type.choices)}."
    yield from textwrap.wrap(" ".join(told.split()), 98, initial_indent="# ", subsequent_indent="# ")
    if value is None:
        yield f"# {key(option)} = {'(required)' if option.required else ''}".rstrip()
    else:
        yield f"{key(option)} = {toml(value, key(option))}"


def toml(value: Any, name: str) -> str:
    """Return a value as TOML writes it.

    Parameters
    ----------
    value
        A switch, a number, text, or a list of these.
    name
        The option it belongs to.

    Raises
    ------
    UsageError
        A text holds half of a character, as names of files may that are no UTF-8: TOML cannot say it.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(toml(one, name) for one in value)}]"
    if not isinstance(value, str):
        return repr(value)
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        what = "is no UTF-8, which a configuration file must be"
        raise UsageError.one(f"--{name}", ascii(value), what, "give it on the command line") from None
    return f'"{"".join(map(_character, value))}"'


def _character(one: str) -> str:
    """Return a character as it stands between quotation marks."""
    if one in '"\\':
        return f"\\{one}"
    return one if one.isprintable() else f"\\U{ord(one):08x}"
