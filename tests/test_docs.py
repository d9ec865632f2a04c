"""The pages in docs/commands are what the help says now; every option says what it does, every command has examples."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from chipgen.cli import cli

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "commands"
COMMANDS = sorted(cli.commands)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of pages made now."""
    folder = tmp_path_factory.mktemp("pages")
    subprocess.run([sys.executable, str(ROOT / "docs" / "make_pages.py"), str(folder)], check=True)
    return folder


def test_pages_are_those_of_the_commands(made: Path) -> None:
    assert sorted(path.stem for path in PAGES.iterdir()) == sorted(path.stem for path in made.iterdir()) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_page_is_what_the_help_says(command: str, made: Path) -> None:
    page = f"{command}.md"
    assert (PAGES / page).read_text("utf-8") == (made / page).read_text("utf-8")  # else: make docs


@pytest.mark.parametrize("command", COMMANDS)
def test_page_shows_every_option_once(command: str) -> None:
    text = (PAGES / f"{command}.md").read_text("utf-8")
    for option in cli.commands[command].params:
        if isinstance(option, click.Option):
            name = next(name for name in option.opts if name.startswith("--"))
            rows = [
                line
                for line in text.splitlines()
                if line.startswith("| `") and name in shlex.split(line.split("`")[1].replace(",", " "))
            ]
            assert len(rows) == 1, name


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_says_what_it_does(command: str) -> None:
    for option in cli.commands[command].params:
        if isinstance(option, click.Option):
            assert option.help, option.name
            assert option.help[0].isupper(), option.name
            assert option.help[-1] in ".]", option.name


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_examples_that_can_be_meant(command: str) -> None:
    text = (PAGES / f"{command}.md").read_text("utf-8").partition("```sh\n")[2].partition("```")[0]
    examples = [shlex.split(line) for line in text.replace("\\\n", " ").splitlines()]
    assert any(words[1] == command for words in examples)
    for program, name, *words in examples:
        assert program == "chipgen"
        cli.commands[name].make_context(name, words)


def test_all_pages_are_linked() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    for command in COMMANDS:
        assert f"](docs/commands/{command}.md)" in readme


def test_every_row_of_trainers_names_tests_that_there_are() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    rows = readme.partition("## My trainer, my options")[2].partition("\n\nEach test")[0].splitlines()[4:]
    named = set()
    assert len(rows) > 10
    for row in rows:
        links = re.findall(r"\]\((tests/consumers/[\w/]+\.py)\)", row)
        assert links, row
        assert all((ROOT / link).exists() for link in links)
        named |= set(links)
    there = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests" / "consumers").rglob("test_*.py")}
    assert named == there - {"tests/consumers/test_made_set.py"}
