"""``--print-config`` prints what ``--config`` reads back: the same options, and so the same build."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from run_cli import chipgen, chipgen_here, tree
from small_set import SCALES
from thorough import times

from chipgen.cli import cli
from chipgen.cli.groups import GROUPS, GroupedCommand, grouped, key
from chipgen.cli.print_config import NOT_OF_THE_FILE, toml

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

GROUPED = [name for name, command in cli.commands.items() if isinstance(command, GroupedCommand)]
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(
    lambda text: not text.startswith("-")
)


def options_of(command: str) -> list[click.Option]:
    """Return the options that a configuration file takes."""
    options = [one for one in cli.commands[command].params if isinstance(one, click.Option)]
    return [option for option in options if key(option) not in NOT_OF_THE_FILE]


def given_as(option: click.Option) -> st.SearchStrategy[list[str]]:
    """Return ways to give an option."""
    name = f"--{key(option)}"
    if option.is_flag:
        return st.sampled_from([[one] for one in (name, *option.secondary_opts) if one.startswith("--")])
    values: st.SearchStrategy[Any] = TEXT
    if isinstance(option.type, click.Choice):
        values = st.sampled_from(sorted(option.type.choices))
    elif isinstance(option.type, click.IntRange):
        values = st.integers(1, 2**70)
    elif option.type is click.INT:
        values = st.integers()
    elif option.type is click.FLOAT:
        values = st.floats(allow_nan=False)
    one = values.map(lambda value: [f"{name}={value}"])
    return (
        st.lists(one, min_size=1, max_size=3).map(lambda ones: [word for one in ones for word in one])
        if option.multiple
        else one
    )


@st.composite
def command_lines(draw: st.DrawFn, command: str) -> list[str]:
    """Draw a command line: some options, in any order."""
    options = draw(st.lists(st.sampled_from(options_of(command)), unique=True, max_size=12))
    return [word for option in options for word in draw(given_as(option))]


def printed_by(*words: str) -> str:
    """Return what a command prints, in this process."""
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.exception
    return done.stdout_bytes.decode("utf-8")


def meant(command: str, words: list[str]) -> dict[str, Any]:
    """Return the options as a command would get them, of two equal values the later one."""
    source = ["here.json"] if command == "stats" else []
    values = cli.commands[command].make_context(command, [*words, *source]).params
    return {
        name: list(dict.fromkeys(reversed(value))) if isinstance(value, (list, tuple)) else value
        for name, value in values.items()
    }


@pytest.mark.parametrize("command", GROUPED)
def test_file_says_what_the_command_line_said(command: str) -> None:
    @settings(max_examples=times(60), deadline=None)
    @given(command_lines(command))
    def check(drawn: list[str]) -> None:
        words = [*drawn, "--coco=here.json"] if command == "build" else drawn
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "c.toml"
            path.write_text(printed_by(command, *words, "--print-config"), encoding="utf-8")
            assert meant(command, [f"--config={path}"]) == meant(command, words)

    check()


@given(st.recursive(TEXT | st.integers() | st.floats(allow_nan=False) | st.booleans(), st.lists, max_leaves=5))
def test_toml_reads_back_what_was_written(value: Any) -> None:
    assert tomllib.loads(f"key = {toml(value, 'key')}")["key"] == value


def test_same_build_by_file(small_set: Path, tmp_path: Path) -> None:
    options = [*SCALES, "--sampler", "grid", "--sampler-option", "overlap=0.5", "--sampler-option", "empty=0"]
    words = ["build", "--coco", str(small_set), *options, "--no-pad", "--fill", "#102030", "--format", "coco"]
    printed = chipgen(*words, "--print-config").expect(0)
    (tmp_path / "c.toml").write_text(printed.out, encoding="utf-8")
    chipgen_here(*words, "--out", str(tmp_path / "one")).expect(0)
    chipgen_here("build", "--config", str(tmp_path / "c.toml"), "--out", str(tmp_path / "two")).expect(0)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_file_read_before_is_in_what_is_printed(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text('scales = "3x"\nseed = 5\nsampler-option = {overlap = 0.5}\n', encoding="utf-8")
    for words in (["--config", str(path), "--print-config"], ["--print-config", "--config", str(path)]):
        printed = chipgen("build", *words, "--seed", "6", "--sampler-option", "overlap=0.25").expect(0).out
        values = tomllib.loads(printed)
        assert (values["scales"], values["seed"]) == ("3x", 6)
        assert values["sampler-option"] == ["overlap=0.5", "overlap=0.25"]


def test_later_of_two_values_still_holds() -> None:
    pairs = ["--sampler-option=a=1", "--sampler-option=a=2", "--sampler-option=a=1"]
    printed = printed_by("build", *pairs, "--print-config")
    assert tomllib.loads(printed)["sampler-option"] == ["a=2", "a=1"]


@pytest.mark.parametrize("command", GROUPED)
def test_nothing_is_read_and_nothing_missed(command: str, tmp_path: Path) -> None:
    done = chipgen(command, "--print-config", "--images", str(tmp_path / "none"), "--seed", "7", cwd=tmp_path).expect(0)
    assert tomllib.loads(done.out)["seed"] == 7
    assert list(tmp_path.iterdir()) == []
    if command == "build":
        assert "\n# coco = (required)\n" in done.out


def test_values_that_no_option_takes_are_told() -> None:
    assert "--chip-size" in chipgen("build", "--print-config", "--chip-size", "x").expect(2).err
    refused = chipgen("build", "--print-config", "--out", "half\udcff").expect(2)
    assert refused.err.startswith("--out: 'half\\udcff': is no UTF-8")
    assert refused.err.count("\n") == 1


def test_printed_in_any_locale() -> None:
    done = chipgen("build", "--print-config", "--out", "Übung\n", PYTHONIOENCODING="ascii").expect(0)
    assert tomllib.loads(done.out)["out"] == "Übung\n"


def test_file_does_not_ask_for_itself(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("print-config = true", encoding="utf-8")
    assert "print-config: is no option" in chipgen_here("build", "--config", str(tmp_path / "c.toml")).expect(2).err


@pytest.mark.parametrize("command", GROUPED)
def test_every_option_has_a_place(command: str) -> None:
    context = click.Context(cli.commands[command], info_name=command)
    placed = dict(grouped(cli.commands[command], context))
    assert "Other" not in placed  # name new options in chipgen/cli/groups.py
    assert sum(map(len, placed.values())) == len(options_of(command)) + len(NOT_OF_THE_FILE)


def test_no_option_has_two_places() -> None:
    names = [name for names in GROUPS.values() for name in names]
    assert len(set(names)) == len(names)
