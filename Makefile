# `make help` lists the targets. Each sets up what it needs.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export HF_HUB_DISABLE_TELEMETRY := 1

.DEFAULT_GOAL := help
.PHONY: help install demo dev test test-slow check bench clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

install: $(READY) ## make the virtual environment and install everything, from one constraints file

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet torch==$$(sed -n 's/^torch==//p' constraints.txt)
	$(BIN)/pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

demo: $(READY) ## land sample media, watch it become tables, a model and a drift verdict; MEDIA=folder for yours
	$(BIN)/python -m mlops_assets.cli.demo $(if $(MEDIA),--media '$(MEDIA)')

dev: $(READY) ## the Dagster UI and the MLflow UI on the demo's home, with everything on
	$(BIN)/python -m mlops_assets.cli.serving

test: $(READY) ## every test but the long histories; at most 10 minutes
	$(BIN)/python -m pytest -n auto --dist loadfile

test-slow: $(READY) ## long histories, kills and fuzz
	$(BIN)/python -m pytest -m slow

check: $(READY) ## formatting, linting, types, layers, definitions, documentation
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/dg check defs
	$(BIN)/python -m pytest -q mlops_assets_tests/docs

bench: $(READY) ## measure against floors in one run; results go to benchmarks/results
	$(BIN)/python -m benchmarks

clean: ## remove the environment and what runs left behind
	rm -rf $(VENV) .mlops_assets build dist *.egg-info .pytest_cache .ruff_cache .hypothesis dbt_metadata/target dbt_metadata/logs
