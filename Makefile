# Everything runs in .venv, which the first target that needs it makes. Nothing here calls apt or sudo.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test test-long bench docs ledger-100k lint lock clean venv

help:
	@echo "make demo       find an intruder's leftovers on a live mail server, signed into a ledger"
	@echo "make test       lint, types, layers and the tests"
	@echo "make test-long  the same with the long counts"
	@echo "make bench      the performance ratios"
	@echo "make ledger-100k  100,000 records by real audits, three keys, verified by us and by Go"
	@echo "make docs       the documents that follow from the code"
	@echo "make clean      remove what the other targets made"

demo: $(VENV)/ready
	@$(BIN)/postwarden demo

test: lint
	@$(BIN)/pytest -q -n auto --dist loadfile

test-long: lint
	@POSTWARDEN_LONG=1 $(BIN)/pytest -q -n auto --dist loadfile --timeout 1800

# `make test` does the same with 1,800 records. Needs Go for the second verifier: apt install golang-go
# golang-golang-x-mod-dev. About four minutes on two cores.
ledger-100k: $(VENV)/ready
	@POSTWARDEN_LONG=1 $(BIN)/pytest -q -s -rs --timeout 3600 tests/scenarios/test_ledger_end_to_end.py

# The documents that follow from the code; a test says when they are behind it.
docs: $(VENV)/ready
	@$(BIN)/python -m docs.generate

bench: $(VENV)/ready
	@$(BIN)/python -m tests.bench

lint: $(VENV)/ready
	@$(BIN)/ruff check -q . && $(BIN)/ruff format -q --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --config pyproject.toml >.venv/lint-imports.log || { cat .venv/lint-imports.log; exit 1; }

venv: $(VENV)/ready

$(VENV)/ready: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) is missing: apt install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $(PYTHON) is older than 3.11: set PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "make: venv is missing: apt install python3-venv"; exit 1; }
	@echo "make: setting up $(VENV) (about half a minute)" >&2
	@$(BIN)/python -c 'import ssl' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Needs uv on the PATH; run after a change to the dependencies in pyproject.toml. The extra kerberos is left out: it
# builds against the system's Kerberos library, which is not everywhere.
lock:
	uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
	  --extra pymap --group dev pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
