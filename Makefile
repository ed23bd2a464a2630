# The verbs of this project. Each installs what it needs, exactly as locked, into .venv on its first use.

PYTHONS := python3 python3.13 python3.12 python3.11
PYTHON ?= $(shell for p in $(PYTHONS); do $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& echo $$p && break; done)
PIP := .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input --no-warn-script-location

# The stamp carries the checksum of what was installed: another lock, another stamp, another installation.
INSTALLED := .venv/.installed-$(firstword $(shell cat requirements/dev.lock pyproject.toml | cksum))

.PHONY: demo test lint types golden bench soak docs
.DEFAULT_GOAL := test
.DELETE_ON_ERROR:

# A running Tocsin with four real services sending it telemetry; prints where to look.
demo: $(INSTALLED)
	@.venv/bin/tocsin demo --up

# Everything that must hold before a change is shared. Pytest comes last, so that its verdict is the last line.
test: lint types
	@.venv/bin/python -m pytest

lint: $(INSTALLED)
	@.venv/bin/ruff check --quiet .
	@.venv/bin/ruff format --check --quiet . || { echo "run: .venv/bin/ruff format ." >&2; exit 1; }

types: $(INSTALLED)
	@.venv/bin/mypy

# Write the golden files anew; the review reads their diff.
golden: $(INSTALLED)
	@.venv/bin/python -m pytest -p no:randomly -m golden --rewrite-golden

# What this machine reaches, as a table of medians and ratios.
bench: $(INSTALLED)
	@.venv/bin/python -m benchmarks

# Half an hour at half load: memory must stay flat.
soak: $(INSTALLED)
	@.venv/bin/python -m benchmarks soak

# Write the reference pages under docs/reference anew from the code.
docs: $(INSTALLED)
	@.venv/bin/python scripts/docs.py

.venv: $(INSTALLED)

$(INSTALLED):
	@test -n "$(PYTHON)" || { echo "Tocsin needs Python 3.11, 3.12 or 3.13; none of '$(PYTHONS)' is one. Name yours: make PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments: its modules venv and ensurepip are missing." \
		"On Debian and Ubuntu: apt install python3-venv. Or name another Python: make PYTHON=/path/to/python" >&2; exit 1; }
	@.venv/bin/python -c '' 2>/dev/null || { echo "making .venv with $$($(PYTHON) --version)"; $(PYTHON) -m venv --clear .venv; }
	@echo "installing requirements/dev.lock into .venv (once; about 1.2 GB, most of it the engine)"
	@$(PIP) --require-hashes --requirement requirements/dev.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@rm -f .venv/.installed-*
	@touch $@
