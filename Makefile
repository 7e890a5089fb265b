# `make run` runs the main job and `make test` the tests; each makes the environment it needs by itself.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CRISES := may_2025 no_lenders no_mediators no_back_channel no_adviser lender_unconditional early_mediation
RESULTS := results/may_2025

# What an environment is made from: it is made anew when one of these changes.
SETTINGS := pyproject.toml crisis_sim/version.py

.PHONY: help run test test-all search coverage lint format types layers docs check pictures bench clean
.DEFAULT_GOAL := help

help: ## say what there is to make
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | while IFS='|' read -r name words; do printf 'make %-8s %s\n' "$$name" "$$words"; done

run: $(VENV)/ready-to-run ## run the May 2025 crisis and its counterfactuals; results go to results/may_2025
	@$(BIN)/python -m compileall -q crisis_sim
	$(BIN)/crisis-sim run $(CRISES) --out $(RESULTS) --overwrite

test: $(VENV)/ready-to-test ## run the tests but for the slow ones
	$(BIN)/python -m pytest -n 2 --dist worksteal -m 'not slow' $(ARGS)

test-all: $(VENV)/ready-to-test ## run all tests
	$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

search: $(VENV)/ready-to-test ## run the tests, the property-based ones on examples not tried before
	HYPOTHESIS_PROFILE=search $(BIN)/python -m pytest -n 2 $(ARGS)

coverage: $(VENV)/ready-to-test ## run the tests and show what they reach; pages go to htmlcov (compiled rules are not measured)
	$(BIN)/python -m pytest -n 2 --cov --cov-report=term --cov-report=html $(ARGS)

lint: $(VENV)/ready-to-develop ## look for mistakes and for what is out of format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/ready-to-develop ## put the code in its usual format
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

types: $(VENV)/ready-to-develop ## check types
	$(BIN)/mypy

layers: $(VENV)/ready-to-develop ## check that no room imports from a room further on
	$(BIN)/lint-imports

docs: $(VENV)/ready-to-develop ## build the guide, with warnings as errors; it goes to build/docs
	$(BIN)/sphinx-build --builder html --fail-on-warning --keep-going --quiet docs build/docs

check: test-all lint types layers docs ## all that must hold before a commit

pictures: $(VENV)/ready-to-develop ## refresh what the guide and the README show, by the commands that they show
	$(BIN)/python docs/tools/pictures.py

bench: $(VENV)/ready-to-run ## measure speed and memory; results go to benchmarks/results
	$(BIN)/python -m benchmarks $(ARGS)

clean: ## remove the environment, results and caches
	rm -rf $(VENV) results build dist .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache .coverage htmlcov
	find crisis_sim tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# Each stage holds what the one before it holds. pip byte-compiles what it installs, whatever the environment says.
$(VENV)/made:
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/ready-to-run: $(VENV)/made $(SETTINGS)
	$(BIN)/python -m pip install --quiet -e .
	@touch $@

$(VENV)/ready-to-test: $(VENV)/made $(SETTINGS)
	$(BIN)/python -m pip install --quiet -e '.[test]'
	@touch $@ $(VENV)/ready-to-run

$(VENV)/ready-to-develop: $(VENV)/made $(SETTINGS)
	$(BIN)/python -m pip install --quiet -e '.[dev]'
	@touch $@ $(VENV)/ready-to-test $(VENV)/ready-to-run
