"""Files of proposals damaged at random: refused in a line, or read; nothing else."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proposals_made import WRITERS, some
from thorough import times
from zoo.running import run_here

from chipgen.errors import ChipgenError
from chipgen.proposals import read_proposals

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = int(os.environ.get("CHIPGEN_FUZZ_EXAMPLES", times(300)))
FUZZ = settings(deadline=None, max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
PATCHES = st.lists(
    st.tuples(
        st.floats(0, 1), st.booleans(), st.integers(0, 3), st.binary(max_size=3) | st.sampled_from((b"[", b"}", b"NaN"))
    ),
    min_size=1,
    max_size=5,
)
"""Where (a share of the length), whether near the end, how much is cut out, and what is put in."""


def damaged(good: bytes, patches: list[tuple[float, bool, int, bytes]]) -> bytes:
    """Return a file after some edits; archives and tables keep what matters at their end."""
    for share, near_end, length, piece in patches:
        place = int(share * len(good))
        if near_end:
            place = max(0, len(good) - 1 - int(share * min(len(good), 400)))
        good = good[:place] + piece + good[place + length :]
    return good


@pytest.mark.parametrize("kind", WRITERS)
@FUZZ
@given(patches=PATCHES)
def test_damaged_bytes(kind: str, patches: list[tuple[float, bool, int, bytes]], tmp_path: Path) -> None:
    WRITERS[kind](some(40), tmp_path / "in")
    (tmp_path / "in").write_bytes(damaged((tmp_path / "in").read_bytes(), patches))
    try:
        found = read_proposals(tmp_path / "in")
    except ChipgenError as error:
        lines = str(error).splitlines()
        assert lines
        assert all(line.isprintable() for line in lines)
    else:
        assert len(found.between(-(2**63), 2**63 - 1)) == len(found) == found.counts.sum()


@pytest.mark.parametrize("kind", WRITERS)
@settings(FUZZ, max_examples=EXAMPLES // 3)
@given(patches=PATCHES)
def test_damaged_files_are_converted_or_refused(
    kind: str, patches: list[tuple[float, bool, int, bytes]], tmp_path: Path
) -> None:
    WRITERS[kind](some(40), tmp_path / "in")
    (tmp_path / "in").write_bytes(damaged((tmp_path / "in").read_bytes(), patches))
    (tmp_path / "out").unlink(missing_ok=True)
    outcome = run_here(["proposals", str(tmp_path / "in"), str(tmp_path / "out"), "--on-error", "skip"])
    assert outcome.code in {0, 1, 3}
    assert "chipgen: unexpected" not in outcome.stderr
    assert (tmp_path / "out").exists() == (outcome.code != 1)
    assert bool(outcome.stderr) == (outcome.code == 1)
