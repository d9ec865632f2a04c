"""What a large dataset needs, on paper: the arithmetic by hand, and that the page shows what the script prints."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "examples" / "estimate.py"
PAGE = ROOT / "docs" / "scale.md"
CONSOLE = re.compile(r"```console\n\$ python (.*?)\n(.*?)```", re.DOTALL)


def printed(*arguments: str) -> str:
    """Return what the script prints; it needs nothing but Python."""
    command = [sys.executable, "-I", str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def column(text: str, number: int = -1) -> dict[str, str]:
    """Return a column of the table by the names of its rows."""
    return {line[:34].rstrip(): line[34:].split()[number] for line in text.splitlines()}


def test_arithmetic_is_that_of_a_hand() -> None:
    rates = {"part-images": 400, "cut-s": 36, "plan-ms": 7200, "chips": 2.5, "shard-chips": 100, "read-mb": 2}
    rates |= {"chips-mb": 3, "tables-kb": 500, "base-mb": 100, "image-kb": 50, "worker-mb": 250}
    rates |= {"image-requests": 3, "shard-requests": 10, "part-requests": 1000}
    options = [word for name, value in rates.items() for word in (f"--{name}", str(value))]
    assert column(printed("--images", "1000,1001", "--cores", "4", *options), 0) == {
        "images": "1,000",
        "annotation files": "3",  # 1000 / 400, rounded up
        "chips, millions": "0.00",  # 2500
        "shards": "25",  # 2500 / 100
        "planning, hours of one core": "2.00",  # 7.2 s * 1000
        "cutting, hours of one core": "10.0",  # 36 s * 1000
        "together on 4 cores, hours": "4.50",  # 2 + 10 / 4
        "memory of the parent, GB": "0.12",  # 100 MB + 400 * 50 kB
        "memory of all workers, GB": "1.0",  # 4 * 250 MB
        "read, TB": "0.00",  # 2 GB
        "written, TB": "0.00",  # 3.5 GB
        "of this tables, GB": "0.50",  # 500 kB * 1000
        "network, MB a second": "0",  # 5 GB in 16,200 s
        "requests, millions": "0.01",  # 3000 + 250 + 3000
    }
    assert column(printed("--images", "1000,1001", "--cores", "4", *options))["shards"] == "26"


def test_large_figures() -> None:
    told = column(printed("--images", "2e6", "--cores", "10", "--cut-s", "0.018", "--plan-ms", "0.9", "--chips", "5"))
    assert told["images"] == "2,000,000"
    assert told["annotation files"] == "20"
    assert told["chips, millions"] == "10.00"
    assert told["shards"] == "20,000"
    assert told["planning, hours of one core"] == "0.50"
    assert told["cutting, hours of one core"] == "10.0"
    assert told["together on 10 cores, hours"] == "1.50"
    assert told["requests, millions"] == "4.08"  # 2 * 2 million, 4 * 20,000, 40 * 20


def test_memory_does_not_grow_with_the_number_of_files() -> None:
    text = printed("--images", "1e5,1e6,1e8")
    assert len({column(text, number)["memory of the parent, GB"] for number in range(3)}) == 1
    assert (
        column(printed("--images", "1e5"))["memory of the parent, GB"]
        > column(printed("--images", "1e4"))["memory of the parent, GB"]
    )


@pytest.mark.parametrize(("command", "output"), CONSOLE.findall(PAGE.read_text(encoding="utf-8")))
def test_the_page_shows_what_the_script_prints(command: str, output: str) -> None:
    script, *arguments = shlex.split(command)
    assert ROOT / script == SCRIPT
    assert printed(*arguments) == output


def test_the_page_names_every_rate_and_the_measured_ones_are_those_of_the_script() -> None:
    page, text = PAGE.read_text(encoding="utf-8"), SCRIPT.read_text(encoding="utf-8")
    assert len(CONSOLE.findall(page)) == 2
    rates = dict(re.findall(r'^    \("([\w-]+)", ([\d._]+), ', text, re.MULTILINE))
    assert len(rates) == 14
    assert not [name for name in rates if f"`{name}`" not in page]
    row = dict(re.findall(r"^\| `([\w-]+)`[^|]*\| ([\d.]+) \|", page, re.MULTILINE))
    assert len(row) == 6
    assert {name: float(rates[name]) for name in row} == {name: float(value) for name, value in row.items()}
    assert len(text.splitlines()) < 80
