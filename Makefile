# Two commands matter: `make run` builds and publishes the sample country, `make test` proves everything.
# Each sets up what it needs in .venv, once, from a lock file with hashes.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.NOTPARALLEL:
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := expectations ingestion orchestration sample_country warehouse

# The environment is rebuilt exactly when a lock or the project file changes its content.
RUN_STAMP := $(VENV)/.ready-$(shell cat requirements.lock pyproject.toml | sha256sum | cut -c1-16)
DEV_STAMP := $(VENV)/.ready-dev-$(shell cat requirements-dev.lock pyproject.toml | sha256sum | cut -c1-16)
SPARK_STAMP := $(VENV)/.ready-spark-$(shell cat requirements-spark.lock pyproject.toml | sha256sum | cut -c1-16)
TEAM_STAMP := $(VENV)/.ready-team-$(shell cat requirements-team.lock pyproject.toml | sha256sum | cut -c1-16)
PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --no-input -qq --no-deps

.PHONY: help run ui test check format bench faults clean setup setup-dev setup-spark setup-team chromium calc sftp-server \
	postgres test-unit test-integration test-spark test-team

help:  ## What can be asked of this Makefile
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

# --- For everyone ------------------------------------------------------------------------------------------------

run: setup  ## Build the sample country, publish it, print the scorecard
	@$(BIN)/qamtu run --sample

ui: setup  ## Open Dagster on http://127.0.0.1:3000
	@$(BIN)/qamtu ui

# --- For developers ----------------------------------------------------------------------------------------------

test: test-unit test-integration  ## Pass all tests, quickest first
	@echo "== all tests passed"

test-unit: setup-dev
	@echo "== unit tests"
	@$(BIN)/python -m pytest tests/unit --quiet --numprocesses=2 --dist=worksteal

# Whole runs, faults, Dagster and the browser: what shares a run or a parse stays in one process, the slowest first.
test-integration: setup-dev chromium sftp-server calc
	@echo "== integration, end-to-end and browser tests"
	@$(BIN)/python -m pytest tests/integration tests/e2e tests/faults tests/browser --quiet --durations=10 --numprocesses=2 \
		--dist=loadscope --no-loadscope-reorder

test-spark: setup-dev setup-spark  ## Build on Apache Spark and compare every mart with DuckDB's (needs Java; minutes)
	@echo "== tests on Apache Spark"
	@$(BIN)/python -m pytest tests/spark --quiet --durations=10

test-team: setup-dev setup-team postgres  ## Services of a team on PostgreSQL: queue, backup, restore (minutes)
	@echo "== tests of a team's deployment"
	@$(BIN)/python -m pytest tests/team --quiet --durations=10

check: setup-dev  ## Formatting, lint for Python and SQL, types, import rules, dbt parse
	@echo "== ruff format" && $(BIN)/ruff format --check .
	@echo "== ruff check" && $(BIN)/ruff check .
	@echo "== import rules" && $(BIN)/lint-imports --no-logo
	@echo "== types" && $(BIN)/mypy
	@echo "== SQL" && $(BIN)/sqlfluff lint --processes 2 --disable-progress-bar dbt_project/models dbt_project/tests
	@echo "== dbt parse" && $(BIN)/python -m orchestration.dbt_parse

format: setup-dev  ## Put Python and SQL into the agreed form
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
	@$(BIN)/sqlfluff fix --processes 2 --disable-progress-bar dbt_project/models dbt_project/tests

bench: setup-dev postgres  ## Speed and memory against plain scripts, as ratios
	@$(BIN)/python -m benchmarks

# A clock that steps back needs Debian's libfaketime; a full disk the right to mount. Without them the table says so.
faults: setup-dev  ## Every proof under fault in full: hours. FAULTS='--parts door,runs --kills 20' asks for less
	@$(BIN)/python -m tests.faults $(FAULTS)

clean:  ## Remove the environment, caches and the default home (var/)
	rm -rf $(VENV) var dbt_project/target dbt_project/logs .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- The environment ---------------------------------------------------------------------------------------------

setup: $(RUN_STAMP)

setup-dev: $(DEV_STAMP)

setup-spark: $(SPARK_STAMP)  ## Add what `qamtu run --engine spark` needs (0.5 GB)

setup-team: $(TEAM_STAMP)  ## Add what Dagster on PostgreSQL needs (docs/deployment.md)

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 is needed and was not found: install it, or say where: make PYTHON=/path" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
		|| { echo "Python 3.11 is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1). Say where: make PYTHON=/path" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip' 2>/dev/null || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3.11-venv >/dev/null; \
		else echo "Python's venv module is needed: install the package python3.11-venv" >&2; exit 1; fi; }
	@"$(PYTHON)" -m venv $(VENV)

$(RUN_STAMP): | $(BIN)/python
	@echo "== setting up the environment in $(VENV) (once; about a minute and a half)"
	@$(PIP_INSTALL) --require-hashes -r requirements.lock
	@$(PIP_INSTALL) --no-build-isolation -e .
	@touch $@

$(DEV_STAMP): $(RUN_STAMP)
	@echo "== adding what tests and checks need (once)"
	@$(PIP_INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@

$(SPARK_STAMP): $(RUN_STAMP)
	@echo "== adding Apache Spark (once; 0.5 GB)"
	@$(PIP_INSTALL) --require-hashes -r requirements-spark.lock
	@touch $@

$(TEAM_STAMP): $(RUN_STAMP)
	@echo "== adding Dagster's storage in PostgreSQL (once)"
	@$(PIP_INSTALL) --require-hashes -r requirements-team.lock
	@touch $@

# Programs that tests open come from Debian. Without one and without the right to install it its tests are skipped, loudly;
# in CI its absence is a failure. $(1) asks whether it is there, $(2) is its package, $(3) what is lost without it.
define program_of_tests
	@if $(1); then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "== installing $(2) for the tests (once)"; \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(2) >/dev/null; } \
			|| echo "!! $(2) could not be installed" >&2; \
	fi
	@$(1) || { echo "!! WITHOUT $(2): $(3) (install the package)" >&2; test -z "$${CI:-}"; }
endef

chromium:
	$(call program_of_tests,command -v chromium >/dev/null,chromium,browser tests cannot run here)

calc:
	$(call program_of_tests,command -v soffice >/dev/null,libreoffice-calc,workbooks are not opened in a spreadsheet program here)

sftp-server:
	$(call program_of_tests,test -x /usr/lib/openssh/sftp-server,openssh-sftp-server,pulls over SFTP are not tested here)

# Tests of a team's deployment start a PostgreSQL server of their own. No cluster of the package's own is wanted.
postgres:
	@if command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "== installing PostgreSQL for the tests of a team's deployment (once)"; \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql-common >/dev/null \
			&& sed -i 's/^#*create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf \
			&& DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >/dev/null; } \
			|| echo "!! PostgreSQL could not be installed" >&2; \
	fi
	@command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { \
		echo "!! NO POSTGRESQL: a team's deployment is not tested here (install the package postgresql)" >&2; \
		test -z "$${CI:-}"; }
