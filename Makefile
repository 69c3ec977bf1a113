# Python 3.11 or newer, make and git are enough: everything else is installed into $(VENV).
#   make run                      the demo: a text, a picture and a call against the handset
#   make test PYTHON=python3.13   with another Python
#   make test ARGS='-k demo'      more arguments for pytest
#   make test JOBS=0              one test after the other, in one process
#   make mutation ARGS=skill/ringback/guards    one part of it, in some minutes; all of it takes long

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
JOBS ?= 2

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help run test scale check lint types floors format bench bench-growth mutation clean

help: ## show this
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -e 's/:.*## /\t/' | expand -t 14

run: $(VENV)/.installed-run ## drive the MCP server against the handset: a text, a picture, a call
	@$(BIN)/ringback demo $(ARGS)

test: $(VENV)/.installed-dev ## run the tests
	@$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile -m "not scale" $(ARGS)

scale: $(VENV)/.installed-dev ## the evidence at full size: a thousand kills, ten thousand seeds, two thousand faults
	@$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile -m scale $(ARGS)

check: lint types floors test ## everything that must pass before a change is merged

lint: $(VENV)/.installed-dev ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.installed-dev ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.installed-dev ## mypy, strict
	$(BIN)/mypy

floors: $(VENV)/.installed-dev ## import-linter: imports go down only
	$(BIN)/lint-imports

bench: $(VENV)/.installed-dev ## measure against a bare MCP server and a bare POST
	$(BIN)/python bench/run.py $(ARGS)

bench-growth: $(VENV)/.installed-dev ## measure what a ledger of a million outbounds costs
	$(BIN)/python -m bench.growth $(ARGS)

mutation: $(VENV)/.installed-dev ## break the rules on purpose, and count what the tests notice
	$(BIN)/python -m bench.mutation --jobs $(JOBS) $(ARGS)

clean: ## remove the environment, caches and builds
	rm -rf $(VENV) build dist .ci/node/node_modules
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -type d -name __pycache__ -prune -exec rm -rf {} +

# A stamp is written only after an installation succeeded. The installation is editable: a changed source needs none.
# An environment whose pip does not run, or whose last installation was interrupted, is made anew; a good one is kept.
$(VENV)/.installed-run: EXTRA := mcp
$(VENV)/.installed-dev: EXTRA := dev
$(VENV)/.installed-run $(VENV)/.installed-dev: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed; $(PYTHON) is not. Name another: make $(MAKECMDGOALS) PYTHON=..." >&2; \
		exit 1; }
	@if test -e $(VENV)/.installing || ! $(PIP) --version >/dev/null 2>&1; then $(PYTHON) -m venv --clear $(VENV); fi
	@echo "Installing into $(VENV) ..."
	@touch $(VENV)/.installing; \
		$(PIP) install --editable '.[$(EXTRA)]'; status=$$?; \
		rm -f $(VENV)/.installing; exit $$status
	@touch $@
