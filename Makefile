# The two commands a newcomer needs are `make run` and `make test`; both install what is missing.

SHELL := /bin/bash
SWIFT ?= swift
# What `make run` hands to `holdfast serve`, and `make test` to `swift test`.
ARGS ?=
# The least share of lines that tests must reach in each module, in percent.
COVERAGE ?= 95

# A crash must end a run: Swift's backtracer would wait for a terminal where output is piped.
export SWIFT_BACKTRACE := enable=no
export SWIFT

sources := Package.swift $(wildcard Sources Tests Examples Benchmarks)
# One file to carry elsewhere: the Swift libraries inside, what nothing refers to left out.
static := --static-swift-stdlib -Xlinker --no-export-dynamic -Xlinker --icf=safe

.DEFAULT_GOAL := help
.PHONY: help setup run test test-tsan coverage bench format lint release clean

help: ## Print this list.
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what a build and a test run need and what is missing (Debian).
	@Scripts/setup

run: setup ## Build and serve a store on http://127.0.0.1:7420 (ARGS="--port 8000").
	$(SWIFT) build -c release --product holdfast
	@exec .build/release/holdfast serve $(ARGS)

test: setup ## Run every test (ARGS="--filter KeyValue" for some).
	@Scripts/test $(ARGS)

test-tsan: setup ## Run the tests under the thread sanitizer.
	@Scripts/sanitize $(ARGS)

coverage: setup ## Measure line coverage; fail under COVERAGE percent.
	@Scripts/coverage $(COVERAGE) $(ARGS)

bench: setup ## Measure against bare C loops and peers; write Benchmarks/RESULTS.md.
	@Benchmarks/run $(ARGS)

format: ## Bring the sources into their form.
	$(SWIFT) format --in-place --recursive --parallel $(sources)

lint: ## Check the form of the sources.
	$(SWIFT) format lint --strict --recursive --parallel $(sources)

release: setup ## Build .build-release/holdfast, one stripped file to carry elsewhere.
	$(SWIFT) build -c release --product holdfast --scratch-path .build-release $(static)
	strip -o .build-release/holdfast .build-release/release/holdfast
	@ls -lh .build-release/holdfast

clean: ## Remove everything that was built; stores and results stay.
	rm -rf .build .build-tsan .build-coverage .build-release Benchmarks/.build
