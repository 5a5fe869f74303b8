# Two commands on a fresh machine: `make nightly` and `make test`. Everything else is `anchorwatch --help`.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help environment nightly test lint lint-contracts dev night-real evaluate lock clean

PYTHON ?= python3
BIN := .venv/bin
UV_VERSION := 0.9.9
DATACONTRACT_VERSION := 1.2.8
ANCHORWATCH_HOME ?= data
export ANCHORWATCH_HOME
export UV_NO_PROGRESS ?= 1
# A night starts four processes; without stored bytecode each compiles Dagster and dbt again.
export PYTHONDONTWRITEBYTECODE :=
REAL_HOME := data-real
REAL_NIGHT := 2020-02-21

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | expand -t 18

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] not in {(3, 11), (3, 12)})' \
	  || { echo "anchorwatch needs Python 3.11 or 3.12; $(PYTHON) is $$($(PYTHON) --version). Set PYTHON=python3.11." >&2; exit 2; }
	@echo "Environment: .venv"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@

environment: .venv/installed ## make the environment only

nightly: .venv/installed ## demo portfolio if landing is empty, then the whole night
	@if [ -z "$$(ls -A $(ANCHORWATCH_HOME)/landing 2>/dev/null)" ]; then $(BIN)/anchorwatch simulate; fi
	@$(BIN)/anchorwatch nightly --train

test: .venv/installed ## every test
	@$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder --durations 8

lint: .venv/installed ## style, types and SQL
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/sqlfluff lint --processes 2 --disable-progress-bar dbt_project/models dbt_project/tests

.venv-datacontract/$(DATACONTRACT_VERSION):
	@echo "Environment: .venv-datacontract"
	@$(PYTHON) -m venv --clear .venv-datacontract
	@.venv-datacontract/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@.venv-datacontract/bin/uv pip install --quiet --python .venv-datacontract/bin/python datacontract-cli==$(DATACONTRACT_VERSION)
	@touch $@

lint-contracts: .venv-datacontract/$(DATACONTRACT_VERSION) ## the feed contracts against their standard
	@.venv-datacontract/bin/python .ci/lint_contracts.py

dev: .venv/installed ## the Dagster UI on 127.0.0.1
	@$(BIN)/anchorwatch dev

night-real: .venv/installed ## the night on real invoices: SME_INVOICES=DIR
	@test -d "$(SME_INVOICES)" || { echo "Say where the invoices are: make night-real SME_INVOICES=DIR" >&2; exit 2; }
	@test -f "$(ANCHORWATCH_HOME)/models/roles.json" || $(MAKE) nightly
	@test -f "$(REAL_HOME)/models/roles.json" || ANCHORWATCH_HOME=$(REAL_HOME) $(BIN)/anchorwatch adopt-model "$(ANCHORWATCH_HOME)"
	@ANCHORWATCH_HOME=$(REAL_HOME) $(BIN)/anchorwatch deliver sme_invoices "$(SME_INVOICES)" --date $(REAL_NIGHT)
	@ANCHORWATCH_HOME=$(REAL_HOME) $(BIN)/anchorwatch nightly --as-of $(REAL_NIGHT)

evaluate: .venv/installed ## the champion beside the oracle (demo only, some minutes)
	@$(BIN)/anchorwatch evaluate

lock: .venv/installed ## resolve the dependencies again
	@$(BIN)/uv pip compile pyproject.toml --extra dev --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --quiet -o requirements.lock

clean: ## remove the environment and caches; homes stay
	@rm -rf .venv .venv-datacontract .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
