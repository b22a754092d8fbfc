# Each target sets up what it needs on its first run; a second run finds the stamps and does nothing.
# Windows without make: README.md has the same steps as plain pip commands.

VENV := .venv
BIN := $(VENV)/bin
# A stamp lies in the folder that its step fills, so that removing the folder removes the stamp.
STAMPS := $(VENV)/.stamps
DEMO_READY := $(STAMPS)/python $(STAMPS)/gpu
NODE_READY := $(if $(wildcard package.json),node_modules/.stamp)
TEST_READY := $(DEMO_READY) $(STAMPS)/dev $(STAMPS)/browser $(NODE_READY)
PACKAGES := onnx2wgsl.compiler onnx2wgsl.face onnx2wgsl.live onnx2wgsl.media onnx2wgsl.runtime_py onnx2wgsl.trainer onnx2wgsl.web

# Node.js may have come into the virtual environment; see scripts/setup.sh.
WITH_NODE := PATH="$(CURDIR)/$(BIN):$$PATH"

.DEFAULT_GOAL := help
.PHONY: help setup demo web test check lint types lock update clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup: $(TEST_READY) ## set up everything: .venv, a GPU driver, Chromium, npm packages

demo: $(DEMO_READY) ## compile the avatar model, run it on a picture, verify and time it
	@scripts/demo.sh

# MediaPipe and onnxruntime-web come from node_modules, the face tracker's model from a Python package.
web: $(TEST_READY) ## the live avatar page: lay it out and serve it; DEPLOY=dir only writes it
	@$(WITH_NODE) $(BIN)/python -m onnx2wgsl.web build -o $(or $(DEPLOY),build/site)
	$(if $(DEPLOY),,@$(BIN)/onnx2wgsl serve build/site --isolate)

# One worker a core; a file stays with one worker, in the order that tests/conftest.py gives them.
test: $(TEST_READY) ## run all tests (PYTEST_ARGS="-k name" for some); lists the ten slowest
	@$(WITH_NODE) $(BIN)/pytest -n auto --maxprocesses=8 --dist=loadfile --no-loadscope-reorder \
		--durations=10 $(PYTEST_ARGS)

check: lint types test ## lint + types + tests: what CI runs

lint: $(STAMPS)/dev $(NODE_READY) ## check formatting and style, Python and JavaScript
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(if $(NODE_READY),$(WITH_NODE) npm run --silent format:check)

types: $(STAMPS)/dev $(NODE_READY) build/types/onnx2wgsl ## check types: mypy --strict, tsc --checkJs
	$(BIN)/mypy $(PACKAGES:%=-p %)
	$(if $(NODE_READY),$(WITH_NODE) npm run --silent types:check)

lock: $(STAMPS)/python ## write requirements/*.txt after a change of pyproject.toml
	@scripts/lock.sh

# The versions are kept where all checks pass with them, and put back where not.
update: setup ## try the newest versions of all packages within their bounds: lock, install, check
	@scripts/update.sh

clean: ## remove what builds, tests and checks made; .venv and node_modules stay
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -not -path './node_modules/*' -prune -exec rm -rf {} +

# mypy finds the package onnx2wgsl, whose root is the checkout itself, under its own name.
build/types/onnx2wgsl:
	@mkdir -p build/types
	@ln -sfn ../.. $@

$(STAMPS)/python: pyproject.toml requirements/run.txt scripts/setup.sh
	@scripts/setup.sh python
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/dev: $(STAMPS)/python requirements/dev.txt requirements/face.txt
	@scripts/setup.sh dev
	@touch $@

$(STAMPS)/gpu $(STAMPS)/browser: $(STAMPS)/%: $(STAMPS)/python
	@scripts/setup.sh $*
	@touch $@

node_modules/.stamp: package.json package-lock.json $(STAMPS)/python
	@scripts/setup.sh node
	@touch $@
