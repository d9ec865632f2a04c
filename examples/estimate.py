"""What a build of a large dataset needs: time, memory, disk and requests, from the rates of a small one.

``python examples/estimate.py --images 1e6,1e8 --cores 64`` prints a table; docs/scale.md has the formulas. The rates
are those of photographs like COCO's; ``tests/benchmarks/bench_scale.py`` measures them for pictures of yours.
"""

from __future__ import annotations

import argparse
import math

RATES = (
    ("part-images", 100_000.0, "images of an annotation file; parts are planned one after the other"),
    ("cut-s", 0.0199, "seconds of one core to read, cut and write the chips of an image"),
    ("plan-ms", 0.123, "milliseconds of one core to read and plan an image and to write its tables"),
    ("chips", 4.32, "chips of an image"),
    ("shard-chips", 500.0, "chips of a shard"),
    ("read-mb", 0.174, "megabytes of an image"),
    ("chips-mb", 0.452, "megabytes of the chips of an image"),
    ("tables-kb", 1.29, "kilobytes of an image in the tables"),
    ("base-mb", 178.0, "megabytes that the parent needs without any image"),
    ("image-kb", 5.7, "kilobytes that the parent needs for an image of the part at hand"),
    ("worker-mb", 300.0, "megabytes of a worker"),
    ("image-requests", 2.0, "requests to read an image from object storage"),
    ("shard-requests", 4.0, "requests to write a shard to it"),
    ("part-requests", 40.0, "requests for the tables, manifest and journal of a part"),
)
"""Name, value, meaning."""


def needs(images: float, cores: int, rate: dict[str, float]) -> dict[str, str]:
    """Return what so many images need, in the units that people think in."""
    parts = math.ceil(images / rate["part-images"])
    shards = math.ceil(images * rate["chips"] / rate["shard-chips"])
    planning, cutting = images * rate["plan-ms"] / 1e3 / 3600, images * rate["cut-s"] / 3600
    parent = rate["base-mb"] + min(images, rate["part-images"]) * rate["image-kb"] / 1e3
    requests = images * rate["image-requests"] + shards * rate["shard-requests"] + parts * rate["part-requests"]
    hours = planning + cutting / cores
    return {
        "annotation files": f"{parts:,}",
        "chips, millions": f"{images * rate['chips'] / 1e6:,.2f}",
        "shards": f"{shards:,}",
        "planning, hours of one core": f"{planning:,.2f}",
        "cutting, hours of one core": f"{cutting:,.1f}",
        f"together on {cores} cores, hours": f"{hours:,.2f}",
        "memory of the parent, GB": f"{parent / 1e3:,.2f}",
        "memory of all workers, GB": f"{cores * rate['worker-mb'] / 1e3:,.1f}",
        "read, TB": f"{images * rate['read-mb'] / 1e6:,.2f}",
        "written, TB": f"{images * (rate['chips-mb'] + rate['tables-kb'] / 1e3) / 1e6:,.2f}",
        "of this tables, GB": f"{images * rate['tables-kb'] / 1e6:,.2f}",
        "network, MB a second": f"{images * (rate['read-mb'] + rate['chips-mb']) / hours / 3600:,.0f}",
        "requests, millions": f"{requests / 1e6:,.2f}",
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", default="1e6,1e8", help="how many images, one column each [%(default)s]")
    parser.add_argument("--cores", type=int, default=64, help="workers, one on each core [%(default)s]")
    for name, value, meaning in RATES:
        parser.add_argument(f"--{name}", type=float, default=value, help=f"{meaning} [%(default)s]")
    asked = vars(parser.parse_args())
    counts = [float(one) for one in asked["images"].split(",")]
    rate = {name: asked[name.replace("-", "_")] for name, _, _ in RATES}
    columns = [needs(count, asked["cores"], rate) for count in counts]
    print(f"{'images':34}", *(f"{count:>15,.0f}" for count in counts))
    for name in columns[0]:
        print(f"{name:34}", *(f"{column[name]:>15}" for column in columns))


if __name__ == "__main__":
    main()
