# Everything a developer runs. Needs make and Python 3.11 or newer; the rest goes into .venv.
.DEFAULT_GOAL := help
SHELL := /bin/sh
.DELETE_ON_ERROR:

# Arguments for the program behind a target: make run ARGS="--port 9000", make test ARGS="tests/unit -x"
ARGS ?=
MINUTES ?= 5
PYTHONS := python3.11 python3.12 python3
LOCK := ../.venv/bin/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-header \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host

.PHONY: help run test clients faults soak lint types contracts check bench bench-peers lock clean

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | sort | awk -F '\t' '{printf "make %-12s %s\n", $$1, $$2}'

run: .venv/.base ## start everything on this machine, until Ctrl-C
	@.venv/bin/respool dev $(ARGS)

test: .venv/.dev ## run every test
	.venv/bin/pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

clients: .venv/.dev ## official SDKs of every line and an agent framework; installs them below the temporary folder
	.venv/bin/pytest tests/clients $(ARGS)

fuzz: .venv/.dev ## fuzz the product and its OpenAPI document: make fuzz MINUTES=10
	RESPOOL_TEST_FUZZ_MINUTES=$(MINUTES) .venv/bin/pytest tests/fuzz $(ARGS)

faults: .venv/.dev ## break every dependency, for minutes: all of tests/faults
	.venv/bin/pytest tests/faults -m "" $(ARGS)

soak: .venv/.dev ## load and faults at random: make soak MINUTES=10 SEED=1 ARGS=--postgres
	.venv/bin/python -m bench.soak --minutes $(or $(MINUTES),10) --seed $(or $(SEED),1) $(ARGS)

lint: .venv/.dev ## ruff
	.venv/bin/ruff check .

types: .venv/.dev ## mypy, strict
	.venv/bin/mypy

contracts: .venv/.dev ## which folder may import which
	.venv/bin/lint-imports

check: lint types contracts test ## what CI runs

bench: .venv/.dev ## the benchmark, on SQLite and PostgreSQL; ARGS="--scale 0.05" for a short look
	.venv/bin/python -m bench $(ARGS)

bench-peers: .venv/.dev ## the same beside other gateways, each installed outside this folder
	.venv/bin/python -m bench.side_by_side $(ARGS)

lock: .venv/.dev ## compile requirements/*.in again; UPGRADE=--upgrade takes newer versions
	cd requirements && $(LOCK) $(UPGRADE) --output-file base.txt base.in
	cd requirements && $(LOCK) $(UPGRADE) --output-file dev.txt dev.in

clean: ## remove the environment and what the tools left; your data in var/ stays
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist *.egg-info

# The Dockerfile has the same steps; a test compares them.
.venv/.base: requirements/base.txt pyproject.toml | .venv/bin/pip
	.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/base.txt
	.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/bin/pip:
	@for name in $(PYTHONS); do \
		if $$name -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
		then python=$$name; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo "No fitting Python: install Python 3.11 or 3.12 with its venv module (tried: $(PYTHONS))." >&2; exit 1; \
	fi; \
	echo "Making .venv with $$($$python --version): once, about a minute."; \
	$$python -m venv --clear .venv

.venv/.dev: requirements/dev.txt .venv/.base
	.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@
