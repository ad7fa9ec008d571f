# The commands of Refledger. `make help` lists them. Needs Python 3.11 or newer, git and make; nothing else.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
RUNTIME := .venv/.installed
TOOLS := .venv/.installed-dev
TRANSLATIONS := $(patsubst %.po,%.mo,$(wildcard translations/*/LC_MESSAGES/*.po))
TEST_WORKERS ?= 2
# The rules and the ledger: every line and every branch, or the run fails.
COVERED := $(addprefix --cov=,app.referrals.domain app.payouts.domain app.ledger app.kernel.money) \
	--cov-branch --cov-fail-under=100 --cov-report=term-missing:skip-covered
COVERING := tests/domain tests/db/test_main_job.py tests/db/test_ledger_check.py tests/db/test_ledger_journal.py \
	tests/db/test_payouts_check.py tests/db/test_documents_check.py tests/db/test_seals.py tests/db/test_closing.py

.DEFAULT_GOAL := help
.PHONY: help run test fuzz mutants check bench screenshots install format lock migration coverage audit clean

help: ## Lists the commands
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 12

run: $(RUNTIME) $(TRANSLATIONS) ## Starts everything with demo data, prints the addresses; Ctrl-C stops it
	@exec $(BIN)/python -m app.embedded.run

test: $(TOOLS) $(TRANSLATIONS) ## Runs every test on SQLite and on PostgreSQL, with a real Valkey
	@$(BIN)/pytest -n $(TEST_WORKERS) --dist loadgroup $(if $(COVERAGE),$(COVERED)) \
		$(if $(AFTER_COVERAGE),$(addprefix --ignore=,$(COVERING))) $(ARGS)

fuzz: $(TOOLS) $(TRANSLATIONS) ## Ten times the random histories and state machines of the tests
	@FUZZ=10 $(BIN)/pytest -n $(TEST_WORKERS) --dist loadgroup tests/db/test_any_order.py tests/db/test_state_machine.py $(ARGS)

mutants: $(TOOLS) ## Changes the rules in 1,300 small ways; names each change that no test notices (a quarter of an hour)
	@nice -n 15 $(BIN)/python -m tests.support.mutants $(ARGS)

check: $(TOOLS) $(TRANSLATIONS) ## Format, lint, types, import contracts, templates, migrations in step with models, audit
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/djlint templates --check --quiet
	$(BIN)/djlint templates --lint --quiet
	$(BIN)/python -m migrations.in_step
	$(BIN)/python -m tests.support.audit

bench: $(TOOLS) ## Runs the benchmarks of bench/, prints ratios, writes bench/results.json
	@$(BIN)/python -m bench $(ARGS)

screenshots: $(TOOLS) $(TRANSLATIONS) ## Takes the README's pictures anew, from the demo; needs Chromium
	@$(BIN)/python -m tests.support.screenshot $(ARGS)

install: $(RUNTIME) $(TOOLS) $(TRANSLATIONS) ## Creates .venv with the locked packages (with pip; with uv where it is on the PATH)

format: $(TOOLS) ## Formats code and templates
	@$(BIN)/ruff check --quiet --fix-only . ; $(BIN)/ruff format --quiet .
	@$(BIN)/djlint templates --reformat --quiet || true

coverage: ## Every line and branch of the rules and the ledger is covered by their own, fast tests
	@$(MAKE) --no-print-directory test COVERAGE=1 ARGS="-q $(COVERING)"

migration: $(TOOLS) ## Writes migrations/versions/0001_schema.py anew from the models
	@$(BIN)/python -m migrations.first_schema && $(BIN)/ruff format --quiet migrations/versions/0001_schema.py

lock: ## Pins requirements*.in into requirements*.txt with hashes (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --emit-build-options \
		--custom-compile-command "make lock" requirements.in --output-file requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--custom-compile-command "make lock" requirements-dev.in --output-file requirements-dev.txt

clean: ## Removes what can be made again; keeps var/
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis htmlcov .coverage*

# uv is ten times faster; pip alone does the same.
define install_locked
	@if command -v uv >/dev/null 2>&1; then \
		uv pip install --quiet --python $(BIN)/python --require-hashes -r $(1); \
	else \
		$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes --no-compile -r $(1); \
	fi
endef

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Refledger needs Python 3.11 or newer")'
	@$(PYTHON) -m venv .venv

$(RUNTIME): requirements.txt | $(BIN)/python
	$(call install_locked,requirements.txt)
	@touch $@

$(TOOLS): requirements-dev.txt $(RUNTIME) | $(BIN)/python
	$(call install_locked,requirements-dev.txt)
	@touch $@

%.mo: %.po $(RUNTIME)
	@$(BIN)/pybabel --quiet compile --input-file $< --output-file $@
