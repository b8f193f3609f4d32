# Every target does its own set-up; all it needs is make and python3 (3.11 or newer).
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow test-servers test-image test-cluster lint format type compile generated check \
	bench bench-scale image image-name registry-named push kind-up kind-run kind-test kind-down lock clean

BIN := .venv/bin
READY := .venv/.ready
ARGS ?=

# The tests start hundreds of processes, each of which would compile fanfold again.
unexport PYTHONDONTWRITEBYTECODE

# What a user chose for a cluster must not change what is committed.
unexport FANFOLD_IMAGE FANFOLD_PARALLELISM

# The first Python that is new enough and can make virtual environments.
PYTHON ?= $(firstword $(foreach p,python3 python3.13 python3.12 python3.11,$(shell \
	$(p) -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(p))))

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv: the pinned packages, and fanfold itself
	@echo 'ready: $(BIN)/fanfold --help'

$(READY): pyproject.toml requirements/dev.txt requirements/uv.txt
	@test -n '$(PYTHON)' || { echo 'No python3 here is 3.11 or newer and has its venv module: install one' \
		'(Debian, Ubuntu: apt install python3-venv) or name one: make PYTHON=/path/to/python3' >&2; exit 1; }
	@echo 'Installing the pinned packages into .venv (the first time it downloads about 350 MB)'
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements/dev.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@$(BIN)/python -c 'from fanfold.report.library import keep; keep()'
	@touch $@

demo: $(READY) ## run the whole pipeline here, on 20,000 generated rows
	$(BIN)/fanfold run --set data=sample:20000 --output demo --overwrite

# Workers side by side: of a small fit on two threads each would wait for the other's turn.
test: $(READY) ## run the tests (ARGS='-k folds' runs some of them)
	FANFOLD_THREADS=1 $(BIN)/pytest -q -n 4 --dist loadfile --no-loadscope-reorder $(ARGS)

test-slow: $(READY) ## run the tests that take long: whole ways through, and the largest inputs
	@$(BIN)/python -m tests.servers.build versitygw
	$(BIN)/pytest -q -n 2 --dist load -m 'slow and not servers' $(ARGS)

test-servers: $(READY) ## run the tests against MinIO and SeaweedFS (the first time it builds them)
	@$(BIN)/python -m tests.servers.build versitygw minio seaweedfs
	$(BIN)/pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m servers $(ARGS)

test-cluster: $(READY) ## run the pipeline on a KFP (KFP_HOST=http://localhost:8080 IMAGE=... LEDGER=s3://...)
	@KFP_HOST='$(KFP_HOST)' IMAGE='$(IMAGE)' SERVICE_ACCOUNT='$(SERVICE_ACCOUNT)' LEDGER='$(LEDGER)' \
		LEDGER_ENDPOINT='$(LEDGER_ENDPOINT)' LEDGER_SECRET='$(LEDGER_SECRET)' \
		$(BIN)/pytest -q -m cluster tests/cluster $(ARGS)

test-image: $(READY) ## build the container image and test it (needs Docker; on Debian root may do without)
	@docker/test-image.sh $(ARGS)

