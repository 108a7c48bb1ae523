# Everything a newcomer needs: `make demo` shows it, `make test` proves it, `make help` lists the rest.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: install
install: $(STAMP) ## Make .venv with everything, from the locked requirements.txt

$(STAMP): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
	  || { echo "Python 3.11 is needed: make install PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -r requirements.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

.PHONY: demo
demo: install ## One cycle from notice to approved summary in a real Airflow (about 4 minutes)
	@$(BIN)/huizong demo

.PHONY: serve
serve: install ## The demo, with the Airflow UI left up until Ctrl-C
	@$(BIN)/huizong demo --serve

.PHONY: test
test: install system-packages lint ## All gates and tests: ruff, mypy, unit, DAGs, integration, the demo
	@$(BIN)/python -m pytest -m "not demo" -n 2 --dist loadfile --no-loadscope-reorder
	@$(BIN)/python -m pytest -m demo  # by itself: its seconds are the machine's

.PHONY: test-fast
test-fast: install ## The tests that take seconds
	@$(BIN)/python -m pytest -m "not slow and not demo" tests/unit tests/dags

.PHONY: corpus
corpus: install system-packages ## Table: formats and traps, files tried, read right, set aside, wrong, crashed
	@$(BIN)/python -m pytest tests/corpus

.PHONY: faults
faults: install system-packages ## Table: faults of servers, disk, database; tried, letters and mails lost, doubled
	@$(BIN)/python -m pytest tests/faults

.PHONY: lint
lint: install ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

.PHONY: format
format: install ## Format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

.PHONY: system-packages
system-packages: ## What the slow tests need from Debian: LibreOffice, PostgreSQL, mail servers, docker-compose
	@bash .ci/system-packages

.PHONY: lock
lock: install ## Resolve pyproject.toml anew into requirements.txt
	@$(BIN)/uv pip compile --quiet --python-version 3.11 --all-extras --no-emit-index-url --upgrade \
	  --custom-compile-command "make lock" pyproject.toml -o requirements.txt

.PHONY: clean
clean: ## Remove .venv, caches and the default home ./var
	@rm -rf $(VENV) var build .mypy_cache .ruff_cache .hypothesis include/*.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
