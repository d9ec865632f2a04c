"""``--config FILE.toml``: option names as keys; what stands on the command line wins."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path
from typing import Any

import click

from chipgen.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def load_config(context: click.Context, _: click.Parameter, path: str | None) -> None:
    """Take defaults from a configuration file.

    Raises
    ------
    UsageError
        It cannot be read, names no option, or gives a value that no option takes.
    """
    if path is None:
        return
    options = {
        name.removeprefix("--"): option
        for option in context.command.params
        if isinstance(option, click.Option) and option.name not in {"config", "print_config"}
        for name in option.opts
        if name.startswith("--")
    }
    defaults = {}
    for key, value in _read(path).items():
        option = options.get(key.replace("_", "-"))
        if option is None:
            near = difflib.get_close_matches(key, options, 1)
            todo = f"did you mean {near[0]}?" if near else f"use the option names of {context.command_path}"
            raise UsageError.one(path, key, "is no option", todo)
        defaults[str(option.name)] = _value(path, key, value, option)
    context.default_map = {**(context.default_map or {}), **defaults}


def _read(path: str) -> dict[str, Any]:
    """Return the content of a TOML file."""
    try:
        values: dict[str, Any] = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        what = f"cannot be read ({error})".replace("\n", " ")
        raise UsageError.one(path, "", what, "name a TOML file with option names as keys") from error
    return values


def _value(path: str, key: str, value: Any, option: click.Option) -> Any:
    """Return a value as the command line would give it."""
    if option.is_flag:
        if isinstance(value, bool):
            return value
        raise UsageError.one(path, key, "is a switch", "write true or false")
    if option.multiple and not isinstance(value, bool):
        return _pairs(path, key, value)
    if isinstance(value, (bool, dict)):
        what = "is no switch" if isinstance(value, bool) else "is a table"
        raise UsageError.one(path, key, what, "write key = value at the top level")
    return _text(value)


def _pairs(path: str, key: str, value: Any) -> list[str]:
    """Return the values of an option that may be given again and again: NAME=VALUE, as a table or as text."""
    if not isinstance(value, dict):
        return [str(one) for one in value] if isinstance(value, list) else [str(value)]
    for name, one in value.items():
        if isinstance(one, dict):
            raise UsageError.one(path, f"{key}.{name}", "is a table", "write name = value")
    return [f"{name}={_text(one)}" for name, one in value.items()]


def _text(value: Any) -> str:
    """Return a value as text, a list with commas."""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
