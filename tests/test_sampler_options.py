"""Options of samplers: read as their defaults are, refused by name, recorded with the build."""

from __future__ import annotations

import functools
import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from datasets_made import Coco
from run_cli import chipgen as run
from run_cli import chipgen_here
from small_set import SCALES

import chipgen
from chipgen.errors import UsageError
from chipgen.samplers import bind, options_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from chipgen import Dataset, View


def recording(seen: list[dict[str, Any]]) -> Any:
    def sampler(
        view: View,
        rng: np.random.Generator,
        plain: int = 3,
        *,
        flag: bool = False,
        count: int = 2,
        share: float = 0.5,
        word: str = "red",
        other: object = None,
    ) -> Any:
        del view, rng, plain, other
        seen.append({"flag": flag, "count": count, "share": share, "word": word})
        return []

    return sampler


class Shifted:
    """A sampler that is an object."""

    def __init__(self, start: int) -> None:
        self.start = start

    def __call__(self, view: View, rng: np.random.Generator, *, by: int = 1) -> Any:
        del view, rng
        return [[self.start + by, 0]]


def dataset() -> Dataset:
    coco = Coco()
    image = coco.image(1000, 800)
    coco.box(image, [10, 10, 50, 50])
    coco.box(image, [700, 600, 50, 50], category_id=1)
    return coco.read()


