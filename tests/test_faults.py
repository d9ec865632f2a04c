"""Every row of the table of faults has a test, and `FAULTS.md` says which.

``CHIPGEN_UPDATE_FAULTS=1 pytest`` writes that page anew. This needs the whole suite: a run of a part of it skips it.
"""

from __future__ import annotations

import os
import re

import pytest
from fault_table import PAGE, left_out, page, proofs
from faults import FAULTS, SECTIONS

ROWS = [fault.row for fault in FAULTS]


@pytest.fixture
def tests(request: pytest.FixtureRequest) -> dict[str, list[str]]:
    """Return the tests of each row."""
    if reason := left_out(request.session):
        pytest.skip(f"needs the whole suite: {reason}")
    return proofs(request.session.items)


def test_rows_are_numbered_through() -> None:
    assert [int(row[1:]) for row in ROWS] == list(range(1, len(ROWS) + 1))
    assert "".join(dict.fromkeys(row[0] for row in ROWS)) == "".join(SECTIONS)
    assert all(re.fullmatch(r"[^|\n]+", text) for fault in FAULTS for text in (fault.fault, fault.answer))


def test_every_row_has_a_test_or_a_reason_for_none(tests: dict[str, list[str]]) -> None:
    assert [fault.row for fault in FAULTS if bool(fault.not_applicable) == (fault.row in tests)] == []


def test_no_test_names_a_row_that_is_none(tests: dict[str, list[str]]) -> None:
    assert {row: names for row, names in tests.items() if row not in ROWS} == {}


def test_page_lists_the_tests_there_are(tests: dict[str, list[str]]) -> None:
    made = page(tests)
    if os.environ.get("CHIPGEN_UPDATE_FAULTS"):
        PAGE.write_text(made, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == made, "CHIPGEN_UPDATE_FAULTS=1 pytest writes it anew"
