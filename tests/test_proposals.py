"""Reading proposals: the same from every form, a few images at a time, faulty ones included."""

from __future__ import annotations

import gc
import hashlib
import tempfile
from typing import TYPE_CHECKING, Any, Literal
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proposals_made import WRITERS, Made, json_texts, proposals, some, write_json, write_table
from thorough import times

from chipgen.errors import DataError, UsageError
from chipgen.proposals import ProposalFile, convert_proposals, files, npz, read_proposals, sort, source, table
from chipgen.proposals.batch import Findings
from chipgen.scored import MOST_FAULTS, Proposals

if TYPE_CHECKING:
    from pathlib import Path

MANY = settings(deadline=None, max_examples=times(150), suppress_health_check=[HealthCheck.function_scoped_fixture])
LOWEST, HIGHEST = -(2**63), 2**63 - 1


def everything(proposals: ProposalFile) -> Proposals:
    return proposals.between(LOWEST, HIGHEST)


def by_score(found: Proposals) -> Made:
    """Return proposals as everything that uses them orders them: by image, falling score, position."""
    made = Made(found.image_id, found.xywh_img, found.score)
    rows = made.order()
    return Made(made.image_id[rows], made.box[rows], None if made.score is None else made.score[rows])


def assert_same(found: Made, expected: Made) -> None:
    """Compare to the last bit."""
    assert found.image_id.dtype == np.int64
    assert found.image_id.tolist() == expected.image_id.tolist()
    assert found.box.tobytes() == expected.box.tobytes()
    assert found.box.shape == (len(expected.image_id), 4)
    if not len(expected.image_id):
        return
    assert (found.score is None) == (expected.score is None)
    if found.score is not None and expected.score is not None:
        assert found.score.tolist() == expected.score.tolist()


def in_order(made: Made) -> Made:
    rows = made.order()
    return Made(made.image_id[rows], made.box[rows], None if made.score is None else made.score[rows])


@MANY
@given(data=st.data(), made=proposals(), block=st.integers(1, 200), chunk=st.integers(1, 30))
def test_every_form_reads_the_same(data: st.DataObject, made: Made, block: int, chunk: int, tmp_path: Path) -> None:
    """Blocks and chunks of any size: their borders fall everywhere."""
    paths = [tmp_path / name for name in ("a.json", "a.lines", "a.npz", "a.parquet", "sorted.parquet")]
    listed, lines = data.draw(json_texts(made))
    paths[0].write_bytes(data.draw(st.sampled_from((b"", files.BOM))) + listed.encode())
    paths[1].write_bytes(data.draw(st.sampled_from((b"", files.BOM))) + lines.encode())
    WRITERS["npz"](made, paths[2])
    columns = pa.table(made.columns())
    pq.write_table(columns, paths[3], row_group_size=data.draw(st.integers(1, 9)))
    pq.write_table(columns.take(np.argsort(made.image_id, kind="stable")), paths[4], row_group_size=4)
    if not len(made.image_id):
        paths.remove(tmp_path / "a.lines")  # an empty file is no file of proposals
    with mock.patch.object(files, "BLOCK", block), mock.patch.object(sort, "CHUNK", chunk):
        for path in paths:
            found = read_proposals(path)
            assert_same(by_score(everything(found)), in_order(made))
            ids, counts = np.unique(made.image_id, return_counts=True)
            assert (found.image_id.tolist(), found.counts.tolist()) == (ids.tolist(), counts.tolist())
            assert len(found) == len(made.image_id)
            assert found.scored is (made.score is not None and bool(len(ids)))


@MANY
@given(
    made=proposals(),
    ends=st.tuples(st.integers(-4, 4), st.integers(-4, 4)),
    group=st.integers(1, 6),
    seed=st.integers(0, 9),
)
def test_between_is_a_filter(made: Made, ends: tuple[int, int], group: int, seed: int, tmp_path: Path) -> None:
    with mock.patch.object(table, "ROWS_A_GROUP", group):
        write_json(made, tmp_path / "a.json")
        found = read_proposals(tmp_path / "a.json")
    expected = in_order(made)
    for first, last in [ends, *np.random.default_rng(seed).integers(-4, 5, (4, 2)).tolist()]:
        rows = (expected.image_id >= first) & (expected.image_id <= last)
        score = None if expected.score is None else expected.score[rows]
        part = found.between(first, last)
        assert_same(
            Made(part.image_id, part.xywh_img, part.score), Made(expected.image_id[rows], expected.box[rows], score)
        )


@pytest.mark.parametrize("name", WRITERS)
def test_what_a_file_is_called_plays_no_part(name: str, tmp_path: Path) -> None:
    made = some()
    for wrong in ("a.pkl", "a", "\udcff.txt"):
        WRITERS[name](made, tmp_path / wrong)
        assert_same(by_score(everything(read_proposals(tmp_path / wrong))), in_order(made))


def test_a_file_is_described(tmp_path: Path) -> None:
    write_json(some(), tmp_path / "a.json")
    found = read_proposals(tmp_path / "a.json", on_error="skip")
    assert found.path == str(tmp_path / "a.json")
    assert found.sha256 == hashlib.sha256((tmp_path / "a.json").read_bytes()).hexdigest()
    assert (found.on_error, found.scored, len(found)) == ("skip", True, 300)
    assert read_proposals(tmp_path / "a.json").on_error == "fail"


def test_what_to_do_about_errors_must_be_known(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="use fail or skip"):
        read_proposals(tmp_path / "a.json", on_error="ignore")


