# Everything needs only Python 3.11 or newer: each target makes .venv and installs what it needs.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test test-slow check clean

run: .venv/run.installed
	$(BIN)/python run_sim.py scenarios/mobile_3g.yaml

test: check
	$(BIN)/python -m pytest -n auto --dist loadfile

test-slow: .venv/test.installed
	$(BIN)/python -m pytest -m slow --hypothesis-profile exploring

check: .venv/test.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.venv/run.installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q -e .
	touch $@

.venv/test.installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q -e ".[dev]"
	touch $@ .venv/run.installed

clean:
	rm -rf .venv runs
