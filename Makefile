# Every target makes its own .venv when it is missing: `make demo` and `make test` are enough.

PYTHON ?= python3
BIN := .venv/bin
CLAUDE_CLI := .ccx/claude-cli
PROMETHEUS := .ccx/prometheus
PORT ?= 8003
ROUNDS ?= 5
KUBERNETES := 1.31 1.34 # whose schemas the manifests are held against
UV := 0.13.9
HASHES := .ccx/uv/bin/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-header --no-annotate
MEGABYTES ?= 100
SCRIPTS := .ci/run hack/cluster-tests hack/kind-up

# Only where it is given by name: a KUBECONFIG in the environment may be of a cluster that is not for tests.
ifeq ($(origin KUBECONFIG),command line)
E2E_KUBECONFIG := $(abspath $(KUBECONFIG))
endif

.PHONY: help demo up test e2e bench mutation check cluster images hashes format manifests clean

help: ## Show what can be made
	@sed -n 's/^\([a-z0-9]*\):.*## /  make \1\t/p' Makefile | expand -t 20

demo: .venv/installed $(CLAUDE_CLI)/installed ## Run the real Claude Code CLI as an execution: pause, resume, done
	@$(BIN)/python -m ccx_dev.demo

up: .venv/installed $(CLAUDE_CLI)/installed ## Keep a cluster stand-in, operator and gateway running (PORT=8003)
	@$(BIN)/python -m ccx_dev.up --port $(PORT)

test: .venv/installed $(CLAUDE_CLI)/installed $(PROMETHEUS)/installed ## Run all tests
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile

e2e: .venv/installed $(CLAUDE_CLI)/installed ## The end-to-end tests alone, or against what is installed at KUBECONFIG=path
	@CCX_E2E_KUBECONFIG="$(E2E_KUBECONFIG)" $(BIN)/python -m pytest -q tests/e2e

bench: .venv/installed ## Measure against baselines in the same run (ONLY=P1 ROUNDS=5)
	@$(BIN)/python -m bench --rounds $(ROUNDS) --megabytes $(MEGABYTES) $(ONLY)

mutation: .venv/installed ## Take each rung of the operator's decisions away: a test must notice
	@$(BIN)/python -m mutation

check: .venv/installed ## Format, lint, types, import rules, rendered files, scripts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/hadolint Dockerfile
	$(BIN)/python -m ccx_api.render --check
	$(BIN)/shellcheck $(SCRIPTS)
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/python -m manifests --check
	$(BIN)/python -m dashboards --check
	@for version in $(KUBERNETES); do \
	  $(BIN)/kubernetes-validate --strict --quiet -k $$version deploy/install.yaml tests/unit/golden/chart-*.yaml || exit 1; done

cluster: ## Start a real Kubernetes of one node on this machine (Linux, root, Go): see hack/cluster
	@$(PYTHON) hack/cluster up

images: .venv/installed ## Build the container images into .ccx/images: see hack/images
	@$(BIN)/python hack/images $(IMAGES) $(if $(BASE),--base $(BASE)) $(if $(BASE_ROOTFS),--base-rootfs $(BASE_ROOTFS)) \
	  $(if $(CLAUDE_AGENT_SDK),--claude-agent-sdk $(CLAUDE_AGENT_SDK))

# Of what goes into the images, for every platform; the versions are those of constraints.txt.
hashes: .venv/installed ## Write the hashes of the images' packages anew, after a change of constraints.txt (asks the package index)
	@$(PYTHON) -m venv .ccx/uv && .ccx/uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV)
	$(HASHES) pyproject.toml -c constraints.txt -o hack/images/requirements.txt
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' \
	  | $(HASHES) - -c constraints.txt -o hack/images/build.txt
	grep -v -- --hash hack/claude-cli.txt | tr -d '\\' >.ccx/claude-cli.in
	{ grep '^#' .ccx/claude-cli.in && $(HASHES) .ccx/claude-cli.in --no-deps; } >.ccx/claude-cli.out
	cp .ccx/claude-cli.out hack/claude-cli.txt

format: .venv/installed ## Format the code and sort its imports
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

manifests: .venv/installed ## Render the CRD, its reference, the dashboards, deploy/install.yaml, the chart's README and examples
	$(BIN)/python -m ccx_api.render
	$(BIN)/python -m dashboards
	$(BIN)/python -m manifests

clean: ## Remove what make has made
	rm -rf .venv .ccx .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 ..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	  { echo "Python's venv module is needed: apt-get install python3-venv"; exit 1; }
	@echo "Installing the Python packages into .venv (about 30 s) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

# The CLI's licence does not allow us to ship it: it is installed here, from the package that bundles it.
$(CLAUDE_CLI)/installed: hack/claude-cli.txt | .venv/installed
	@echo "Installing the Claude Code CLI into $(CLAUDE_CLI) (170 MB, about 30 s) ..."
	@rm -rf $(CLAUDE_CLI)
	@mkdir -p $(CLAUDE_CLI)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --target $(CLAUDE_CLI) -r hack/claude-cli.txt \
	  || echo "The Claude Code CLI could not be installed: tests that need it will be skipped."
	@touch $@

# Unpacked and not installed: Debian's package would start a server. It needs no root where the lists are there.
$(PROMETHEUS)/installed:
	@mkdir -p $(PROMETHEUS)
	@if command -v prometheus >/dev/null && command -v promtool >/dev/null; then :; \
	elif command -v apt-get >/dev/null && command -v dpkg >/dev/null; then \
	  echo "Unpacking Debian's Prometheus into $(PROMETHEUS) (20 MB, about 10 s) ..."; \
	  cd $(PROMETHEUS) && { apt-get -qq download prometheus || { apt-get -qq update && apt-get -qq download prometheus; }; } \
	    >download.log 2>&1 && dpkg -x prometheus_*.deb . && rm prometheus_*.deb \
	    || echo "Prometheus could not be had ($(PROMETHEUS)/download.log): tests that need it will be skipped."; \
	else echo "No Prometheus here, and no apt-get: tests that need it will be skipped."; fi
	@touch $@
