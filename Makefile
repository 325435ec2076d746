# The commands of this project. Each makes the environment it needs in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench docs clean

help:  ## Say what each command does
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 8

demo: $(VENV)/demo.stamp  ## Generate physics events, train on them, write model.onnx and a report into demo/
	$(BIN)/rapidity demo --output demo --overwrite

test: lint $(VENV)/dev.stamp  ## Run the linters and all tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses logical --dist loadfile

lint: $(VENV)/dev.stamp  ## Run the linters alone
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell src docs examples benchmarks README.md CONTRIBUTING.md CHANGELOG.md

bench: $(VENV)/bench.stamp  ## Measure: training, engines, reading, accuracy (half a day on two cores)
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/engines.py
	$(BIN)/python benchmarks/clouds.py
	$(BIN)/python benchmarks/image_layout.py
	$(BIN)/python benchmarks/agreement.py
	$(BIN)/python benchmarks/mnist.py
	$(BIN)/python benchmarks/reading.py
	$(BIN)/python benchmarks/image_reading.py
	$(BIN)/python benchmarks/augmentation.py
	$(BIN)/python benchmarks/ntuples.py
	$(BIN)/python benchmarks/folds.py
	$(BIN)/python benchmarks/negative_weights.py
	$(BIN)/python benchmarks/accuracy.py
	$(BIN)/python benchmarks/networks.py

docs: $(VENV)/docs.stamp  ## Build the documentation into docs/_build
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html

clean:  ## Remove what the commands made, but not your runs
	rm -rf $(VENV) docs/_build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

$(VENV)/bin/pip:
	$(PYTHON) -c 'import sys; sys.exit("Rapidity needs Python 3.11 or newer; try: make PYTHON=python3.11 ..." if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

# One stamp an extra: made again when what it installs has changed.
$(VENV)/demo.stamp: EXTRA := torch,generate
$(VENV)/dev.stamp: EXTRA := dev
$(VENV)/bench.stamp: EXTRA := dev,bench
$(VENV)/docs.stamp: EXTRA := dev,docs
$(VENV)/%.stamp: pyproject.toml constraints.txt | $(VENV)/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[$(EXTRA)]'
	touch $@
