# Two commands do everything on a fresh machine: `make demo` and `make test`. Each sets up what it needs.
SHELL := bash
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# uv does not read pip's configuration; where pip knows a folder of local wheels (a CPU build of torch, say), hand it on.
export UV_FIND_LINKS ?= $(shell python3 -m pip config get global.find-links 2>/dev/null)
# One thread per process: two OpenMP pools on few cores spin against each other and lose most of the machine.
export OMP_NUM_THREADS ?= 1
# Without a folder of wheels, let uv choose the torch build that fits the machine (CPU or CUDA) before the default one.
BACKEND := $(if $(strip $(UV_FIND_LINKS)),,--torch-backend=auto)

.DEFAULT_GOAL := help
.PHONY: help setup demo test check tests calibrate fuzz train study clean

help: ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## (.*)/  make \1\t\2/' | expand -t 20

setup: $(STAMP) ## create .venv with everything the other commands need

$(STAMP): pyproject.toml
	@command -v python3 >/dev/null || { echo "dco needs Python 3.11 or newer (python3 was not found)"; exit 1; }
	@test -x $(BIN)/python || python3 -m venv $(VENV)
	@command -v uv >/dev/null || test -x $(BIN)/uv || $(BIN)/pip install --quiet uv
	@uv=$$(command -v uv || echo $(BIN)/uv); \
	  install() { $$uv pip install --quiet --python $(BIN)/python "$$@" -e '.[dev]'; }; \
	  if [ -n "$(BACKEND)" ]; then install $(BACKEND) || install; else install; fi
	@touch $@

demo: $(STAMP) ## the whole job on a sample brand and a simulated market; says where to look
	@$(BIN)/dco demo

test: check tests ## lint, types, import contracts, doctests and tests: what CI runs

check: $(STAMP) ## the quick part of `make test`: lint, format, types, import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache | tail -n 5

# A file's tests stay in one process: they share what is slow to make. Each process works on one thread.
tests: $(STAMP)
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

calibrate: $(STAMP) ## the statistical calibration suite alone (a part of `make test`)
	@$(BIN)/python -m pytest tests/calibration

fuzz: $(STAMP) ## the property tests with new random examples, many more of them (slow; not a part of `make test`)
	@DCO_HYPOTHESIS=fuzz $(BIN)/python -m pytest -m 'not realdata' tests

train: $(STAMP) ## train the embedded diffusion model again (about three quarters of an hour on 2 cores)
	@$(BIN)/dco model train --minutes 36

study: $(STAMP) ## replay the real headline tests (needs DCO_REAL_DATA)
	@$(BIN)/dco study headlines

clean: ## remove the environment and the demo's folder
	@rm -rf $(VENV) demo
