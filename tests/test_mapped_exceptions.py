"""Whatever the libraries below raise, wherever they are called, ends as an error of ours, or one thing is skipped.

Each place in which one of them is called is made to raise every class of exception that it defines, and others that
they are known for. Row F53 and section D of the table of faults, turned around: not which files do it, but all of it.
"""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
import struct
import warnings
import zlib
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest import mock

import images
import msgspec
import pytest
from datasets_made import Coco
from PIL import Image
from proposals_made import some, write_json, write_npz, write_table
from small_set import square, write_small_set

import chipgen
from chipgen.errors import ChipgenError, UnusableError
from chipgen.export_config import ExportConfig
from chipgen.images import open_picture

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

Make = Callable[[], Exception]
"""Makes an exception."""

BUILTIN: dict[str, Make] = {
    **{
        kind.__name__: kind
        for kind in (SyntaxError, TypeError, ValueError, KeyError, IndexError, AttributeError, EOFError)
    },
    **{kind.__name__: kind for kind in (OverflowError, ZeroDivisionError, RecursionError, NotImplementedError)},
    **{kind.__name__: kind for kind in (RuntimeError, AssertionError, zlib.error, struct.error)},
    "OSError": lambda: OSError(5, "Input/output error"),
    "OSError of a library": lambda: OSError("broken data stream\nwhen reading image file"),
    "UnicodeDecodeError": lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
}
"""What libraries raise besides their own."""
OF_DISKS = frozenset({"OSError", "OSError of a library"})


def _defined(library: str) -> dict[str, Make]:
    """Return the classes of exceptions that any module of a library defines."""
    package = importlib.import_module(library)
    found: dict[str, Make] = {}
    modules = [package]
    for info in pkgutil.iter_modules(package.__path__):
        if not info.name.startswith(("__main__", "_tkinter", "test", "Image" + "Tk", "ImageQt", "cuda", "conftest")):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    modules.append(importlib.import_module(f"{library}.{info.name}"))
                except Exception:  # noqa: BLE001, S112 -- needs something that is not installed
                    continue
    for module in modules:
        for value in vars(module).values():
            own = isinstance(value, type) and issubclass(value, Exception) and not issubclass(value, Warning)
            if own and value.__module__.partition(".")[0] == library:
                found[value.__name__] = partial(_made, value)
    return found


def _made(kind: type[Exception]) -> Exception:
    """Return an exception of some class, however many arguments it wants."""
    for arguments in ((), ("odd",), ("odd", None, None)):
        with contextlib.suppress(TypeError):
            return kind(*arguments)
    raise AssertionError(kind)


OF_PILLOW, OF_SHAPELY, OF_ARROW, OF_MSGSPEC = map(_defined, ("PIL", "shapely", "pyarrow", "msgspec"))


def test_the_classes_of_the_libraries_are_found() -> None:
    assert OF_PILLOW.keys() >= {"UnidentifiedImageError", "DecompressionBombError"}
    assert OF_SHAPELY.keys() >= {"ShapelyError", "GEOSException", "TopologicalError"}
    assert OF_ARROW.keys() >= {"ArrowInvalid", "ArrowTypeError", "ArrowCapacityError", "ArrowNotImplementedError"}
    assert OF_MSGSPEC.keys() >= {"MsgspecError", "DecodeError", "ValidationError"}


def _cases(classes: Mapping[str, Make], *names: str, without: Collection[str] = ()) -> list[Any]:
    """Return each call with each exception that may come out of it.

    Parameters
    ----------
    classes
        Exceptions of the library, besides those of Python.
    names
        What is called, as `unittest.mock.patch` names it.
    without
        Exceptions that cannot come out of it.
    """
    return [
        pytest.param(name, make, id=f"{name.rpartition('chipgen.')[2]}-{label}")
        for name in names
        for label, make in {**BUILTIN, **classes}.items()
        if label not in without
    ]


def _assert_told(error: ChipgenError) -> None:
    """Check that an error is one line for each problem, and names something."""
    lines = str(error).splitlines()
    assert lines
    for line in lines:
        assert line.isprintable()
        assert ": " in line


# -- Pillow: one image -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "make"),
    _cases(
        OF_PILLOW,
        "PIL.Image.open",
        "PIL.ImageFile.ImageFile.load",
        "PIL.GifImagePlugin.GifImageFile._seek",
        "PIL.Image.Image.getexif",
    ),
)
def test_opening_an_image(name: str, make: Make, tmp_path: Path) -> None:
    data = images.turned(6) if name.endswith("getexif") else images.frames("GIF")
    (tmp_path / "image").write_bytes(data)
    size = images.SIZE[::-1] if name.endswith("getexif") else images.SIZE
    with mock.patch(name, side_effect=make()), pytest.raises(UnusableError) as caught:
        open_picture(tmp_path / "image", size, ExportConfig(max_pixels=10**6))
    assert caught.value.reason in chipgen.REASONS["image"]
    _assert_told(caught.value)


