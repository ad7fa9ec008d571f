# The commands of Refledger. `make help` lists them. Needs Python 3.11 or newer, git and make; nothing else.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
REQUIREMENTS := requirements.txt requirements-dev.txt
SOURCES := app config.py worker.py migrations tests examples bench

.DEFAULT_GOAL := help
.PHONY: help install run test coverage check format migration lock bench clean

help: ## Lists the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

install: $(STAMP) ## Creates .venv with the locked packages (pip alone; uv is used when it is on the PATH)

$(STAMP): $(REQUIREMENTS)
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Refledger needs Python 3.11 or newer")'
	@if command -v uv >/dev/null 2>&1; then \
		uv venv --quiet --allow-existing --python "$$(command -v $(PYTHON))" $(VENV) \
		&& uv pip install --quiet --python $(BIN)/python --require-hashes $(addprefix -r ,$(REQUIREMENTS)); \
	else \
		$(PYTHON) -m venv $(VENV) \
		&& $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes $(addprefix -r ,$(REQUIREMENTS)); \
	fi
	@touch $(STAMP)

lock: ## Pins requirements*.in into requirements*.txt with hashes (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --emit-build-options \
		--custom-compile-command "make lock" requirements.in --output-file requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--custom-compile-command "make lock" requirements-dev.in --output-file requirements-dev.txt

migration: install ## Writes migrations/versions/0001_schema.py anew from the models
	@$(BIN)/python -m migrations.first_schema && $(BIN)/ruff format --quiet migrations/versions/0001_schema.py
