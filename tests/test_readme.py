"""The README's console blocks are run, and print what it says; its Python blocks run too.

``CHIPGEN_UPDATE_README=1 pytest tests/test_readme.py`` writes the outputs anew.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from run_cli import ONE_CORE

from chipgen.samplers import BUILT_IN, COVERING, options_of

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)


def run_block(block: str, folder: Path) -> str:
    """Run the commands of a block and return it with their real output."""
    bin_folder = str(Path(sys.executable).parent)
    environment = {**os.environ, **ONE_CORE, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "100"}
    lines = []
    for command in re.findall(r"^\$ (.*)$", block, re.MULTILINE):
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            text=True,
        )
        lines += [f"$ {command}", *done.stdout.splitlines()]
    return "\n".join(lines) + "\n"


def comparable(text: str) -> str:
    """Hide what another version of an encoder may change: the size of files."""
    return re.sub(r"\d+\.\d+ MB", "N MB", text)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the examples, in which all blocks run one after the other."""
    path = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "examples", path / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    return path


def test_console_blocks_print_what_they_say(folder: Path) -> None:
    text = README.read_text(encoding="utf-8")
    blocks = CONSOLE.findall(text)
    assert len(blocks) >= 3
    real = [run_block(block, folder) for block in blocks]
    if os.environ.get("CHIPGEN_UPDATE_README"):
        for block, output in zip(blocks, real, strict=True):
            text = text.replace(f"```console\n{block}```", f"```console\n{output}```")
        README.write_text(text, encoding="utf-8")
    else:
        assert [comparable(block) for block in blocks] == [comparable(output) for output in real]


def test_python_blocks_run(folder: Path) -> None:
    code = "\n".join(PYTHON.findall(README.read_text(encoding="utf-8"))).replace('"demo/chips"', '"demo/from_python"')
    environment = {**os.environ, **ONE_CORE, "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (folder / "demo" / "from_python" / "_manifest.json").exists()


def test_every_built_in_sampler_is_there_with_its_options() -> None:
    text = README.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (.*)$", text[text.index("| `--sampler` |") :], re.MULTILINE))
    for name, sampler in BUILT_IN.items():
        for option, default in options_of(sampler).items():
            assert f"`{option}={default}`" in rows[name]
        assert ("| yes |" in rows[name]) == (name in COVERING)


def test_every_link_to_a_file_leads_to_one() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README.read_text(encoding="utf-8")):
        assert (ROOT / target).exists(), target


def test_rooms_named_are_rooms_there_are() -> None:
    text = README.read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)/?`", text[text.index("| values and laws") : text.index("Imports run downward")]))
    package = ROOT / "chipgen"
    rooms = {path.stem for path in package.glob("*.py")} | {p.name for p in package.iterdir() if p.is_dir()}
    assert named == {room for room in rooms if not room.startswith("_")}