@pytest.mark.parametrize("call", ["open", "Image.load"])
def test_lack_of_memory_is_not_the_fault_of_an_image(call: str, tmp_path: Path) -> None:
    """A build that went on without the image would depend on how much memory there was."""
    (tmp_path / "image").write_bytes(images.in_mode("L"))
    with mock.patch(f"PIL.Image.{call}", side_effect=MemoryError), pytest.raises(MemoryError):
        open_picture(tmp_path / "image", images.SIZE, ExportConfig(max_pixels=10**6))


# -- a whole build ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> chipgen.Plan:
    """Return a plan of two images; the second has masks of both kinds that chips cut."""
    folder = tmp_path_factory.mktemp("set")
    coco = Coco()
    for identifier in (1, 2):
        coco.image(300, 200, identifier)
        coco.box(identifier, [2, 80, 30, 30])
        coco.box(identifier, [270, 80, 30, 30])
    bow_tie = [20, 20, 280, 180, 280, 20, 20, 180]
    coco.box(2, [20, 20, 260, 160], segmentation=[square(20, 20, 160), bow_tie])
    coco.box(2, [20, 20, 260, 160], segmentation={"size": [200, 300], "counts": [5000, 20_000, 35_000]})
    return chipgen.plan(chipgen.read_coco(write_small_set(folder / "in", coco)), scales="1x", chip_size=256)


def _build(planned: chipgen.Plan, out: Path, **settings: Any) -> chipgen.BuildReport:
    return chipgen.export(planned, out, workers=1, progress=False, **{"imaging": "pillow", **settings})


def test_one_image_is_skipped_and_the_other_built(planned: chipgen.Plan, tmp_path: Path) -> None:
    real, calls = Image.open, iter((True, False))

    def once_odd(*arguments: Any, **named: Any) -> Any:
        if next(calls):
            raise ValueError("odd")
        return real(*arguments, **named)

    with mock.patch("PIL.Image.open", once_odd):
        report = _build(planned, tmp_path / "out", on_error="skip")
    assert report.skipped == {"corrupt": 1}
    assert 0 < report.chips < len(planned.chips)


@pytest.mark.parametrize("on_error", ["fail", "skip"])
@pytest.mark.parametrize(
    ("name", "make"),
    _cases(
        OF_PILLOW,
        "chipgen.images.pillow_engine.Image.Image.crop",
        "chipgen.images.pillow_engine.Image.new",
        "chipgen.images.pillow_engine.Image.Image.paste",
        "chipgen.images.pillow_engine.Image.Image.save",
        "chipgen.images.opencv_engine.simplejpeg.encode_jpeg",
        "chipgen.images.resampling.cv2.copyMakeBorder",
    ),
)
def test_drawing_a_chip(name: str, make: Make, on_error: str, planned: chipgen.Plan, tmp_path: Path) -> None:
    with mock.patch(name, side_effect=make()), pytest.raises(ChipgenError) as caught:
        imaging = "pillow" if "pillow" in name else "opencv"
        _build(planned, tmp_path / "out", on_error=on_error, ignored="paint", imaging=imaging)
    (problem,) = caught.value.problems
    assert "chip 0 of image 1" in str(problem)
    assert "jpeg" in str(problem)
    _assert_told(caught.value)
    assert not (tmp_path / "out" / "_manifest.json").exists()


@pytest.mark.parametrize(
    ("name", "make"),
    _cases(
        OF_SHAPELY,
        "chipgen.masks.polygons.Polygon",
        "chipgen.masks.polygons.shapely.make_valid",
        "chipgen.masks.polygons.shapely.box",
        "shapely.Polygon.intersection",
        "chipgen.masks.polygons.shapely.union_all",
        "chipgen.masks.tangles.shapely.intersects",
        "chipgen.masks.tangles.shapely.linestrings",
        "chipgen.masks.tangles.shapely.STRtree",
    ),
)
def test_masks_of_polygons(name: str, make: Make, planned: chipgen.Plan, tmp_path: Path) -> None:
    with mock.patch(name, side_effect=make()), _one_by_one():
        report = _build(planned, tmp_path / "out", on_error="skip")
    assert report.skipped == {"bad_polygon": 1}
    assert report.chips == len(planned.chips)


@contextlib.contextmanager
def _one_by_one() -> Iterator[None]:
    """Let no masks be read or cut together."""
    with (
        mock.patch("chipgen.details.read_many", lambda values: [None] * len(values)),
        mock.patch("chipgen.objects.crop_many", lambda _, mask, __: [None] * len(mask)),
    ):
        yield


