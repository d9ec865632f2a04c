"""The tab key: click's own completion works through our `main`, for options, choices, samplers and paths."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from run_cli import PROGRAM, chipgen

from chipgen.cli.completion import SAMPLERS
from chipgen.samplers import BUILT_IN

FORMATS = ["parquet", "coco", "yolo", "webdataset"]
CASES = [
    ("build --format ", FORMATS),
    ("build --format p", ["parquet"]),
    ("build --sampler ", sorted(SAMPLERS)),
    ("build --sampler grid --sampler-option ", ["overlap=0.2", "empty=1.0"]),
    ("build --sampler none-such --sampler-option ", []),
    ("build --preset ", ["sniper-coco"]),
    ("build --negatives ", ["auto", "proposals", "random", "none"]),
    ("build --group", ["--group-by"]),
    ("proposals a b --box-format xyxy", ["xyxy", "xyxy-inclusive"]),
    ("st", ["stats"]),
]
ENVIRONMENT = {**os.environ, "PATH": f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}"}


def offered(shell: str, line: str) -> list[list[str]]:
    """Return what the program tells a shell: type and value, and perhaps what it is."""
    words = line.split(" ")
    at = words[-1] if shell == "fish" else str(len(words))
    done = chipgen(COMP_WORDS=f"chipgen {line}", COMP_CWORD=at, _CHIPGEN_COMPLETE=f"{shell}_complete").expect(0)
    assert done.err == ""
    if not done.out.strip():
        return []
    if shell == "zsh":
        lines = done.out.splitlines()
        return [lines[at : at + 2] for at in range(0, len(lines), 3)]
    return [entry.split("\t")[0].split(",", 1) for entry in done.out.splitlines()]


def values(shell: str, line: str) -> list[str]:
    """Return what is offered to complete a line."""
    return [value for kind, value in offered(shell, line) if kind == "plain"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(("line", "expected"), CASES)
def test_what_the_program_offers(shell: str, line: str, expected: list[str]) -> None:
    found = values(shell, line)
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    "line", ["build --coco ", "build --out ", "build --proposals ", "stats ", "view ", "build --config "]
)
def test_paths_are_left_to_the_shell(shell: str, line: str) -> None:
    assert [kind for kind, _ in offered(shell, line)] == ["file"]


def test_folders_are_left_to_the_shell() -> None:
    assert [kind for kind, _ in offered("bash", "build --images ")] == ["dir"]


def test_all_built_in_samplers_are_offered() -> None:
    assert set(SAMPLERS) == set(BUILT_IN)


IN_SHELL = {
    "bash": """
source <(_CHIPGEN_COMPLETE=bash_source chipgen)
COMP_WORDS=(chipgen build --format ""); COMP_CWORD=3
_chipgen_completion chipgen; printf '%s\\n' "${COMPREPLY[@]}"
""",
    "zsh": """
compdef() {}
compadd() { print -l -- ${(P)@[-1]} }
eval "$(_CHIPGEN_COMPLETE=zsh_source chipgen)"
words=(chipgen build --format ""); CURRENT=4
_chipgen_completion
""",
    "fish": """
env _CHIPGEN_COMPLETE=fish_source chipgen | source
complete --do-complete 'chipgen build --format '
""",
}


@pytest.mark.parametrize("shell", IN_SHELL)
def test_in_the_shell_itself(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell}")
    command = [
        shell,
        *(["-f"] if shell == "zsh" else ["--no-config"] if shell == "fish" else []),
        "-c",
        IN_SHELL[shell],
    ]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=60)
    assert (sorted(done.stdout.split()), done.stderr) == (sorted(FORMATS), "")
