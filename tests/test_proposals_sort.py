"""Sorting with little memory gives what sorting with much gives."""

from __future__ import annotations

import errno
import itertools
import os
import tempfile
from typing import TYPE_CHECKING
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thorough import times

from chipgen.errors import StorageError
from chipgen.proposals import sort
from chipgen.proposals.batch import Batch, joined
from chipgen.proposals.sort import by_image, ordered

if TYPE_CHECKING:
    from pathlib import Path

IDS = st.lists(st.integers(-3, 3) | st.sampled_from((-(2**63), 2**63 - 1)), max_size=60)


def batch(ids: list[int], *, scored: bool = True, seed: int = 0) -> Batch:
    """Return proposals that tell where they stood, with few different scores, NaN among them."""
    rng = np.random.default_rng(seed)
    box = np.zeros((len(ids), 4))
    box[:, 0] = np.arange(len(ids))
    score = rng.choice([0.0, -0.0, 0.5, np.nan, -np.inf], len(ids)) if scored else None
    return Batch(np.array(ids, dtype=np.int64), box, score)


def cut(whole: Batch, length: int) -> list[Batch]:
    """Return proposals in several batches."""
    return [
        Batch(
            whole.image_id[i : i + length],
            whole.box[i : i + length],
            None if whole.score is None else whole.score[i : i + length],
        )
        for i in range(0, len(whole), length)
    ]


@settings(deadline=None, max_examples=times(300))
@given(ids=IDS, length=st.integers(1, 9), chunk=st.integers(1, 20), scored=st.booleans(), seed=st.integers(0, 99))
def test_like_sorting_in_memory(ids: list[int], length: int, chunk: int, scored: bool, seed: int) -> None:
    whole = batch(ids, scored=scored, seed=seed)
    with mock.patch.object(sort, "CHUNK", chunk):
        pieces = list(by_image(cut(whole, length)))
    expected = ordered(whole)
    found = joined(pieces)
    assert found.image_id.tolist() == expected.image_id.tolist()
    assert found.box.tolist() == expected.box.tolist()
    for piece in pieces:
        assert len(piece) <= chunk or len(set(piece.image_id.tolist())) == 1
    for one, other in itertools.pairwise(pieces):
        assert one.image_id[-1] < other.image_id[0]  # no image is in two pieces


@settings(deadline=None, max_examples=times(100))
@given(ids=IDS, chunk=st.integers(1, 20), seed=st.integers(0, 99))
def test_the_order_of_the_input_does_not_show_in_the_pieces(ids: list[int], chunk: int, seed: int) -> None:
    whole = batch(ids, scored=False)
    with mock.patch.object(sort, "CHUNK", chunk):
        pieces = [piece.image_id.tolist() for piece in by_image([whole])]
        rng = np.random.default_rng(seed)
        shuffled = batch(rng.permutation(np.array(ids, dtype=np.int64)).tolist(), scored=False)
        assert [piece.image_id.tolist() for piece in by_image(cut(shuffled, 3))] == pieces


def test_order_of_scores() -> None:
    scores = np.array([0.5, np.nan, 0.9, 0.5, -1.0, 0.9])
    (found,) = by_image([Batch(np.zeros(6, dtype=np.int64), np.arange(24.0).reshape(6, 4), scores)])
    assert (found.box[:, 0] / 4).tolist() == [2, 5, 0, 3, 4, 1]  # equal ones as they stood, NaN last


def test_little_is_sorted_without_the_disk() -> None:
    with mock.patch.object(tempfile, "TemporaryDirectory", side_effect=AssertionError):
        assert len(joined(by_image([batch([3, 1, 2])]))) == 3


@pytest.mark.parametrize("finish", [True, False])
def test_nothing_is_left_behind(finish: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with mock.patch.object(sort, "CHUNK", 2):
        pieces = by_image(cut(batch([5, 4, 3, 2, 1]), 1))
        next(pieces)
        assert list(tmp_path.iterdir())
        if finish:
            list(pieces)
        pieces.close()  # type: ignore[attr-defined]
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(np, "column_stack", full)
    with mock.patch.object(sort, "CHUNK", 2), pytest.raises(StorageError, match=f"{tmp_path}.*No space left"):
        list(by_image(cut(batch([5, 4, 3, 2, 1]), 1)))
    assert list(tmp_path.iterdir()) == []
