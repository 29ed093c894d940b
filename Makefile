# Everything from a fresh checkout, with only make and Python 3.11 or newer.
# Paths are relative and programs run as `python -m`, so the checkout's path may contain spaces.

PYTHON := .venv/bin/python
.DEFAULT_GOAL := help
.PHONY: help setup up demo test bench lint format lock messages

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

setup: .venv/installed ## install everything into .venv

.venv/installed: requirements-dev.lock scripts/setup
	@sh scripts/setup

demo: setup ## run Tributary with demonstration data
	@$(PYTHON) manage.py up --demo $(ARGS)

up: setup ## run Tributary
	@$(PYTHON) manage.py up $(ARGS)

test: setup ## check and test everything
	@sh scripts/test $(ARGS)

bench: setup .venv/bench ## run the benchmarks, or one: make bench B=name
	@$(PYTHON) -m bench $(B)

.venv/bench: bench/requirements.lock # what benchmarks compare with, apart from what we run on
	@rm -rf .venv/bench
	@$(PYTHON) -m uv pip install --quiet --system-certs --python $(PYTHON) --require-hashes \
		--target .venv/bench -r bench/requirements.lock
	@touch .venv/bench

lint: setup ## style, types and architecture only
	@sh scripts/test --lint

format: setup ## put the code into shape
	@$(PYTHON) -m ruff check --fix .
	@$(PYTHON) -m ruff format .

lock: setup ## pin the newest versions the .in files allow
	@$(PYTHON) -m uv pip compile --quiet --upgrade --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-annotate requirements.in -o requirements.lock
	@$(PYTHON) -m uv pip compile --quiet --upgrade --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-annotate requirements-dev.in -o requirements-dev.lock
	@$(PYTHON) -m uv pip compile --quiet --upgrade --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-annotate --constraint requirements-dev.lock \
		bench/requirements.in -o bench/requirements.lock

messages: setup ## collect and compile translations (needs gettext)
	@$(PYTHON) manage.py makemessages --locale zh_Hans --no-location --no-obsolete \
		--ignore .venv --ignore tests --ignore bench
	@$(PYTHON) manage.py compilemessages --locale zh_Hans --ignore .venv
