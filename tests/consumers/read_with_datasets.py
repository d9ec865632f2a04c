"""Read a build with whatever version of `datasets` runs this, and print what came out as JSON."""

import json
import sys

import datasets

table = datasets.load_dataset(sys.argv[1], cache_dir=sys.argv[2])
rows = []
for row in table["train"]:
    image = row.pop("image", None) or row.pop("jpg")  # WebDataset names its parts by their endings
    rows.append({**row.get("json", row), "mode": image.mode, "decoded": list(image.size)})
features = table["train"].features
category = features.get("json", features)["objects"]["category"]
names = getattr(category, "feature", None).names
print(json.dumps({"version": datasets.__version__, "names": names, "rows": rows}))
