.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
export PATH := $(CURDIR)/.venv/bin:$(PATH)
unexport PYTHONDONTWRITEBYTECODE # the tests start hundreds of processes, which need not compile it all again

DEMO_MODEL := smollm2-135m-instruct
PROTOC = python -m grpc_tools.protoc -Iprotos --python_out=$(1) --grpc_python_out=$(1) \
	--mypy_out=quiet:$(1) --mypy_grpc_out=quiet:$(1) protos/jarvis/v1/*.proto \
	&& python -m grpc_tools.protoc -Iprotos --python_out=$(1) --mypy_out=quiet:$(1) protos/jarvis/orca/v3/*.proto

# An engine's start is one thread that imports, so that two at a time take little more than one. Other tests wait for
# processes and clocks as well.
PYTEST = pytest --dist loadfile $(ARGS)
# Their modules import torch, which no other worker has to.
ON_TORCH = tests/engine tests/conformance/test_vllm.py tests/conformance/test_cross_encoder.py \
	plugins/jarvis-openai/tests/test_vllm.py \
	tests/unit/adapters/vllm tests/unit/adapters/sentence_transformers tests/unit/toolkit/test_gpu.py
NO_TESTS = || [[ $$? == 5 ]]

# Without the variable, the theme prints at each build that it ends in 2027; scripts/docs/mkdocs.yml says what then.
SITE = NO_MKDOCS_2_WARNING=1 mkdocs build --strict --config-file scripts/docs/mkdocs.yml

.PHONY: help setup model prometheus node demo serve test test-fast test-long check proto released dashboards docs lock sbom bench clean

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo 'ARGS="…" is passed on by serve, bench, lock and the tests.'

setup: ## Make .venv with the locked packages (about 3.3 GB); PYTHON= names a CPython 3.11
	@scripts/setup.sh

model: setup
	@jarvis models fetch $(DEMO_MODEL)

prometheus: setup ## Fetch Prometheus, for the tests of rules and dashboards, where the machine has none
	@scripts/prometheus.sh

node: setup ## Install the packages of the tests in Node
	@scripts/node.sh

demo: setup ## Start the server on a real model, stream an answer, stop it
	@python scripts/demo.py

serve: model ## Run the server until Ctrl-C; configuration: jarvis.toml, or none
	@exec jarvis serve $(ARGS)

test: model prometheus node ## Run all tests that must pass, those on the real vLLM included
	$(PYTEST) -n 3 -m "not long" $(addprefix --ignore=,$(ON_TORCH)) $(NO_TESTS)
	$(PYTEST) -n 2 -m "not long" $(ON_TORCH) $(NO_TESTS)

test-fast: setup ## Run the unit tests that are quick, and those of the architecture
	$(PYTEST) -n 3 -m "not engine and not slow" tests/unit tests/architecture plugins

test-long: model ## Run the tests that do the same thing thousands of times
	$(PYTEST) -n 2 -m long $(NO_TESTS)

check: setup node ## Lint, types, import contracts, the contract and its languages, generated code and pages, lock, security
	ruff check .
	ruff format --check .
	mypy
	lint-imports
	buf lint protos
	buf format --diff --exit-code protos
	buf breaking protos --against protos/last_release.binpb
	@scripts/languages.sh
	@made=$$(mktemp -d); trap 'rm -rf "$$made"' EXIT; $(call PROTOC,"$$made"); \
	{ diff -r -x __init__.py -x __pycache__ jarvis/v1 "$$made/jarvis/v1" \
	&& diff -r -x __init__.py -x __pycache__ jarvis/orca "$$made/jarvis/orca"; } \
	|| { echo 'check: jarvis/v1 or jarvis/orca is not what protos/ generates; run make proto' >&2; exit 1; }
	@made=$$(mktemp -d); trap 'rm -rf "$$made"' EXIT; python -m scripts.dashboards "$$made"; \
	diff -r deploy/grafana "$$made" \
	|| { echo 'check: deploy/grafana is not what scripts/dashboards makes; run make dashboards' >&2; exit 1; }
	python -m scripts.docs --check
	@made=$$(mktemp -d); trap 'rm -rf "$$made"' EXIT; $(SITE) --quiet --site-dir "$$made"
	python scripts/check_lock.py
	bandit --quiet --configfile pyproject.toml --recursive adapters bench jarvis plugins ports scripts
	python -m scripts.audit

proto: setup ## Generate jarvis/v1 and jarvis/orca from protos/
	$(call PROTOC,.)

released: setup ## Take protos/ for the contract of the last release, which make check compares with
	buf build protos --exclude-source-info --output protos/last_release.binpb

dashboards: setup ## Write the Grafana dashboards, deploy/grafana, from scripts/dashboards
	python -m scripts.dashboards deploy/grafana

docs: setup ## Write the tables of docs/ from the code, and build its site in build/site
	python -m scripts.docs
	$(SITE)

lock: ## Resolve requirements/cpu.txt again; ARGS=--upgrade takes the newest of everything
	@scripts/lock.sh $(ARGS)

sbom: setup ## Write dist/sbom.json: the locked packages, and what needs which, in CycloneDX's format
	python -m scripts.sbom dist/sbom.json

bench: model ## Run all benchmarks, and keep what they find in bench/results, or BENCH=frontend alone; ARGS=--help lists them
	python -m bench$(addprefix .,$(BENCH)) $(ARGS)

clean: ## Remove what make made here, .venv included; models stay in the user's cache folder
	rm -rf .venv tests/e2e/node/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
