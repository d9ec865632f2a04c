"""``--help`` and shell completion are quick: they load none of the heavy libraries."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"numpy", "pyarrow", "shapely", "joblib", "PIL", "cv2", "pycocotools", "msgspec", "tqdm", "simplejpeg"}

ASKED = """
import sys
from chipgen.cli import main
try:
    main(sys.argv[1:])
finally:
    print("LOADED", *sorted(sys.modules))
"""


def loaded(*arguments: str) -> set[str]:
    """Return the modules that were loaded to run the program."""
    done = subprocess.run([sys.executable, "-c", ASKED, *arguments], capture_output=True, text=True, check=True)
    modules = done.stdout.rpartition("LOADED")[2].split()
    assert "chipgen.cli" in modules
    return set(modules)


@pytest.mark.parametrize(
    "arguments",
    ["--help", "build --help", "stats --help", "verify --help", "epochs --help", "proposals --help"],
)
def test_help_loads_nothing_heavy(arguments: str) -> None:
    assert not loaded(*arguments.split()) & HEAVY


def test_what_is_looked_for_can_be_found() -> None:
    code = "import chipgen.plan, sys; print('LOADED', 'chipgen.cli', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "numpy" in done.stdout.split()
