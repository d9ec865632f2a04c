"""The closed list of reasons: what is raised is in it, and what is in it can be raised."""

from __future__ import annotations

import ast
import pickle
import re
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

import chipgen
from chipgen.dataset import INVALID
from chipgen.scored import FAULTS, faults

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(chipgen.__file__).parent
HOMES = {"image": ("images",), "mask": ("masks", "details.py")}
"""Where the reasons of a kind are given; those of annotations and proposals are positions in tuples."""


def _calls(path: Path) -> Iterator[ast.Call]:
    """Yield every making of an `UnusableError` in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "UnusableError":
            yield node


def _files(home: Path) -> list[Path]:
    """Return the source files of a room."""
    return [home] if home.is_file() else sorted(home.rglob("*.py"))


def _named(path: Path) -> set[str]:
    """Return the reasons that a file gives, each of which must be written out where it is given."""
    found = set()
    for call in _calls(path):
        assert call.args, f"{path}:{call.lineno}: a reason without a name"
        reason = call.args[0]
        assert isinstance(reason, ast.Constant), f"{path}:{call.lineno}: the reason is not written out"
        found.add(cast("str", reason.value))
    return found


@pytest.mark.parametrize("kind", HOMES)
def test_reasons_given_are_those_listed(kind: str) -> None:
    files = [path for home in HOMES[kind] for path in _files(PACKAGE / home)]
    given = set().union(*map(_named, files))
    assert given == set(chipgen.REASONS[kind])


def test_nobody_else_gives_reasons() -> None:
    """What has no home has no list: the homes above are all there are, and a verifier, which skips nothing."""
    homes = {home.removesuffix(".py") for names in HOMES.values() for home in names} | {"verification"}
    givers = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in _files(PACKAGE) if any(_calls(path))}
    assert givers == homes


def test_reasons_of_annotations_and_proposals_are_those_listed() -> None:
    assert list(INVALID) == ["", *chipgen.REASONS["annotation"]]
    assert list(FAULTS) == ["", *chipgen.REASONS["proposal"]]


def test_faults_of_proposals_have_their_own_positions() -> None:
    """The numbers that `faults` returns are positions in a list whose order stands elsewhere."""
    boxes = np.array([[0, 0, 1, 1], [np.nan, 0, 1, 1], [0, 0, -1, 1], [0, 0, 0, 1], [0, 0, 1, 1]], dtype=np.float64)
    codes = faults(boxes, np.array([0, 0, 0, 0, np.inf]))
    assert [FAULTS[code] for code in codes] == ["", "not_finite", "negative_size", "zero_area", "bad_score"]


def test_the_list_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        chipgen.REASONS["image"]["other"] = "no"  # type: ignore[index]
    with pytest.raises(TypeError):
        chipgen.REASONS["other"] = {}  # type: ignore[index]


def test_every_reason_is_explained_in_a_line() -> None:
    assert list(chipgen.REASONS) == ["image", "annotation", "mask", "proposal"]
    for reasons in chipgen.REASONS.values():
        for word, text in reasons.items():
            assert word.isidentifier()
            assert text.isprintable()
            assert "|" not in text
            assert len(text) > len(word)


def test_an_unusable_thing_keeps_its_reason_between_processes() -> None:
    error = pickle.loads(pickle.dumps(chipgen.UnusableError("corrupt", "it is damaged")))  # noqa: S301 -- our own
    assert (error.reason, error.message) == ("corrupt", "it is damaged")


def test_what_a_library_says_about_bytes_is_made_printable() -> None:
    assert chipgen.UnusableError("corrupt", "chunk \x00\n\ud800 is odd").message == r"chunk \x00\n\ud800 is odd"


def test_the_readme_lists_them_all() -> None:
    text = (PACKAGE.parent / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| (\w*) ?\| `(\w+)` \| (.+) \|$", text, re.MULTILINE)
    shown = [(reason, told) for _, reason, told in listed]
    assert shown == [pair for reasons in chipgen.REASONS.values() for pair in reasons.items()]
    assert [kind for kind, _, _ in listed if kind] == list(chipgen.REASONS)