@pytest.mark.parametrize(
    ("name", "make"),
    _cases(OF_SHAPELY, "chipgen.masks.many._enclosed", "chipgen.masks.many._broken"),
)
def test_masks_that_cannot_be_made_together_are_made_one_by_one(
    name: str, make: Make, planned: chipgen.Plan, tmp_path: Path
) -> None:
    def chips(out: Path) -> list[Path]:
        assert not _build(planned, out).skipped
        return sorted((out / "data").iterdir())

    with mock.patch(name, side_effect=make()) as called:
        one_by_one = chips(tmp_path / "one_by_one")
    assert called.called
    together = chips(tmp_path / "together")
    assert [path.read_bytes() for path in one_by_one] == [path.read_bytes() for path in together]


@pytest.mark.parametrize(("name", "make"), _cases({}, "chipgen.masks.rle.pycocotools.mask.encode"))
def test_masks_of_runs(name: str, make: Make, planned: chipgen.Plan, tmp_path: Path) -> None:
    with mock.patch(name, side_effect=make()):
        report = _build(planned, tmp_path / "out", on_error="skip")
    assert report.skipped == {"bad_rle": 1}
    assert report.chips == len(planned.chips)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        *_cases(
            OF_ARROW,
            "chipgen.writers.parquet.pq.ParquetWriter.__init__",
            "chipgen.writers.parquet._batch",
            "chipgen.writers.parquet.pq.ParquetWriter.write_batch",
            "chipgen.writers.parquet.pq.ParquetWriter.close",
            "chipgen.writers.tables.pq.ParquetWriter.write_table",
        ),
        *_cases(
            OF_ARROW,
            "chipgen.writers.tables.table_of",
            "chipgen.writers.tables._ledger_rows",
            "chipgen.writers.tables._source_rows",
            without=OF_DISKS,
        ),
    ],
)
def test_writing_a_build(name: str, make: Make, planned: chipgen.Plan, tmp_path: Path) -> None:
    with mock.patch(name, side_effect=make()), pytest.raises(ChipgenError) as caught:
        _build(planned, tmp_path / "out")
    _assert_told(caught.value)
    assert not (tmp_path / "out" / "_manifest.json").exists()


@pytest.mark.parametrize(
    ("name", "make"),
    _cases(OF_MSGSPEC, "chipgen.writers.coco.msgspec.json.decode", "chipgen.writers.dump.json.dumps"),
)
def test_writing_a_coco_build(name: str, make: Make, planned: chipgen.Plan, tmp_path: Path) -> None:
    real = msgspec.json.decode

    def when_merging(data: Any, **named: Any) -> Any:
        if isinstance(data, bytes) and b'"info"' in data:
            raise make()
        return real(data, **named)

    effect = when_merging if name.endswith("decode") else make()
    with mock.patch(name, side_effect=effect), pytest.raises(ChipgenError) as caught:
        _build(planned, tmp_path / "out", format="coco")
    _assert_told(caught.value)
    assert not (tmp_path / "out" / "_manifest.json").exists()


@pytest.mark.parametrize(
    "name",
    [
        "PIL.Image.open",
        "chipgen.images.pillow_engine.Image.Image.save",
        "chipgen.masks.polygons.Polygon",
        "chipgen.masks.rle.pycocotools.mask.encode",
        "chipgen.writers.parquet._batch",
        "chipgen.writers.parquet.pq.ParquetWriter.write_batch",
    ],
)
@pytest.mark.parametrize("on_error", ["fail", "skip"])
def test_lack_of_memory_in_a_worker(name: str, on_error: str, planned: chipgen.Plan, tmp_path: Path) -> None:
    """Row J97: nothing is skipped because of it, and the hint is about workers."""
    error = MemoryError() if "writers" not in name else OF_ARROW["ArrowMemoryError"]()
    with mock.patch(name, side_effect=error), pytest.raises(chipgen.WorkerError, match="--workers") as caught:
        _build(planned, tmp_path / "out", on_error=on_error)
    _assert_told(caught.value)
    assert not (tmp_path / "out").exists()


# -- reading what was built, annotations, proposals ------------------------------------------------------------------


