"""What the sources must not use, because it differs from run to run, or from machine to machine."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest
from test_architecture import FILES, LAWS, PACKAGE, imports, room

if TYPE_CHECKING:
    from pathlib import Path

MODULES = {
    *("time", "datetime", "calendar", "random", "uuid", "secrets", "tempfile"),
    *("getpass", "pwd", "grp", "socket", "platform", "locale"),
}
NAMES = {
    *("st_mtime", "st_atime", "st_ctime", "st_birthtime", "st_mtime_ns", "st_atime_ns", "st_ctime_ns"),
    *("getmtime", "getatime", "getctime", "environ", "environb", "getenv", "getenvb", "urandom"),
    *("getpid", "getppid", "getlogin", "getuid", "gethostname", "uname", "hash"),
}
"""What tells the time, the machine or the user, or is random without a seed."""

ALLOWED = {
    ("random", "testing.py"): "set to other states, to see whether a sampler uses it",
    ("secrets", "store/single.py"): "temporary names",
    ("secrets", "store/workspace.py"): "temporary names",
    ("tempfile", "proposals/sort.py"): "runs of a sort, gone when it is done",
    ("tempfile", "proposals/source.py"): "sorted proposals, gone with the object",
    ("tempfile", "remote/copies.py"): "copies of what is read in several passes, gone with the object",
    ("time", "remote/systems.py"): "pauses before a storage is asked again",
    ("hash", "remote/path.py"): "paths as keys, which decide nothing",
    ("st_mtime_ns", "coco/stored.py"): "whether a file is still the one that was read",
    ("getpid", "store/lock.py"): "whom to blame when a folder is locked",
    ("getpid", "build.py"): "workers end with their parent",
    ("getpid", "workers/processes.py"): "workers end with their parent",
    ("getppid", "workers/processes.py"): "workers end with their parent",
    ("secrets", "workers/job.py"): "temporary names",
    ("secrets", "workers/clusters.py"): "temporary names",
    ("socket", "workers/clusters.py"): "whom to blame when a worker has other versions",
    ("gethostname", "workers/clusters.py"): "whom to blame when a worker has other versions",
    ("tempfile", "workers/clusters.py"): "shards that are sent back, gone when they are",
    ("socket", "workers/ray_cluster.py"): "whether a cluster answers",
    ("tempfile", "coco/from_parquet.py"): "texts of entries, gone with the object",
    ("tempfile", "store/objects.py"): "files on their way, gone when they are sent",
    ("tempfile", "store/scratch.py"): "files on their way, gone when they are sent",
    ("getpid", "store/scratch.py"): "whose they are",
    ("socket", "store/processes.py"): "whether the holder of a lock can be looked at",
    ("gethostname", "store/processes.py"): "whether the holder of a lock can be looked at",
    ("socket", "store/lease.py"): "whom to blame when a folder is locked",
    ("gethostname", "store/lease.py"): "whom to blame when a folder is locked",
    ("getpid", "store/lease.py"): "whom to blame when a folder is locked",
    ("secrets", "store/lease.py"): "tells a run from others",
    ("time", "store/lease.py"): "how long a lock is watched",
}
"""What is used all the same, and for what: none of it is written into a build."""

INEXACT = {
    *("dot", "vdot", "inner", "outer", "matmul", "einsum", "tensordot", "linalg", "convolve", "correlate", "fft"),
    *("float32", "float16", "half", "single", "longdouble", "float128"),
    *("sin", "cos", "tan", "exp", "log", "power", "hypot", "arctan2"),
}
"""What libraries and processors round in their own ways, while the four operations and the square root are exact."""

TELLERS = {"charts", "masks", "sizes", "spread", "stats_page", "suggestion", "summary"}
"""Laws that decide nothing about a plan: they cut what is in its chips, or tell people about it."""


def nodes(path: Path) -> list[ast.AST]:
    """Return all there is in a file."""
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def names_in(path: Path) -> set[str]:
    """Return every name and attribute that a file uses, and what it imports from modules."""
    found: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, (ast.Name, ast.Attribute)):
            found.add(node.id if isinstance(node, ast.Name) else node.attr)
    return found


@pytest.mark.row("K105", "K106")
def test_no_clock_no_machine_no_chance() -> None:
    used = {
        (name, path.relative_to(PACKAGE).as_posix())
        for path in FILES
        for name in {module.partition(".")[0] for module in imports(path)} & MODULES | names_in(path) & NAMES
    }
    assert used == set(ALLOWED)


@pytest.mark.row("K109")
def test_all_chance_comes_from_one_place() -> None:
    """Generators are made where they get their seeds, and numpy's own, which all share, is not used."""
    makers = {"PCG64", "PCG64DXSM", "SeedSequence", "MT19937", "Philox", "SFC64", "RandomState", "default_rng"}
    assert {path.name for path in FILES if names_in(path) & makers} == {"streams.py"}
    for path in FILES:
        attributes = [node for node in nodes(path) if isinstance(node, ast.Attribute)]
        taken = {node.attr for node in attributes if ast.unparse(node.value) in {"np.random", "numpy.random"}}
        assert taken <= {"Generator"} or path.name == "testing.py", path


@pytest.mark.row("K110")
@pytest.mark.parametrize("path", [path for path in FILES if room(path) in set(LAWS) - TELLERS], ids=str)
def test_plans_are_made_of_exact_operations(path: Path) -> None:
    assert not names_in(path) & INEXACT
    assert not any(isinstance(node, ast.MatMult) for node in nodes(path))
