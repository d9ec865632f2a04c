"""Which test proves which row of the table of faults, and the table as a page."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from faults import FAULTS, SECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TESTS = Path(__file__).parent
PAGE = TESTS / "FAULTS.md"
SHOWN = 6
"""Tests named for one row before the rest is only counted."""

APART = ("consumers/heavy/", "clusters/")
"""Folders of tests with environments of their own, which prove no rows."""

DESELECTED = pytest.StashKey[bool]()
"""Whether some test that was found was left out again: by ``-k``, ``-m`` and the like."""

HEAD = """\
# The table of faults

What can go wrong, what must happen then, and the tests that see to it. Rows are written in `faults.py`; this page is
made from them and from what the tests say of themselves. After a change, the whole suite writes it anew:

    CHIPGEN_UPDATE_FAULTS=1 python -m pytest
"""


def rows_of(item: pytest.Item) -> set[str]:
    """Return the rows that a test proves: those of its marks, and those of the objects it is parametrized with."""
    marked = {row for mark in item.iter_markers("row") for row in mark.args}
    values = item.callspec.params.values() if isinstance(item, pytest.Function) and hasattr(item, "callspec") else ()
    named = {getattr(value, "row", None) for value in values}
    return marked | {row for row in named if isinstance(row, str)}


def name_of(item: pytest.Item) -> str:
    """Return file and function of a test, without its parameters: those may differ from machine to machine."""
    return f"{item.path.relative_to(TESTS).as_posix()}::{item.name.partition('[')[0]}"


def proofs(items: Iterable[pytest.Item]) -> dict[str, list[str]]:
    """Return the tests of each row that any of them names, sorted."""
    found: dict[str, set[str]] = defaultdict(set)
    for item in items:
        for row in rows_of(item):
            found[row].add(name_of(item))
    return {row: sorted(tests) for row, tests in found.items()}


def left_out(session: pytest.Session) -> str:
    """Say why a run is not one of the whole suite; nothing when it is.

    Options need not be known for that: every function there is must have been found, and none of its cases left out.
    """
    config = session.config
    if config.stash.get(DESELECTED, False) or config.getoption("lf", default=False):
        return "some tests were deselected"
    if any("::" in argument for argument in config.args):
        return "single tests were named"
    missing = _all_names() - {name_of(item) for item in session.items}
    return f"{len(missing)} tests were not collected, such as {min(missing)}" if missing else ""


def _all_names() -> set[str]:
    """Return file and function of every test there is but those that stand apart, by looking at the source."""
    return {
        f"{path.relative_to(TESTS).as_posix()}::{node.name}"
        for path in TESTS.rglob("test_*.py")
        if not path.relative_to(TESTS).as_posix().startswith(APART)
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def page(tests: Mapping[str, list[str]]) -> str:
    """Return the table as Markdown."""
    lines = [HEAD]
    for letter, title in SECTIONS.items():
        lines += [f"## {letter}. {title}\n", "| row | fault | what must happen | tests |", "|---|---|---|---|"]
        for fault in FAULTS:
            if fault.row.startswith(letter):
                cell = f"does not apply: {fault.not_applicable}" if fault.not_applicable else _listed(fault.row, tests)
                lines.append(f"| {fault.row} | {fault.fault} | {fault.answer} | {cell} |")
        lines.append("")
    return "\n".join(lines)


def _listed(row: str, tests: Mapping[str, list[str]]) -> str:
    """Name the tests of a row, the first ones when there are many."""
    names = tests.get(row, ["none"])
    more = [f"and {len(names) - SHOWN} more"] if len(names) > SHOWN else []
    return "<br>".join([*(f"`{name}`" for name in names[:SHOWN]), *more])
