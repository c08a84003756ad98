# Every build is of the whole workspace: building a part of it would choose other features of shared libraries, and
# compile them once more. `make` alone lists what there is. `make demo` and `make test` set up all they need.

SHELL := /bin/bash
.DEFAULT_GOAL := help

PLUGINS := $(patsubst %/Cargo.toml,%,$(wildcard plugins/adapters/*/Cargo.toml plugins/strategies/*/Cargo.toml))
# Workspaces of their own, because they are compiled for another machine.
GUESTS := plugins tests/guests tests/frozen/0.0.1 tests/bench/guests/translating tests/bench/guests/looping \
    examples/plugins/quiet examples/plugins/thrifty
PATCHBAY := target/release/patchbay

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

.PHONY: demo
demo: build plugins ## a gateway on 127.0.0.1:8080 and vendors simulated on 127.0.0.1:8090, until Ctrl-C
	@examples/demo.sh

.PHONY: build
build: compiler ## the release binary: target/release/patchbay (and what tests and benchmarks need)
	cargo build --release --locked --workspace

.PHONY: plugins
plugins: build toolchain ## every plugin: target/plugins/<name>.wasm
	$(PATCHBAY) plugin build $(PLUGINS) --out target/plugins

.PHONY: test
test: lint build plugins ## everything CI runs: formatting, lints, docs, unit and end-to-end tests
	cargo test --release --locked --workspace
	cargo test --release --locked --workspace --test contained
	cargo test --release --locked --workspace --test faults
	cargo test --release --locked --workspace --test accounts -- --test-threads 4
	cargo test --release --locked --workspace --test swap -- --nocapture
	cargo test --release --locked --workspace --test endurance -- --nocapture
	cargo test --manifest-path plugins/Cargo.toml --release --locked
	cargo test --release --locked --workspace --test strategies
	cd examples/plugins/thrifty && cargo test --release --locked
	tests/python/run.sh
	@# Last, because it says what could not be tested here.
	cargo test --release --locked --workspace --test languages

.PHONY: lint
lint: compiler ## formatting, clippy and documentation, without a warning
	cargo fmt --all --check
	for guests in $(GUESTS); do cargo fmt --manifest-path $$guests/Cargo.toml --all --check || exit 1; done
	cargo clippy --release --locked --workspace --all-targets -- -D warnings
	cargo clippy --manifest-path plugins/Cargo.toml --release --locked --all-targets -- -D warnings
	cd examples/plugins/thrifty && cargo clippy --release --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --workspace --no-deps
	cd plugins && RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --no-deps

.PHONY: bench
bench: build plugins ## speed as ratios against a bare pass-through, and the guest calls (a few minutes)
	target/release/patchbay-bench
	cargo bench --locked -p patchbay-bench

.PHONY: toolchain
toolchain: ## what Rust plugins are compiled with: the target wasm32-unknown-unknown
	@plugins/toolchain.sh

# A C compiler, for ring, SQLite's kind of crates and linking.
.PHONY: compiler
compiler:
	@command -v cc >/dev/null || { echo "installing a C compiler"; apt-get update -qq && apt-get install -y -qq gcc libc6-dev; }
