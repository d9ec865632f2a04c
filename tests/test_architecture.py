"""The house: imports run downward only, the public names are sorted and documented, functions stay short."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import chipgen

PACKAGE = Path(chipgen.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

LAWS = (
    "errors",
    "boxes",
    "scales",
    "levels",
    "suggestion",
    "raw_entries",
    "dataset",
    "scored",
    "partition_ids",
    "chips",
    "limits",
    "negative_config",
    "config",
    "streams",
    "words",
    "flat",
    "cover",
    "places",
    "cover_many",
    "grouping",
    "windows",
    "positive",
    "samplers",
    "testing",
    "assignment",
    "reach",
    "labels",
    "ledger",
    "draw",
    "showing",
    "sheet",
    "candidates",
    "negative",
    "mining",
    "text",
    "splitting",
    "findings",
    "negative_summary",
    "sizes",
    "summary",
    "spread",
    "charts",
    "stats_page",
    "sampling",
    "stretch",
    "selection",
    "plan",
    "rows",
    "shard",
    "masks",
    "bands",
    "eight_bits",
    "export_config",
)
"""Values and laws: numpy in, numpy out; no files of their own, no click, no printing."""

SHELL_ONLY = {"PIL", "pyarrow", "joblib", "tqdm", "hashlib", "msgspec", "logging", "json", "os"}
"""What a law has no business with."""


def room(path: Path) -> str:
    """Return the name of the room a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Return the modules a file needs when it runs; those needed for types only are left out."""
    found: set[str] = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def layer(name: str) -> int:
    """Return 0 for laws, 1 for the shell, 2 for the command line."""
    return 0 if name in LAWS else 2 if name in {"cli", "__main__"} else 1


def rooms_used(path: Path) -> set[str]:
    """Return the rooms of this package that a file imports."""
    return {module.split(".")[1] for module in imports(path) if module.startswith("chipgen.")} - {room(path)}


@pytest.mark.parametrize("path", [p for p in FILES if p.name != "__init__.py" or p.parent != PACKAGE], ids=str)
def test_imports_run_downward(path: Path) -> None:
    own = room(path)
    for used in rooms_used(path):
        assert layer(used) <= layer(own), f"{own} imports {used}"
        if own in LAWS and own not in {"masks", "export_config", "suggestion"}:
            assert LAWS.index(used) < LAWS.index(own), f"{own} imports {used}, which stands above it"


@pytest.mark.parametrize("path", [p for p in FILES if room(p) in LAWS], ids=str)
def test_laws_know_no_files(path: Path) -> None:
    assert not {module.split(".")[0] for module in imports(path)} & SHELL_ONLY


@pytest.mark.parametrize(
    ("library", "home"),
    [
        ("PIL", {"images", "_version"}),
        ("cv2", {"images"}),
        ("simplejpeg", {"images"}),
        ("shapely", {"masks"}),
        ("pycocotools", {"masks"}),
        ("click", {"cli"}),
        ("joblib", {"workers"}),
        ("tifffile", {"images"}),
        ("imagecodecs", {"images"}),
    ],
)
def test_each_library_has_one_home(library: str, home: set[str]) -> None:
    users = {room(path) for path in FILES if any(module.split(".")[0] == library for module in imports(path))}
    assert users == home


THREADED = {"read", "read_row_group", "read_row_groups", "iter_batches"}
"""Methods of a Parquet file that read in threads unless they are told not to."""


def calls(path: Path) -> list[tuple[str, str, set[str]]]:
    """Return of each call of a method whose it is, its name, and the names of its arguments."""
    nodes = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    methods = [(node.func, {word.arg or "" for word in node.keywords}) for node in nodes]
    return [(ast.unparse(func.value), func.attr, words) for func, words in methods if isinstance(func, ast.Attribute)]


@pytest.mark.parametrize("path", FILES, ids=str)
def test_arrow_reads_without_threads(path: Path) -> None:
    # Threads of Arrow that are not done when Python ends abort it: "terminate called without an active exception".
    home = path == PACKAGE / "parquet_files.py"
    for owner, name, words in calls(path):
        told = f"{owner}.{name} in {path}"
        assert owner != "pq" or name in {"ParquetWriter", "write_table", "read_schema"} or home, told
        assert name not in {"to_pandas", "sort_by", "group_by", "to_table"}, told
        if name in THREADED and ("columns" in words or name != "read"):
            assert "use_threads" in words, told
    assert "pyarrow.dataset" not in imports(path)


@pytest.mark.parametrize(
    "call",
    [
        "write_bytes",
        "write_text",
        "unlink",
        "rmtree",
        "rmdir",
        "mkdir",
        "rename",
        "flock",
        "pwrite",
        "fsync",
        "truncate",
    ],
)
def test_only_one_file_of_the_store_touches_the_output(call: str) -> None:
    users = {path for path in FILES if f".{call}(" in path.read_text(encoding="utf-8")}
    assert users <= {PACKAGE / "store" / "disk.py", PACKAGE / "store" / "scratch.py"}  # that is no output yet


def test_public_names_are_sorted_present_and_documented() -> None:
    assert chipgen.__all__ == sorted(chipgen.__all__)
    for name in chipgen.__all__:
        value = getattr(chipgen, name)
        if callable(value) and name != "Sampler":
            assert inspect.getdoc(value), name
    assert set(dir(chipgen)) == set(chipgen.__all__)
    with pytest.raises(AttributeError):
        chipgen.nothing_of_that_name  # noqa: B018


def test_functions_and_files_stay_short() -> None:
    lengths = []
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= 330, f"{path} has grown: make it a folder"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
                lengths.append((node.end_lineno or 0) - body[0].lineno + 1)
    lengths.sort()
    assert lengths[int(len(lengths) * 0.9)] < 30
    assert lengths[-1] <= 45