def test_options_are_keyword_only_with_a_plain_default() -> None:
    assert options_of(recording([])) == {"count": 2, "flag": False, "share": 0.5, "word": "red"}
    assert options_of(Shifted(3)) == {"by": 1}
    assert options_of(functools.partial(chipgen.grid, overlap=0.7)) == {"empty": 1.0, "overlap": 0.7}
    whole = options_of(functools.partial(functools.partial(recording([]), plain=9, share=1, word=None), count=5))
    assert whole == {"count": 5, "flag": False, "share": 1.0}
    assert isinstance(whole["share"], float), "of the kind of the first default"
    assert options_of(chipgen.sniper) == {}
    unreadable: Any = dict  # what is written in C may tell nothing of itself
    assert options_of(unreadable) == {}


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"flag": "true"}, {"flag": True}),
        ({"flag": "No"}, {"flag": False}),
        ({"flag": 1}, {"flag": True}),
        ({"count": "-7"}, {"count": -7}),
        ({"count": np.int64(7)}, {"count": 7}),
        ({"share": "1"}, {"share": 1.0}),
        ({"share": "inf"}, {"share": np.inf}),
        ({"share": np.float64(0.1)}, {"share": 0.1}),
        ({"word": "a=b, c"}, {"word": "a=b, c"}),
        ({"word": ""}, {"word": ""}),
        ({"word": 7}, {"word": "7"}),
    ],
)
def test_value_is_read_as_its_default_is(given: Mapping[str, Any], read: Mapping[str, Any]) -> None:
    seen: list[dict[str, Any]] = []
    bound, options = bind(recording(seen), given, "mine")
    expected = {"count": 2, "flag": False, "share": 0.5, "word": "red", **read}
    assert dict(options) == expected
    assert [type(value) for _, value in options] == [type(value) for value in expected.values()]
    bound(None, None)  # type: ignore[arg-type]
    assert seen[-1] == expected
    assert len(seen) == 1 + (expected != options_of(bind(recording([]), {}, "mine")[0])), "tried once, with others"
    assert bind(recording(seen), dict(options), "mine")[1] == options


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"flag": "perhaps"}, "flag: perhaps: mine wants true or false"),
        ({"count": "1.5"}, "count: 1.5: mine wants a whole number"),
        ({"count": True}, "count: True: mine wants a whole number"),
        ({"count": "\u0665"}, "mine wants a whole number"),
        ({"share": "much"}, "share: much: mine wants a number"),
        ({"share": "nan"}, "share: nan: mine wants a number"),
        ({"share": None}, "share: None: mine wants a number"),
        ({"word": ["a"]}, "mine wants text"),
        ({"size": 3}, "size: 3: mine has no such option"),
        ({"plain": 3}, "plain: 3: mine has no such option"),
        ({"other": 3}, "other: 3: mine has no such option"),
    ],
)
def test_value_that_does_not_fit_is_refused_by_name(given: Mapping[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says) as refusal:
        bind(recording([]), given, "mine")
    assert "its options are count=2, flag=false, share=0.5, word=red" in str(refusal.value)
    assert str(refusal.value).startswith(f"--sampler-option {next(iter(given))}: ")


def test_sampler_without_options_says_so() -> None:
    with pytest.raises(UsageError, match="by: 3: sniper has no such option: leave it out, or name another --sampler"):
        chipgen.plan(dataset(), "1x", sampler_options={"by": 3})


@pytest.mark.parametrize(
    ("sampler", "name"),
    [
        (Shifted(5), "test_sampler_options:Shifted"),
        (functools.partial(Shifted(3), by=3), "test_sampler_options:Shifted"),
    ],
)
def test_objects_and_partials_have_options(sampler: Any, name: str) -> None:
    plan = chipgen.plan(dataset(), "1x", sampler=sampler, sampler_options={"by": 4})
    assert plan.chips.origin_scaled.tolist() == [[{5: 9, 3: 7}[getattr(sampler, "start", 3)], 0]]
    assert plan.config.sampler == name
    assert plan.config.sampler_options == (("by", 4),)
    assert hash(plan.config)


def test_part_of_a_built_in_sampler_is_recorded_as_that_with_its_options() -> None:
    part = chipgen.plan(dataset(), "1x", sampler=functools.partial(chipgen.grid, overlap=0.5))
    named = chipgen.plan(dataset(), "1x", sampler="grid", sampler_options={"overlap": "0.5"})
    assert part.config == named.config
    assert part.config.recorded()["sampler_options"] == {"empty": 1.0, "overlap": 0.5}
    assert np.array_equal(part.chips.origin_scaled, named.chips.origin_scaled)


def test_infinity_is_recorded_as_text() -> None:
    config = chipgen.plan(dataset(), "1x", sampler=recording([]), sampler_options={"share": "-inf"}).config
    assert config.recorded()["sampler_options"]["share"] == "-inf"


def test_sampler_may_refuse_an_option_before_anything_is_read() -> None:
    calls: list[int] = []

    def picky(view: View, rng: np.random.Generator, *, size: int = 1) -> Any:
        del rng
        calls.append(view.image_id)
        if size > 3:
            raise UsageError.one("--sampler-option size", str(size), "is too much", "use up to 3")
        return np.argmax(view.valid_scaled, axis=0)  # fails where there is nothing: no reason to refuse

    with pytest.raises(UsageError, match="size: 4: is too much"):
        bind(picky, {"size": 4}, "picky")
    assert len(calls) == 1
    bind(picky, {"size": 3}, "picky")
    bind(picky, {}, "picky")
    bind(picky, {"size": 1}, "picky")
    assert len(calls) == 2, "without other values there is nothing to refuse"
    with pytest.raises(UsageError, match="size: 9: is too much"):
        chipgen.plan(dataset(), "1x", sampler=functools.partial(picky, size=9))


# -- on the command line -----------------------------------------------------------------------------------------------


def options_there(out: Path) -> Any:
    return json.loads((out / "_manifest.json").read_bytes())["configuration"]["sampler_options"]


def test_build_with_other_options_is_another_build(small_set: Path, tmp_path: Path) -> None:
    build = ("build", "--coco", str(small_set), *SCALES, "--sampler", "grid", "--out", str(tmp_path / "out"))
    options = ("--sampler-option", "overlap=0.5", "--sampler-option", "empty=0")
    chipgen_here(*build, *options).expect(0)
    assert options_there(tmp_path / "out") == {"empty": 0.0, "overlap": 0.5}
    assert "sampler `grid` (empty `0.0`, overlap `0.5`), stride" in (tmp_path / "out" / "README.md").read_text()
    assert "nothing to do" in chipgen_here(*build, *options).expect(0).out
    other_order = (*options[2:], *options[:2])
    assert "nothing to do" in chipgen_here(*build, *other_order).expect(0).out
    refused = chipgen_here(*build, "--sampler-option", "empty=0").expect(4).err
    assert ": configuration.sampler_options.overlap: is 0.5 there and 0.2 now: " in refused
    chipgen_here("verify", str(tmp_path / "out")).expect(0)


@pytest.mark.parametrize("config", ["sampler-option = {overlap = 0.5, empty = 0}", "[sampler-option]\noverlap = 0.5"])
def test_options_in_a_configuration_file(config: str, small_set: Path, tmp_path: Path) -> None:
    (tmp_path / "chips.toml").write_text(f'sampler = "grid"\nscales = "1x"\n{config}', encoding="utf-8")
    build = ("build", "--coco", str(small_set), "--config", "chips.toml", "--sampler-option", "empty=0.25", "--out")
    chipgen_here(*build, "one", cwd=tmp_path).expect(0)
    assert options_there(tmp_path / "one") == {"empty": 0.25, "overlap": 0.5}, "the command line wins, the rest stays"
    chipgen_here(*build, "two", "--sampler-option", "overlap=0.75", cwd=tmp_path).expect(0)
    assert options_there(tmp_path / "two") == {"empty": 0.25, "overlap": 0.75}


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ('sampler-option = ["chips=3"]', ""),
        ('sampler-option = "chips=3"', ""),
        ("sampler-option = {chips = [3, 4]}", "--sampler-option chips: 3,4: random-object wants a whole number"),
        ("sampler-option = {chips = {a = 3}}", "c.toml: sampler-option.chips: is a table: write name = value"),
        ("sampler-option = true", "c.toml: sampler-option: is no switch"),
        ("sampler-option = {chips = true}", "--sampler-option chips: True: random-object wants a whole number"),
    ],
)
def test_forms_of_options_in_a_configuration_file(config: str, says: str, small_set: Path, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(f'sampler = "random-object"\nscales = "1x"\n{config}', encoding="utf-8")
    done = chipgen_here("build", "--coco", str(small_set), "--config", "c.toml", "--dry-run", cwd=tmp_path)
    done.expect(2 if says else 0)
    assert done.err.startswith(says)
    assert done.err.count("\n") == bool(says)


@pytest.mark.parametrize("command", [("build", "--coco", "nowhere.json"), ("stats", "nowhere.json")])
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--sampler-option", "overlap"), "--sampler-option: overlap: is not NAME=VALUE: "),
        (("--sampler-option", "overlap=0.5"), "--sampler-option overlap: 0.5: sniper has no such option: "),
        (
            ("--sampler", "grid", "--sampler-option", "over=0.5"),
            "--sampler-option over: 0.5: grid has no such option: its options are empty=1.0, overlap=0.2\n",
        ),
        (("--sampler", "grid", "--sampler-option", "overlap=1"), "--sampler-option overlap: 1.0: is not possible: "),
        (("--sampler", "grid", "--sampler-option", "empty=2"), "--sampler-option empty: 2: is not possible: "),
        (("--sampler", "random-object", "--sampler-option", "chips=0"), "--sampler-option chips: 0: is not possible: "),
        (("--placement", "center"), "--placement: center: the sampler sniper has no such option: "),
        (("--placement", "left"), "chipgen "),
        (("--sampler", "nobody"), "--sampler: nobody: "),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_read(
    command: tuple[str, ...], arguments: tuple[str, ...], says: str
) -> None:
    done = chipgen_here(*command, "--scales", "1x", *arguments).expect(2)
    assert done.err.startswith(says)
    assert done.err.count("\n") == 1


PLACING = """
def sampler(view, rng, *, placement="random"):
    return [(view.size_scaled - view.content) // 2] if placement == "center" else []
"""


def test_placement_is_short_for_an_option(small_set: Path, tmp_path: Path) -> None:
    (tmp_path / "placing.py").write_text(PLACING, encoding="utf-8")
    command = ("build", "--coco", str(small_set), "--scales", "1x", "--dry-run", "--sampler", "placing:sampler")
    assert "chips        4," in run(*command, "--placement", "center", cwd=tmp_path).expect(0).out
    assert "chips        0," in run(*command, "--placement", "random", cwd=tmp_path).expect(0).out
    twice = run(*command, "--placement", "center", "--sampler-option", "placement=random", cwd=tmp_path).expect(2)
    assert twice.err.startswith("--placement: center: is given as --sampler-option, too: ")


def test_installed_sampler_is_found_by_its_name(small_set: Path, tmp_path: Path) -> None:
    """As after `pip install`: a module, and beside it a folder that says what it offers."""
    (tmp_path / "placing.py").write_text(PLACING, encoding="utf-8")
    about = tmp_path / "placing-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: placing\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text("[chipgen.samplers]\nmiddle = placing:sampler\n", encoding="utf-8")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    command = ("build", "--coco", str(small_set), "--scales", "1x", "--sampler")
    out = ("--placement", "center", "--out", str(tmp_path / "out"))
    assert "4 chips" in run(*command, "middle", *out, PYTHONPATH=path).expect(0).out
    made = json.loads((tmp_path / "out" / "_manifest.json").read_bytes())["configuration"]
    assert (made["sampler"], made["sampler_options"]) == ("middle", {"placement": "center"})
    assert "nothing to do" in run(*command, "middle", *out, PYTHONPATH=path).expect(0).out
    unknown = run(*command, "muddle", *out, PYTHONPATH=path).expect(2)
    assert unknown.err.rstrip().endswith("use compact, grid, middle, random-object, sniper, or package.module:name")


def test_options_of_ones_own_may_be_called_and_say_anything(small_set: Path, tmp_path: Path) -> None:
    """The manifest tells nothing of the run, but what a user writes into an option is a setting."""
    code = "def s(view, rng, *, time='', limit=float('inf')):\n    return []\n"
    (tmp_path / "mine.py").write_text(code, encoding="utf-8")
    command = ("build", "--coco", str(small_set), "--scales", "1x", "--sampler", "mine:s", "--out", "out")
    run(*command, "--sampler-option", "time=/noon", cwd=tmp_path).expect(0)
    assert options_there(tmp_path / "out") == {"limit": "inf", "time": "/noon"}
    run("verify", "out", cwd=tmp_path).expect(0)
