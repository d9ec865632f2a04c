# Two commands for a newcomer: `make demo` and `make test`. Both need Python (3.10 to 3.13) and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export OMP_NUM_THREADS := 1
# A file of tests to a core, in the order of tests/conftest.py: the longest first.
PARALLEL := -n auto --dist loadfile --no-loadscope-reorder

.PHONY: demo test test-thorough test-bare test-consumers test-clusters bench bench-quick bench-plan docs format clean

$(VENV)/core: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/dev: pyproject.toml $(VENV)/core
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@

# The oldest `datasets` that people still use with our Parquet, in an environment of its own.
.venv-datasets3/ready:
	$(PYTHON) -m venv .venv-datasets3
	.venv-datasets3/bin/python -m pip install --quiet "datasets==3.6.0" pillow
	touch $@

# Trainers that need gigabytes, in environments of their own, at the versions that the tests were written against.
# torchvision does not load beside a PyTorch for CPUs alone; ultralytics is AGPL: tested against, never a dependency.
.venv-transformers/ready: Makefile
	$(PYTHON) -m venv .venv-transformers
	.venv-transformers/bin/python -m pip install --quiet torch==2.13.0 transformers==5.24.0 datasets==5.2.0 pillow scipy
	touch $@

.venv-torchvision/ready: Makefile
	$(PYTHON) -m venv .venv-torchvision
	.venv-torchvision/bin/python -m pip install --quiet torch==2.14.1 torchvision==0.29.1 datasets==5.2.0 pillow \
	  pycocotools ultralytics==8.4.190
	touch $@

# Ray is slow to install, to import and to start.
.venv-ray/ready: Makefile pyproject.toml
	$(PYTHON) -m venv .venv-ray
	.venv-ray/bin/python -m pip install --quiet --editable ".[fast,dask,ray]" ray==2.60.0 distributed==2026.8.0 pytest \
	  hypothesis
	touch $@

demo: $(VENV)/core
	rm -rf demo
	$(BIN)/python examples/make_dataset.py demo
	$(BIN)/python examples/propose.py demo/instances.json demo/images demo/proposals.json
	$(BIN)/chipgen build --coco demo/instances.json --scales 2x,0.8x,768 --proposals demo/proposals.json --out demo/chips
	$(BIN)/chipgen view demo/chips --images demo/images
	$(BIN)/python examples/explain_image.py demo/chips demo/images demo/explained.png

test: $(VENV)/dev .venv-datasets3/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest $(PARALLEL)

# Everything that chance decides as often as it pays: three times as many examples, kills and damaged images, and every
# operation of a disk refused in every way: for hours, before a release.
test-thorough: $(VENV)/dev .venv-datasets3/ready
	CHIPGEN_THOROUGH=1 $(BIN)/python -m pytest $(PARALLEL)

test-consumers: $(VENV)/dev .venv-transformers/ready .venv-torchvision/ready
	CHIPGEN_HEAVY_CONSUMERS=1 $(BIN)/python -m pytest tests/consumers/heavy

test-clusters: .venv-ray/ready
	CHIPGEN_CLUSTERS=1 .venv-ray/bin/python -m pytest tests/clusters

# What people get who install nothing besides: each command on the demo, with Pillow alone, in a fresh environment.
test-bare:
	rm -rf .venv-bare
	$(PYTHON) -m venv .venv-bare
	.venv-bare/bin/python -m pip install --quiet .
	.venv-bare/bin/python tests/bare.py

$(VENV)/bench: pyproject.toml $(VENV)/dev
	$(BIN)/python -m pip install --quiet --editable ".[bench]"
	touch $@

# All that is measured of building; make bench ARGS="--coco FILE --images DIR" PLAN_ARGS="--coco FILE" for a dataset
# of your own.
bench: $(VENV)/bench
	$(BIN)/python tests/benchmarks/bench_pixels.py $(ARGS)
	$(BIN)/python tests/benchmarks/bench_sahi.py $(ARGS)
	$(BIN)/python tests/benchmarks/bench_memory.py $(ARGS)
	$(BIN)/python tests/benchmarks/bench_plan.py $(PLAN_ARGS)
	$(BIN)/python tests/benchmarks/bench_reading_chips.py

# The same in less than three minutes, on small datasets made by code.
bench-quick: $(VENV)/bench
	$(BIN)/python tests/benchmarks/bench_pixels.py --count 20 --runs 2
	$(BIN)/python tests/benchmarks/bench_sahi.py --count 10 --runs 2
	$(BIN)/python tests/benchmarks/bench_memory.py --megapixels 12
	$(BIN)/python tests/benchmarks/bench_plan.py --images 200 --exact 10

# A table of chips and images/s; make bench-plan ARGS="--coco FILE" for a dataset of your own.
bench-plan: $(VENV)/bench
	$(BIN)/python tests/benchmarks/bench_plan.py $(ARGS)

# A page for each command, made from its help.
docs: $(VENV)/core
	$(BIN)/python docs/make_pages.py

format: $(VENV)/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv .venv-bare .venv-datasets3 .venv-transformers .venv-torchvision .venv-ray demo