def test_a_converted_file_is_used_as_it_lies(tmp_path: Path) -> None:
    write_json(some(), tmp_path / "a.json")
    convert_proposals(tmp_path / "a.json", tmp_path / "a.parquet")
    with mock.patch.object(source, "by_image", side_effect=AssertionError):
        found = read_proposals(tmp_path / "a.parquet")
    assert_same(by_score(everything(found)), in_order(some()))


def test_an_image_may_end_a_row_group_and_begin_the_next(tmp_path: Path) -> None:
    made = Made(np.array([1, 2, 2, 2, 2, 3]), np.arange(1.0, 25.0).reshape(6, 4))
    pq.write_table(pa.table(made.columns()), tmp_path / "a.parquet", row_group_size=2)
    with mock.patch.object(source, "by_image", side_effect=AssertionError):
        found = read_proposals(tmp_path / "a.parquet")
    assert found.counts.tolist() == [1, 4, 1]
    assert found.between(2, 2).xywh_img.tolist() == made.box[1:5].tolist()


def test_rows_of_a_row_group_may_be_in_any_order(tmp_path: Path) -> None:
    made = Made(np.array([2, 1, 2, 4, 3]), np.arange(1.0, 21.0).reshape(5, 4), np.array([0.1, 0.2, 0.3, 0.4, 0.5]))
    pq.write_table(pa.table(made.columns()), tmp_path / "a.parquet", row_group_size=3)
    with mock.patch.object(source, "by_image", side_effect=AssertionError):
        found = read_proposals(tmp_path / "a.parquet")
    assert found.between(2, 3).xywh_img.tolist() == made.box[[0, 2, 4]].tolist()  # the order of the file, not of scores


def test_huge_row_groups_are_written_anew(tmp_path: Path) -> None:
    made = some()
    order = np.argsort(made.image_id, kind="stable")
    pq.write_table(pa.table(made.columns()).take(order), tmp_path / "a.parquet")
    with mock.patch.object(source, "LARGEST_GROUP", 100), mock.patch.object(table, "ROWS_A_GROUP", 50):
        found = read_proposals(tmp_path / "a.parquet")
    assert_same(by_score(everything(found)), in_order(made))


def test_temporary_files_go_with_the_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    write_json(some(), tmp_path / "a.json")
    found = read_proposals(tmp_path / "a.json")
    assert len(list((tmp_path / "tmp").rglob("*.parquet"))) == 1
    del found
    gc.collect()
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.row("G69")
@pytest.mark.parametrize("name", WRITERS)
def test_faulty_proposals_are_read_like_all_others(name: str, tmp_path: Path) -> None:
    made = some(20)
    made.box[3] = (np.nan, np.inf, -np.inf, 1)
    made.box[5, 2] = -4
    assert made.score is not None
    made.score[7] = np.nan
    WRITERS[name](made, tmp_path / "a")
    found = everything(read_proposals(tmp_path / "a", on_error="fail"))
    assert np.isnan(found.xywh_img).sum() == 1
    assert np.isinf(found.xywh_img).sum() == 2
    assert found.score is not None
    assert np.isnan(found.score).sum() == 1
    assert len(found) == 20


@pytest.mark.row("G69")
@pytest.mark.parametrize("name", ["table", "npz"])
def test_a_file_full_of_faults_is_no_file_of_proposals(name: str, tmp_path: Path) -> None:
    count = MOST_FAULTS + 1
    box = np.ones((count, 4))
    box[:, 2] = -1
    made = Made(np.zeros(count, dtype=np.int64), box)
    WRITERS[name](made, tmp_path / "a")
    with pytest.raises(DataError, match=f"more than {MOST_FAULTS:,} of its proposals cannot be used"):
        read_proposals(tmp_path / "a")


@pytest.mark.row("G66")
def test_a_damaged_file_is_noticed_when_read(tmp_path: Path) -> None:
    write_table(some(5000), tmp_path / "a")
    data = bytearray((tmp_path / "a").read_bytes())
    data[4 : len(data) // 2] = bytes(len(data) // 2 - 4)
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(DataError, match="damaged"):
        read_proposals(tmp_path / "a")


@pytest.mark.row("G66")
def test_rows_that_the_footer_promises_must_be_there(tmp_path: Path) -> None:
    """Arrow reads a damaged row group without a word, however few rows come out of it."""
    write_table(some(100), tmp_path / "a")
    damaged = table.Table(tmp_path / "a", Findings("a"))
    assert sum(map(len, damaged.batches(0))) == 37
    damaged.groups[0] += 2
    with pytest.raises(DataError, match="a: row group 0: is damaged: 2 rows are missing"):
        list(damaged.batches(0))


@pytest.mark.row("G71")
@pytest.mark.parametrize("first", [True, False])
def test_scores_in_some_row_groups_only(first: bool, tmp_path: Path) -> None:
    columns = {"image_id": np.arange(8), **{name: np.ones(8) for name in "xywh"}}
    score = pa.array([None] * 4 + [0.5] * 4 if first else [0.5] * 4 + [None] * 4, pa.float64())
    pq.write_table(pa.table({**columns, "score": score}), tmp_path / "a", row_group_size=4)
    says = "score is there, but others have none" if first else "score is empty, but others have one"
    with pytest.raises(DataError, match=f"row 4: {says}"):
        read_proposals(tmp_path / "a")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_are_read_row_by_row_in_either_order(order: Literal["C", "F"], save: Any, tmp_path: Path) -> None:
    made = some()
    with (tmp_path / "a").open("wb") as file:
        save(file, image_id=made.image_id, bbox=np.asarray(made.box, order=order), score=made.score)
    with mock.patch.object(npz, "MOST_ROWS", 7):
        assert_same(by_score(everything(read_proposals(tmp_path / "a"))), in_order(made))