lint: $(READY) ## look for bad style, also in the Dockerfile, the scripts and the workflows
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/hadolint docker/Dockerfile
	$(BIN)/shellcheck --external-sources .ci/run docker/*.sh deploy/*.sh deploy/kind/*.sh
	$(BIN)/zizmor --quiet --offline --pedantic .github
	@$(if $(shell go -C requirements/lint list -m 2>/dev/null),go -C requirements/lint tool actionlint \
		-shellcheck $(CURDIR)/$(BIN)/shellcheck $(CURDIR)/.github/workflows/*.yml,$(if \
		$(filter true,$(CI)),$(error CI checks the workflows with actionlint which needs Go),echo \
		'There is no Go 1.26 here: actionlint does not look at the workflows.'))

format: $(READY) ## mend bad style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

type: $(READY) ## check the types
	$(BIN)/mypy

compile: $(READY) ## write all that is generated: YAML, and the tables in READMEs
	$(BIN)/python -m pipelines.generate

generated: $(READY) ## check that all that is generated is up to date
	$(BIN)/python -m pipelines.generate --check

check: lint type generated test ## what to run before a commit: style, types, generated files, tests

# In an environment of its own: Metaflow's packages and those of the tests exclude each other.
BENCH := build/bench
bench: $(READY) ## time fanfold beside what one would use instead (an hour)
	@$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python $(BENCH)
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BENCH)/bin/python --require-hashes -r requirements/bench.txt
	@$(BIN)/uv pip install --quiet --python $(BENCH)/bin/python --no-deps --no-build-isolation --editable .
	$(BENCH)/bin/python benchmarks/peers.py $(ARGS)

bench-scale: $(READY) ## time a search of 2.5 million rows, stage by stage (ARGS='--rows 100000')
	$(BIN)/python benchmarks/scale.py $(ARGS)

# A commit names its image, with -dirty behind it where what goes into it is not that of the commit.
REGISTRY ?=
DIRTY ?=
DOCKER ?= docker
IN_IMAGE := .dockerignore LICENSE README.md docker pipelines/tune.yaml pyproject.toml requirements src
COMMIT = $(shell git rev-parse HEAD)$(if $(shell git status --porcelain -- $(IN_IMAGE)),-dirty)
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
SOURCE ?= $(shell git remote get-url origin 2>/dev/null | \
	sed -nE 's|^git@([^:/]+):|https://\1/|; s|^(https://)[^/@]*@|\1|; /^https:/p')
IMAGE = $(or $(REGISTRY),fanfold)/fanfold-python:$(COMMIT)

image: ## build the container image of this commit (DIRTY=1: and of what is not committed)
	$(if $(DIRTY)$(filter-out %-dirty,$(IMAGE)),,$(error There are uncommitted changes: commit \
		them, or build an image of them too: make image DIRTY=1))
	DOCKER_BUILDKIT=1 $(DOCKER) build --tag $(IMAGE) --build-arg REVISION=$(COMMIT) \
		--build-arg SOURCE=$(SOURCE) --build-arg VERSION=$(VERSION) -f docker/Dockerfile $(ARGS) .

image-name:
	@echo $(IMAGE)

registry-named:
	$(if $(REGISTRY),,$(error Say where to: make push REGISTRY=registry.example/team))

push: registry-named image $(READY) ## push it, and compile the pipeline for it (REGISTRY=registry.example/team)
	$(DOCKER) push $(IMAGE)
	@mkdir -p build
	$(BIN)/fanfold compile --image $(IMAGE) --output build/tune.yaml --overwrite

kind-up: ## make a kind cluster here, with Kubeflow Pipelines (needs Docker, kind and kubectl)
	@deploy/kind/up.sh

kind-run: $(READY) ## build the image and run the pipeline on that cluster (ARGS='--set data=sample:50000')
	@deploy/kind/run.sh $(ARGS)

kind-test: $(READY) ## build the image and run the tests of `make test-cluster` on that cluster
	@deploy/kind/test.sh

kind-down: ## remove that cluster and all that it holds
	@deploy/kind/down.sh

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

lock: $(READY) ## pin the newest versions (ARGS='-P polars' renews one)
	$(LOCK) $(or $(ARGS),--upgrade) --group uv -o requirements/uv.txt
	$(LOCK) $(or $(ARGS),--upgrade) --group go -o requirements/go.txt
	$(LOCK) $(or $(ARGS),--upgrade) pyproject.toml --extra kfp --group dev -o requirements/dev.txt
	cp requirements/dev.txt requirements/bench.txt # its pins are kept where they can be
	$(LOCK) pyproject.toml --extra kfp --group build --group bench -o requirements/bench.txt
	$(LOCK) pyproject.toml -c requirements/dev.txt -o requirements/run.txt
	$(LOCK) --group build -c requirements/dev.txt -o requirements/build.txt
	$(LOCK) --group kfp-alone --no-deps -c requirements/dev.txt -o requirements/kfp.txt

clean: ## remove all that the others made
	rm -rf .venv build dist demo src/fanfold/report/library.js .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
