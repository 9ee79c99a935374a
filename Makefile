# Every target that needs the package builds .venv first: any of them may be the first command after a clone.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# Processes at a time, in tests and runs.
JOBS ?= 2
# What the tests compile is kept, whatever the shell says: they start a hundred processes.
test: export PYTHONDONTWRITEBYTECODE =

.DEFAULT_GOAL := help
.PHONY: help setup lint types test smoke reproduce bench clean

help: ## Show this list
	@grep -hE '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(READY) ## Make .venv and install deepk into it, with the development tools

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[dev,slurm]' --constraint constraints.txt
	@touch $@

lint: $(READY) ## Check style and formatting (ruff)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY) ## Check the types of our own packages (mypy, strict)
	$(BIN)/mypy

test: $(READY) ## Run the tests
	$(BIN)/pytest --numprocesses $(JOBS) --dist loadgroup --no-loadscope-reorder

smoke: $(READY) ## Run every experiment at smoke scale, in seconds
	$(BIN)/deepk reproduce --scale smoke -j $(JOBS)

reproduce: $(READY) ## Run every experiment at laptop scale and print the verdicts
	$(BIN)/deepk reproduce --scale laptop -j $(JOBS)

bench: $(READY) ## Measure speed beside peers and the machine's own limit
	@for file in benchmarks/*.py; do echo "$$file"; $(BIN)/python "$$file" || exit 1; done

clean: ## Remove caches and build products; never touches results/
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist *.egg-info
	find cli experiments deepk tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
