# Everything a contributor types. `make` lists it.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
UV := $(shell command -v uv 2>/dev/null)
NOTEBOOKS := $(sort $(wildcard notebooks/*.ipynb))

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench lab clean

help: ## list these targets
	@echo "Playhead: make <target>"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-9s %s\n", $$1, $$2 }'

setup: $(READY) ## create .venv with everything the other targets need (they call it themselves)
	@echo ".venv is ready"

demo: $(READY) ## replay a year of flights through a live query and compare it with pandas
	@$(BIN)/python -m playhead.demo

test: $(READY) ## run the doctests, the tests and the notebooks
	$(BIN)/python -m pytest -n 2 --dist loadfile
ifneq ($(NOTEBOOKS),)
	$(BIN)/python -m pytest --nbval --nbval-current-env --nbval-sanitize-with tests/notebooks/sanitize.cfg $(NOTEBOOKS)
endif

check: $(READY) ## lint, format, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --cache-dir build/import_linter

bench: $(READY) ## measure against DuckDB and polars; writes build/bench.json
	@$(BIN)/python tests/benchmarks/run.py

lab: $(READY) ## open JupyterLab on the first notebook
	@$(BIN)/jupyter lab notebooks/01_one_frame.ipynb

clean: ## remove .venv and what the tools wrote
	rm -rf .venv build dist .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Three steps, a line each. The stamp is written last, so that an interrupted set-up is taken up again.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "set-up needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3 ..."; exit 1; }
	@echo "set-up 1/3  $(if $(UV),uv,venv): .venv with $$($(PYTHON) --version)"
	@test -x $(BIN)/python || $(if $(UV),$(UV) venv --quiet --seed --python $(PYTHON) .venv,$(PYTHON) -m venv .venv)
	@echo "set-up 2/3  $(if $(UV),uv,pip): Playhead and its tools, in the versions of constraints.txt (a few minutes at first)"
	@$(if $(UV),$(UV) pip install --quiet --python $(BIN)/python,$(BIN)/python -m pip install --quiet --disable-pip-version-check) \
	    -e ".[dev]" -c constraints.txt
	@echo "set-up 3/3  numba: compile the kernels into their cache (under a minute at first)"
	@if [ -e engine/playhead/warm.py ]; then $(BIN)/python -m playhead.warm; fi
	@touch $@
