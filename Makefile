# `make` alone lists the targets. Everything runs in $(VENV), which any target builds first when it is absent or out of date.
VENV   ?= .venv
PYTHON ?=
ARGS   ?=
RUN    := $(VENV)/bin
STAMP  := $(VENV)/.ready-$(shell cat requirements.lock pyproject.toml src/relip/weights/*.py | sha256sum | cut -c 1-16)
UV     := uv==0.13.8
SOURCES := src tests tools training benchmarks fuzz

.DEFAULT_GOAL := help
.PHONY: help setup demo test fuzz check fix lock models pages clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup: $(STAMP) ## build the environment and the face nets (every other target does it by itself)

$(STAMP):
	@VENV="$(VENV)" PYTHON="$(PYTHON)" STAMP="$@" tools/setup

demo: setup ## dub a face live over ST 2110 on loopback: demo.mp4 and demo.json; ARGS="--format 720p50"
	$(RUN)/relip demo $(ARGS)

test: setup ## run every test; ARGS="-m unit" or a path to choose
	$(RUN)/python -m pytest -q --durations=15 $(ARGS)

fuzz: setup ## throw broken packets, texts and files at every parser; ARGS="video sdp --seconds 600"
	$(RUN)/python fuzz/run.py $(ARGS)

check: setup ## format, lint, types, import contracts, spelling, sizes
	$(RUN)/ruff format --check $(SOURCES)
	$(RUN)/ruff check $(SOURCES)
	$(RUN)/mypy
	$(RUN)/lint-imports
	$(RUN)/codespell
	$(RUN)/python tools/sizes.py src tools

fix: setup ## let ruff repair what it can
	$(RUN)/ruff check --fix $(SOURCES)
	$(RUN)/ruff format $(SOURCES)

lock: setup ## resolve requirements.lock anew: newest versions, one for all of Python 3.11 and up
	$(RUN)/python -m venv $(VENV)/lock
	$(VENV)/lock/bin/python -m pip install --quiet $(UV)
	$(VENV)/lock/bin/uv pip compile pyproject.toml --quiet --upgrade --universal --fork-strategy fewest --generate-hashes \
		--no-header --no-annotate --no-emit-index-url --no-emit-find-links \
		--extra graph --extra onnx --extra models --extra media --extra demo --extra triton --extra eval --extra probe \
		--group test --group lint --group build --output-file requirements.lock
	$(VENV)/lock/bin/uv pip compile requirements/triton.in --quiet --no-deps --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --no-emit-index-url --no-emit-find-links --output-file requirements/triton.lock

models: setup ## build the face nets again into the cache
	$(RUN)/relip models build

pages: setup ## write the reference pages anew from the code they describe
	$(RUN)/python tools/cli_page.py docs/reference/cli.md
	$(RUN)/python tools/config_page.py docs/reference/configuration.md
	$(RUN)/python tools/report_page.py docs/reference/demo-json.md docs/reference/dub-json.md docs/reference/eval-json.md \
		docs/reference/probe-json.md

clean: ## remove caches and results; the environment stays ($(VENV))
	rm -rf fuzz/.numba .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache out demo.mp4 demo.json
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +
