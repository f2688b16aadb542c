# Every target sets up .venv by itself, from a python3 (3.11 or newer) that has the venv module.

PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin

.PHONY: demo test check format bench bench-million soak mutants lock clean

demo: .venv/runtime  ## sample data, mail catcher with inbox page, the whole app
	$(BIN)/newsletter demo --port $(PORT)

test: check node_modules/.installed  ## everything that CI runs
	$(BIN)/python -m pytest -q -n 2 --dist worksteal

check: .venv/dev  ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: .venv/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

BENCHMARKS := splicing planning storing sending places readers plain workers pages profile

bench: .venv/dev  ## the README's figures, in less than a quarter of an hour
	@for name in $(BENCHMARKS); do printf '\n## %s\n\n' $$name && $(BIN)/python -m benchmarks.$$name || exit; done

bench-million: .venv/dev  ## the same questions with a million readers; each of the runs takes minutes
	$(BIN)/python -m benchmarks.planning --readers 1000000
	$(BIN)/python -m benchmarks.readers --readers 10000 1000000
	$(BIN)/python -m benchmarks.readers --readers 10000 1000000 --database postgresql
	$(BIN)/python -m benchmarks.web_load
	$(BIN)/python -m benchmarks.stored
	$(BIN)/python -m benchmarks.importing --rows 1000000

soak: .venv/dev  ## the long versions of the tests, with what they measured
	$(BIN)/python -m pytest -q -m soak -rP --show-capture=stdout --durations=0

mutants: .venv/dev  ## seeded bugs, each of which the tests must notice
	$(BIN)/python -m tests.mutants

lock: .venv/dev  ## the requirements files, from pyproject.toml
	sh requirements/lock.sh

clean:
	rm -rf .venv node_modules dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name it with: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "Python's venv module is missing; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv

# Not built in isolation: the build tools are locked by hash like everything else.
.venv/runtime: requirements/runtime.txt requirements/build.txt pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/runtime.txt -r requirements/build.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev: requirements/dev.txt .venv/runtime
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

# What looks at the mails' HTML, for tests only. Where npm is missing, or can't reach its registry, those tests are
# skipped, and fail in CI.
node_modules/.installed: package.json package-lock.json
	@if command -v npm >/dev/null && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error; \
		then touch $@; else echo "the checks of the mails' HTML are left out; they need Node.js 18 or newer and npm"; fi
