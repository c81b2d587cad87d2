# A fresh machine needs Python 3.11 with pip, make, and the package registries; `make test-cluster` needs Go and kubectl too.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
BIN := .venv/bin
MINUTES ?= 60
RUN := .venv/.run-installed
DEV := .venv/.dev-installed

.PHONY: help demo test check test-cluster faults mutants bench lock render clean
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: $(RUN) ## the daemon on the embedded cluster, in one go
	@$(BIN)/maintd demo

test: $(DEV) ## every test that needs nothing but this machine
	@$(BIN)/python -m pytest -q -n 3 --dist loadgroup

check: $(DEV) ## style, types, layers, size budgets, rendered files
	@$(BIN)/ruff check . && $(BIN)/ruff format --check -q .
	@$(BIN)/hadolint Dockerfile
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python tests/budgets.py
	@$(BIN)/maintd render --check

test-cluster: $(DEV) ## the contract tests and every kind against a real control plane
	@$(BIN)/python -m pytest -q -m cluster

faults: $(DEV) ## rounds of every fault for MINUTES=60, and the table of what they showed
	@$(BIN)/python -m tests.faults --minutes $(MINUTES)

mutants: $(DEV) ## takes every guard away in a scratch copy and shows that a test notices
	@$(BIN)/python -m tests.mutants

bench: $(DEV) ## tables against named peers; see bench/README.md
	@$(BIN)/python bench/all.py

render: $(RUN) ## write the derived files anew
	@$(BIN)/maintd render --write

# The lock files carry hashes and no hosts; `pip install uv` first.
lock: ## resolve requirements/*.txt anew
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url pyproject.toml -o requirements/run.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --extra dev -c requirements/run.txt pyproject.toml -o requirements/dev.txt
	printf 'hatchling\neditables\n' | uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate -c requirements/dev.txt - -o requirements/build.txt

clean: ## remove the environment and what the demo wrote
	rm -rf .venv .maintd

$(RUN): requirements/run.txt requirements/build.txt pyproject.toml
	@echo "making .venv once: about a minute, 60 packages, each checked against its hash"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --disable-pip-version-check --progress-bar off --require-hashes -r requirements/run.txt -r requirements/build.txt | sed -unE 's/^Collecting ([^ =;]+).*/  \1/p'
	@$(BIN)/python -m pip install --disable-pip-version-check -q --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): $(RUN) requirements/dev.txt
	@echo "adding the test tools to .venv once"
	@$(BIN)/python -m pip install --disable-pip-version-check --progress-bar off --require-hashes -r requirements/dev.txt | sed -unE 's/^Collecting ([^ =;]+).*/  \1/p'
	@touch $@
