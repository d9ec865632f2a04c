"""Build chips on a cluster of Ray, and see that they are those of one machine.

    pip install 'chipgen[ray]'
    python examples/ray_build.py demo

The cluster here is of two processes on this machine. With one that you run, name it: ``chipgen build --backend ray
--scheduler host:6379``. Its workers must have the versions of chipgen and its libraries that are here, and see the
images under the same path; the output folder too, or they send their shards back.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
from pathlib import Path

import ray

import chipgen

HERE = Path(__file__).parent


def checksums(folder: Path) -> dict[str, str]:
    """Return the checksum of every file below a folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def main() -> None:
    """Make the dataset, build it twice, compare."""
    parser = argparse.ArgumentParser(description="Build chips on a cluster of Ray.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", default="2")
    given = parser.parse_args()
    make = [sys.executable, HERE / "make_dataset.py", given.folder, "--images", given.images]
    subprocess.run(make, check=True)  # noqa: S603 -- a script of ours
    plan = chipgen.plan(chipgen.read_coco(given.folder / "instances.json"), "2x,0.8x,768", chips_per_shard=8)

    chipgen.export(plan, given.folder / "one-machine", workers=1)
    ray.init(address="local", num_cpus=2, include_dashboard=False, object_store_memory=100_000_000)
    report = chipgen.export(plan, given.folder / "ray", backend="ray")  # on the cluster that is joined already
    ray.shutdown()

    one, many = checksums(given.folder / "one-machine"), checksums(given.folder / "ray")
    if one != many:
        sys.exit(
            f"these differ: {sorted(path for path in one.keys() | many.keys() if one.get(path) != many.get(path))}"
        )
    print(f"ray: {report.chips} chips in {report.shards} shards: the same {len(one)} files, byte for byte")


if __name__ == "__main__":
    main()
