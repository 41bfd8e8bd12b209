# Two commands matter: `make study` runs the embedded study, `make test` checks the project. Both work on a fresh machine.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# On Linux, TORCH_INDEX=https://download.pytorch.org/whl/cpu takes torch's CPU build instead of gigabytes of CUDA libraries.
TORCH_INDEX ?=
# Options of JupyterLab, as LAB_OPTIONS=--allow-root in a container; of Voilà, as BROWSE_OPTIONS="--no-browser --port=8870".
LAB_OPTIONS ?=
BROWSE_OPTIONS ?=
# Whose results `make results` quotes.
STUDY ?= params/tiny.yaml
PIP_INSTALL := install --disable-pip-version-check --progress-bar off -q $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -c constraints.txt
PIP := $(BIN)/python -m pip $(PIP_INSTALL)
export PYTHONUNBUFFERED = 1

.PHONY: help study test test-slow test-pythons lab browse results bench lint clean

help:  ## what can be made
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 14

study: $(VENV)/.core  ## run params/tiny.yaml, then print where its report is
	@$(BIN)/rmkit run params/tiny.yaml

test: $(VENV)/.dev lint  ## lint, then the tests (at most 10 minutes on 2 cores)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadgroup -m "not slow"

test-slow: $(VENV)/.dev  ## the long tests: faults at every point, a world anew, a browser (at most 35 minutes)
	@which chromium > /dev/null || which chromium-browser > /dev/null || which google-chrome > /dev/null \
	  || { apt-get update && apt-get install -y chromium; } > /dev/null 2>&1 \
	  || echo "Chromium is missing, and apt-get cannot install it here: no test in a browser"
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadgroup -m slow

test-pythons: $(BIN)/python  ## the smoke study under every other Python from 3.11 on that is at hand (minutes each; not in CI)
	@$(BIN)/python -m tests.pythons $(PIP_INSTALL)

lint: $(VENV)/.dev  ## style, types, and notebooks without outputs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/nbstripout --verify notebooks/*.ipynb

lab: $(VENV)/.dev  ## JupyterLab on the notebooks
	$(BIN)/jupyter lab --notebook-dir=. $(LAB_OPTIONS)

# Each page has a kernel; one whose page was left is ended after five minutes, one whose page is open never.
browse: $(VENV)/.dev  ## notebook 08 as a web page of this machine, without JupyterLab (Voilà)
	$(BIN)/voila notebooks/08_browse.ipynb --KernelManager.transport=ipc --MappingKernelManager.cull_idle_timeout=300 $(BROWSE_OPTIONS)

results: $(VENV)/.core  ## draw the texts' figures and fill in quoted numbers from the stored rows of STUDY (params/tiny.yaml)
	@$(BIN)/rmkit report $(STUDY)
	@$(BIN)/python -m rmkit.report.quoted $(STUDY)

bench: $(VENV)/.dev  ## the benchmarks and simulations, each with its table
	for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

clean:  ## remove the environments; results in runs/ stay
	rm -rf $(VENV) .venv-3.*

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "rmkit needs Python 3.11 or newer, and $(PYTHON) is " + sys.version.split()[0] + "; say PYTHON=...")'
	@echo "making $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.core: $(BIN)/python pyproject.toml constraints.txt
	@echo "installing rmkit (some minutes the first time)"
	@$(PIP) -e '.[lm]'
	@touch $@

$(VENV)/.dev: $(BIN)/python pyproject.toml constraints.txt
	@echo "installing rmkit with what its notebooks and tests need (some minutes the first time)"
	@$(PIP) -e '.[lm,lab,dev]'
	@$(BIN)/pre-commit install > /dev/null || echo "not a git checkout: notebook outputs will not be stripped on commit"
	@touch $@ $(VENV)/.core
