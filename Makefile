# make demo | report | test | lint | lab | clean      Everything runs in .venv, which is made when missing.
SHELL := /bin/bash
PYTHON ?= python3
PIP = .venv/bin/python -m pip -qq --disable-pip-version-check
export OMP_NUM_THREADS ?= 1

.PHONY: demo report test lint lab clean faults

demo: .venv/.stamp  ## a small grid from start to end: three to four minutes, seconds when done
	@.venv/bin/xstilts run demo

report: .venv/.stamp  ## the site in reports/site, of the demo or of GRID=...
	@$(if $(GRID),,.venv/bin/xstilts run demo &&) .venv/bin/xstilts report $(or $(GRID),demo)

test: .venv/.stamp  ## every test that needs neither network nor GPU
	@.venv/bin/python -m pytest -n logical

faults: .venv/.stamp  ## break a small grid again and again, at random moments: hours
	@cd tests && ../.venv/bin/python faults.py --each 10 --log ../faults.log

lint: .venv/.stamp  ## style of code and notebooks; notebooks carry no outputs
	@.venv/bin/ruff check . && .venv/bin/ruff format --check xstilts tests
	@.venv/bin/nbstripout --verify notebooks/*.ipynb

lab: .venv/.stamp  ## JupyterLab on the tour
	@.venv/bin/jupyter lab notebooks/00_tour.ipynb

clean:  ## the environment and every run; ~/.cache/xstilts stays
	rm -rf .venv papermill_runs/out reports/build reports/site

# The stamp says that the environment is whole: it comes after `pip check` and an import. Without
# it, or with a newer lock, the environment is made afresh, so a half-made one is never used.
# torch comes first, with what it needs here (on a GPU machine that is more than the lock names,
# and another file than elsewhere: the one package whose hash the lock does not hold).
.venv/.stamp: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "needs Python 3.11 or newer as '$(PYTHON)' (or: make PYTHON=/path/to/python)"; exit 1; }
	@echo "making .venv: a minute or two, 2 GB"
	@rm -rf .venv
	@$(PYTHON) -m venv .venv && .venv/bin/python -m pip --version > /dev/null || \
	  { echo "$(PYTHON) cannot make virtual environments (on Debian: apt install python3-venv)"; exit 1; }
	@echo "  torch ..." && $(PIP) install $$(grep ^torch== requirements.lock)
	@echo "  the other packages ..." && $(PIP) install --no-deps --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@.venv/bin/python -m pip check > /dev/null || { .venv/bin/python -m pip check; exit 1; }
	@.venv/bin/python -c 'import torch, transformers, xstilts'
	@touch $@