@pytest.fixture(scope="module")
def finished(planned: chipgen.Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a finished build, which is not to be changed."""
    out = tmp_path_factory.mktemp("finished") / "out"
    _build(planned, out, format="coco")
    return out


@pytest.mark.parametrize(
    ("name", "make"), _cases(OF_ARROW, "chipgen.report.built.read_parquet", "chipgen.report.built.boxes_of")
)
def test_reading_a_build(name: str, make: Make, finished: Path) -> None:
    with mock.patch(name, side_effect=make()), pytest.raises(chipgen.DataError) as caught:
        chipgen.built_stats(finished)
    _assert_told(caught.value)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        *_cases(OF_ARROW, "chipgen.epochs.read_parquet", "chipgen.epochs.pa.table", "chipgen.epochs.pq.write_table"),
        *_cases(OF_MSGSPEC, "chipgen.writers.coco.msgspec.json.decode"),
    ],
)
def test_writing_epochs(name: str, make: Make, finished: Path) -> None:
    with mock.patch(name, side_effect=make()), pytest.raises(ChipgenError) as caught:
        chipgen.write_epochs(finished)
    _assert_told(caught.value)
    assert not (finished / "epochs").exists()


FAST = ("ValueError", "TypeError", "OverflowError", "RecursionError", "UnicodeDecodeError")
OF_FAST_READER = {**OF_MSGSPEC, **{name: BUILTIN[name] for name in FAST}}


@pytest.mark.parametrize("kind", OF_FAST_READER)
def test_reading_annotations_does_not_need_the_fast_reader(kind: str, tmp_path: Path) -> None:
    """What the fast reader refuses, for whatever reason, the slow one reads or explains."""
    path = write_small_set(tmp_path / "in")
    expected = chipgen.read_coco(path)
    make = OF_FAST_READER[kind]
    with (
        mock.patch("msgspec.json.decode", side_effect=make()),
        mock.patch("msgspec.json.Decoder") as decoder,
    ):
        decoder.return_value.decode.side_effect = make()
        found = chipgen.read_coco(path)
    assert found.annotations.id.tolist() == expected.annotations.id.tolist()
    assert found.annotations.xyxy_img.tolist() == expected.annotations.xyxy_img.tolist()


def test_annotations_that_can_be_read_but_not_written_again(tmp_path: Path) -> None:
    """Reader and writer of Python do not stop at the same depth in every version."""
    path = write_small_set(tmp_path / "in")
    path.write_text(path.read_text(encoding="utf-8").replace("{", '{"note": NaN, ', 1), encoding="utf-8")
    assert chipgen.read_coco(path)
    with (
        mock.patch("chipgen.coco.explain.json.dumps", side_effect=RecursionError),
        pytest.raises(chipgen.DataError, match="nested too deeply"),
    ):
        chipgen.read_coco(path)


def test_lack_of_memory_while_reading_annotations(tmp_path: Path) -> None:
    path = write_small_set(tmp_path / "in")
    with (
        mock.patch("chipgen.coco.decode", side_effect=MemoryError),
        pytest.raises(chipgen.DataError, match="more memory than there is"),
    ):
        chipgen.read_coco(path)


@pytest.mark.parametrize(
    ("name", "make"),
    _cases(OF_ARROW, "chipgen.proposals.table.pq.ParquetFile", "chipgen.proposals.table.Table._batch"),
)
def test_reading_a_table_of_proposals(name: str, make: Make, tmp_path: Path) -> None:
    write_table(some(50), tmp_path / "in")
    with mock.patch(name, side_effect=make()), pytest.raises(ChipgenError) as caught:
        chipgen.read_proposals(tmp_path / "in").between(-(2**63), 2**63 - 1)
    _assert_told(caught.value)


@pytest.mark.parametrize(
    ("name", "make"),
    _cases(
        OF_ARROW,
        "chipgen.proposals.table.pq.ParquetWriter.__init__",
        "chipgen.proposals.table.pa.table",
        "chipgen.proposals.table.pq.ParquetWriter.write_table",
        "chipgen.proposals.table.pq.ParquetWriter.close",
    ),
)
@pytest.mark.parametrize("convert", [True, False])
def test_writing_a_table_of_proposals(name: str, make: Make, convert: bool, tmp_path: Path) -> None:
    write_npz(some(50), tmp_path / "in")
    with mock.patch(name, side_effect=make()), pytest.raises(ChipgenError) as caught:
        if convert:
            chipgen.convert_proposals(tmp_path / "in", tmp_path / "out")
        else:
            chipgen.read_proposals(tmp_path / "in")
    _assert_told(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


@pytest.mark.parametrize("kind", OF_FAST_READER)
def test_reading_proposals_does_not_need_the_fast_reader(kind: str, tmp_path: Path) -> None:
    write_json(some(50), tmp_path / "in")
    make = OF_FAST_READER[kind]
    with mock.patch("chipgen.proposals.entries.LIST_DECODER") as decoder:
        decoder.decode.side_effect = make()
        found = chipgen.read_proposals(tmp_path / "in")
    assert len(found) == 50
