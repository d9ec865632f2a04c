"""The command line: parse, call one function, turn errors into exit codes and one line."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback

import click

from chipgen.cli.build import build
from chipgen.cli.epochs import epochs
from chipgen.cli.options import complain
from chipgen.cli.proposals import proposals
from chipgen.cli.stats import stats
from chipgen.cli.verify import verify
from chipgen.cli.view import view
from chipgen.errors import ChipgenError
from chipgen.stopping import Stopped, listening


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="chipgen", message="%(prog)s %(version)s")
def cli() -> None:
    """Turn a COCO dataset into SNIPER chips: every object at the scale where a detector learns it best."""


cli.add_command(build)
cli.add_command(proposals)
cli.add_command(epochs)
cli.add_command(stats)
cli.add_command(view)
cli.add_command(verify)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit."""
    arguments = sys.argv[1:] if arguments is None else arguments
    _open_streams()
    code = _run(arguments)
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    raise SystemExit(code)


def _open_streams() -> None:
    """Lead closed standard streams to nowhere; else the next file opened would get their number and their text."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            handle = os.open(os.devnull, os.O_RDWR)
            if handle != number:
                os.dup2(handle, number)
                os.close(handle)
            os.set_inheritable(number, True)
            setattr(sys, name, open(number, "r" if number == 0 else "w", encoding="utf-8"))  # noqa: PTH123, SIM115


def _run(arguments: list[str]) -> int:
    """Run the command line and return its exit code."""
    try:
        with listening():
            result = cli.main(arguments or ["--help"], prog_name="chipgen", standalone_mode=False)
    except ChipgenError as error:
        _complain(str(error), arguments)
        return error.exit_code
    except click.ClickException as error:
        _complain(_one_line(error), arguments)
        return error.exit_code
    except Stopped as stop:
        _complain(f"chipgen: interrupted: {stop.told}: run again to resume", arguments)
        return stop.exit_code
    except MemoryError:
        _complain("chipgen: out of memory: use a machine with more, or split the dataset", arguments)
        return 1
    except Exception as error:  # noqa: BLE001 -- a defect of ours: still one line, and where to take it
        what = f"{type(error).__name__}: {error}".replace("\n", " ")
        _complain(f"chipgen: unexpected: {what}: run again with --debug and report what it prints", arguments)
        return 1
    return result if isinstance(result, int) else 0


def _complain(line: str, arguments: list[str]) -> None:
    """Print an error; with ``--debug``, where it came from."""
    if "--debug" in arguments:
        traceback.print_exc()
    complain(line)


def _one_line(error: click.ClickException) -> str:
    """Return what click has to say as ``command: what: what to do``."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "chipgen"
    message = " ".join(error.format_message().rstrip(".").split())
    return f"{command}: {message}: see {command} --help"


__all__ = ["cli", "main"]
