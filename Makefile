# Everything that a machine must have is make, and python3 with pip. `make` alone lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Written last: while it is there and newer than the lock, the environment is complete.
READY := $(VENV)/.ready
UV := $(BIN)/uv

# uv does not read pip's own setting for a private package index: hand it on.
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif

# Each of the hundred processes that the tests start would compile the project anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
SNAPSHOT ?= .printora/demo/printora.published.duckdb
.PHONY: help demo ui test lake superset lint format lock audit sbom readme pictures conformance \
	clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## Set everything up and run the main job on the sandbox
	@$(BIN)/printora demo

ui: $(READY) ## The demo, then Dagster's UI on it, until Ctrl-C
	@$(BIN)/printora demo --ui

test: $(READY) ## Set everything up, check the code and pass the tests
	@.ci/system-packages & packages=$$!; $(MAKE) --no-print-directory lint; linted=$$?; \
		wait $$packages && exit $$linted
	@$(BIN)/pytest --numprocesses auto --dist loadgroup

lake: $(READY) ## The longer tests of a lake: both worlds on Sail, kills at each step, a bucket
	@$(UV) pip install --quiet --python $(BIN)/python --constraints requirements.lock \
		'dlt[s3]' 'moto[s3,server]>=5'
	@$(BIN)/pytest -m "long or not long" tests/lake

superset: $(READY) ## A Superset with the shipped dashboard on the demo's snapshot, or on SNAPSHOT=…
	@.ci/system-packages
	@$(BIN)/python docs/refresh_superset.py
	@$(BIN)/python bench/dashboard.py --serve $(SNAPSHOT)

lint: $(READY)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo --no-cache >$(VENV)/imports.log || { cat $(VENV)/imports.log; exit 1; }

format: $(READY) ## Put the code into its standard form
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .

lock: $(UV) ## Choose the newest versions that pyproject.toml allows
	@$(UV) pip compile pyproject.toml --group dev --group build --universal --python-version 3.11 \
		--generate-hashes --upgrade --quiet --no-emit-index-url \
		--custom-compile-command 'make lock' --output-file requirements.lock

audit: $(READY) ## Compare the lock with published advisories (ADVISORIES=all.zip: without network)
	@$(BIN)/python .ci/supply_chain.py audit requirements.lock $(ADVISORIES)

sbom: $(READY) ## Write the bill of materials to .printora/sbom.json
	@mkdir -p .printora
	@$(BIN)/python .ci/supply_chain.py sbom requirements.lock >.printora/sbom.json
	@echo "Written: .printora/sbom.json"

readme: $(READY) ## Write what the demo prints into README.md
	@$(BIN)/python docs/refresh_readme.py

pictures: $(READY) ## Take the README's pictures of the report and of Dagster's graph
	@.ci/system-packages
	@$(BIN)/python docs/pictures.py

conformance: $(READY) ## Write docs/conformance.md from the tests
	@$(BIN)/python docs/refresh_conformance.py

clean: ## Remove the environment and what the demo left
	@rm -rf $(VENV) .printora

# The environment has no pip of its own: python3's installs uv into it, which takes no ensurepip.
$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "printora needs Python 3.11 or later, and $(PYTHON) is older or missing." \
			"Name another one: make PYTHON=python3.12"; exit 1; }
	@echo "Setting up $(VENV) (once, some 1.6 GB: Dagster, dlt, DuckDB, Sail and the tools)"
	@$(PYTHON) -m venv --without-pip $(VENV)
	@awk '/^uv==/ { on = 1 } on { print } on && !/\\$$/ { exit }' requirements.lock >$(VENV)/uv.lock
	@$(PYTHON) -m pip -qq --disable-pip-version-check --python $(BIN)/python install \
		--no-deps --require-hashes -r $(VENV)/uv.lock

$(READY): requirements.lock pyproject.toml | $(UV)
	@$(UV) pip install --quiet --python $(BIN)/python --compile-bytecode \
		--require-hashes --build-constraints requirements.lock \
		--only-binary :all: --no-binary autograd-gamma --no-binary pyspark-client \
		-r requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --build-constraints requirements.lock \
		--no-deps --editable .
	@touch $@
