# `make demo` shows the main job, `make check` is the inner loop, `make test` is what CI runs.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

sandbox_bin := target/sandbox/bin
sandbox := target/release/sandbox
tools := target/tools
cargo := cargo --locked

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

# Always the whole workspace: a part of it is built with other features of the same crates, and all anew each time.
build: ## Release builds of both plugins; bin/helm-apimgmt for `helm plugin install .`
	$(cargo) build --release --workspace
	mkdir -p bin
	ln -sf ../target/release/helm-apimgmt bin/helm-apimgmt

demo: ## From nothing to an installed release and its checklist
	tests/scripts/demo

check: ## Format, lints and every test that needs no cluster
	tests/scripts/packages
	$(cargo) fmt --all --check
	$(cargo) clippy --workspace --all-targets --features kubectl-apimgmt/e2e -- -D warnings
	$(cargo) test --workspace
	RUSTDOCFLAGS="-D warnings" $(cargo) doc --workspace --no-deps --quiet

tools: $(tools)/bin/typos

$(tools)/bin/typos: tests/scripts/requirements.txt
	python3 -m venv $(tools)
	$(tools)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

audit: tools ## Spelling, licences, sources and duplicate crates
	$(tools)/bin/typos
	tests/scripts/deny

docs: build tools ## Generate docs/ from the values that the binaries and the chart are made of
	tests/scripts/docs
	$(tools)/bin/python3 tests/chart/values.py

chart-test: tools sandbox-up ## Lint and unit tests of the chart by each Helm, every Kubernetes' schemas, and what an API server says of it
	tests/scripts/packages
	ADMIT=yes KUBECONFIG=$(abspath target/sandbox/kubeconfig) PATH="$(abspath $(tools))/bin:$(abspath $(sandbox_bin)):$$PATH" \
	    tests/chart/run helm-3.17 helm-3.22 helm-4.1 helm-4.3

test: ## Everything, up to end-to-end on the sandbox: what CI runs
	tests/scripts/test

faults: sandbox-up ## Every fault made for real, each to be named by its cause
	FAULTS=all $(cargo) test --workspace --features kubectl-apimgmt/e2e --test e2e -- --nocapture faults::

mutations: sandbox-up ## Every item made to fail on a running release, by breaking the thing itself
	MUTATIONS=all $(cargo) test --workspace --features kubectl-apimgmt/e2e --test e2e -- --nocapture mutations::

matrix: sandbox-up ## Every Helm on a release that every other made
	MATRIX=all $(cargo) test --workspace --features kubectl-apimgmt/e2e --test e2e -- --nocapture matrix::

bench: build sandbox-up ## Ratios and sizes, measured in one run on the sandbox
	tests/bench/run

bench-upgrades: build sandbox-up ## Failing upgrades beside Helm's own way back: three quarters of an hour
	tests/bench/run --upgrades

sandbox-up: build ## Start a real one-node Kubernetes; kubeconfig in target/sandbox/kubeconfig
	$(sandbox) up --programs target/release

sandbox-down: ## End it; nothing is left behind
	[ ! -x $(sandbox) ] || $(sandbox) down

.PHONY: help build demo check tools audit docs chart-test test faults mutations matrix bench bench-upgrades sandbox-up sandbox-down
