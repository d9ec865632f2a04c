"""Running scripts in the environment of a consumer, and what they must not get wrong."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
PROXIES = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
"""Nobody listens there: whoever wants something from the network fails at once."""


@dataclass(frozen=True)
class Consumer:
    """The environment of a consumer."""

    python: Path
    root: Path
    homes: Path

    def run(self, script: Path, *arguments: str | Path) -> str:
        """Run a script without any network and return what it printed; the examples can be imported.

        Each run has caches of its own: `datasets` would take a changed copy of a build for the build.
        """
        home = tempfile.mkdtemp(dir=self.homes)
        environment = {
            **os.environ,
            **PROXIES,
            "HF_HUB_OFFLINE": "1",
            "HF_HOME": home,
            "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
            "YOLO_CONFIG_DIR": home,
            "YOLO_OFFLINE": "true",
            "PYTHONPATH": str(self.root / "examples"),
            "CUDA_VISIBLE_DEVICES": "",
            "OMP_NUM_THREADS": "1",  # threads that wait for each other on a busy machine take ten times as long
        }
        command = [self.python, script, *arguments]
        done = subprocess.run(
            [str(part) for part in command],
            env=environment,
            cwd=home,
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def ask(self, script: str, *arguments: str | Path) -> Any:
        """Run a script of this folder and return the JSON of its last line."""
        return json.loads(self.run(HERE / script, *arguments).splitlines()[-1])

    def losses(self, example: str, *arguments: str | Path) -> list[float]:
        """Run an example that trains, and return the losses that it told."""
        out = self.run(self.root / "examples" / example, *arguments)
        return [float(value) for value in re.findall(r"^epoch \d+ +step \d+ +loss (\S+)$", out, re.MULTILINE)]


def assert_falls(losses: list[float]) -> None:
    """Check that the loss of a training is a number throughout, and clearly less at its end than at its beginning."""
    assert len(losses) > 1
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.8 * losses[0], losses
