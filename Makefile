# `make` alone prints the targets. Each sets up what it needs; a second run finds it there.

PYTHON ?= python3
UV_VERSION := 0.13.9
BIN := .venv/bin
READY := .venv/ready
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help report cohort test fuzz check expected snapshots bench clean system-for-report system-for-test

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

report: $(READY) system-for-report ## Make the case study of the built-in case, in build/
	@$(BIN)/casereport report case_study samples/seed_case --format html,pdf,json,ipynb --as-of 2025-10-01 --out build

cohort: $(READY) system-for-report ## Make the review of 2,000 people who do not exist, in build/cohort
	@$(BIN)/python samples/made_practice.py --people 2000 --seed 7 --out build/cohort
	@$(BIN)/casereport ingest build/cohort/lab_*.csv --people build/cohort/people.csv --store build/cohort/practice.duckdb --as-of 2026-09-30 --out build/cohort --quiet
	@$(BIN)/casereport report cohort_review --store build/cohort/practice.duckdb --period 2026-Q3 --as-of 2026-09-30 --language nl --language en --out build/cohort

test: $(READY) system-for-test ## Run the tests (WORKERS=4: on four cores)
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup

fuzz: $(READY) system-for-test ## Run the tests at full size: all people, many more made inputs
	CASEREPORT_SIZE=full $(BIN)/pytest -n $(WORKERS) --dist loadgroup

check: $(READY) system-for-report ## Check style, types, floors, rules and notebooks
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/casereport rules check
	$(BIN)/pytest -q tests/test_notebooks.py

expected: $(READY) ## Write expected.json of the golden cases again (CASES="a b": of these), to be reviewed
	$(BIN)/python scripts/expected.py $(CASES)

snapshots: $(READY) ## Write the snapshots of reports again (CASES="a b": of these), to be reviewed
	$(BIN)/python scripts/snapshots.py $(CASES)

bench: $(READY) system-for-test ## Time a report, the check of a lab table, a million people, and many reports
	$(BIN)/python scripts/bench.py
	$(BIN)/python scripts/bench_reports.py $(BENCH)

clean: ## Remove what runs left behind; .venv stays
	rm -rf build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +

# The environment: what the lock names, by its hashes, then this project as it stands here.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
		|| { echo "casereport needs Python 3.11, 3.12 or 3.13; name one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "Setting up .venv; this takes a minute or two, once."
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

system-for-report:
	@scripts/system-packages.sh report

system-for-test:
	@scripts/system-packages.sh test
