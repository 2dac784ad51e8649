# wireproof: every job by name. `make` alone lists them.
#
# Needs Python 3.11, make and git. `uv` is taken from PATH; where it is absent, a private one goes into .uv/.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
JOBS   ?= 2

VENV  := .venv
BIN   := $(VENV)/bin
WP    := $(BIN)/wireproof
STAMP := $(VENV)/.synced

# A `uv` that is on PATH but does not run (a version manager's shim, say) counts as absent.
UV := $(shell uv --version >/dev/null 2>&1 && command -v uv)
ifeq ($(UV),)
UV         := .uv/bin/uv
PRIVATE_UV := $(UV)
endif

# The environment is always ours, made from the Python that is here, whatever the caller has activated.
export UV_PROJECT_ENVIRONMENT := $(VENV)
export UV_PYTHON_DOWNLOADS    := never
unexport VIRTUAL_ENV

# Whom this machine trusts is for its own store to say, as for git and pip; uv would ask a list that it carries.
export UV_SYSTEM_CERTS ?= true

PARTS := lint types fresh unit

.DEFAULT_GOAL := help
.PHONY: help run test lint types unit generate fresh validate hostile suite mutants bench sync clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | while IFS="$$(printf '\t')" read -r name text; \
	do printf '  %-10s %s\n' "$$name" "$$text"; done

run: $(STAMP) ## the main job: judge a sound stack and broken ones, and show why
	$(WP) demo

# Every part runs even if an earlier one failed: one run tells all that is wrong. pytest comes last, so that its
# closing line is the last thing printed when all is well.
test: $(STAMP) ## everything that must hold before a commit: lint, types, fresh, unit
	@failed=; \
	for part in $(PARTS); do $(MAKE) --no-print-directory $$part || failed="$$failed $$part"; done; \
	if [ -n "$$failed" ]; then echo "make test: failed:$$failed" >&2; exit 1; fi

lint: $(STAMP) ## ruff: rules and layout
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP) ## mypy, strict: the packages and the tests
	$(BIN)/mypy -p wireproof -p tests

unit: $(STAMP) ## pytest
	$(BIN)/pytest -n $(JOBS)

generate: $(STAMP) ## make the generated files again from the specification
	$(BIN)/python -m wireproof.tools.generate --suite
	$(BIN)/python -m wireproof.tools.tutorial

fresh: $(STAMP) ## fail if a generated file is not what the specification gives
	$(BIN)/python -m wireproof.tools.generate --check --suite

validate: $(STAMP) ## both backends on 100,000 random moments: the Z3 relation is the generated Python
	$(BIN)/python -m tests.spec.validate

hostile: $(STAMP) ## a million manipulations of the NIC model, its rings and frames: no crash, no stray DMA
	$(BIN)/python -m tests.nicmodel.hostile 1000000

suite: $(STAMP) ## the suite from nothing: search, drawn traces, proofs (twenty minutes, can be interrupted)
	$(WP) suite build --jobs $(JOBS)
	cp .wireproof/suite/tcp.jsonl .wireproof/suite/tcp_made.jsonl .wireproof/suite/tcp_purposes.jsonl conformance/suites/

mutants: $(STAMP) ## try every mistake in the specification: does the suite notice? (ten minutes, can be interrupted)
	$(WP) suite mutants --jobs $(JOBS) --write

bench: $(STAMP) ## how fast it is on this machine
	$(BIN)/python tests/benchmarks/run.py

sync: $(STAMP) ## bring .venv in line with uv.lock (the other targets do so by themselves)

# The stamp lives in the environment, so it goes when that goes.
$(STAMP): pyproject.toml uv.lock | $(PRIVATE_UV)
	$(UV) sync --frozen --python "$(PYTHON)"
	@touch $@

.uv/bin/uv:
	"$(PYTHON)" -m venv .uv
	.uv/bin/pip install --quiet uv

clean: ## remove what tools left behind; the environments (.uv, .venv) and findings (.wireproof) stay
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find spec reference conformance nicmodel tools tests -name __pycache__ -prune -exec rm -rf {} +
