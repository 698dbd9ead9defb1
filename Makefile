# Everything runs on one machine. The tools come from scripts/setup.sh; it says what it installs.
.DEFAULT_GOAL := help
.PHONY: help demo test build lint format bench clean setup setup-test engine-stop
SHELL := /bin/sh

WITH_TOOLS := . ./.tools/env.sh &&

help: ## Shows this list
	@echo 'Slipway: make TARGET'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: setup ## Three pushes travel through the whole pipeline on this machine (KEEP=1 leaves the page up)
	@$(WITH_TOOLS) KEEP='$(KEEP)' exec node local/demo/main.ts

test: setup-test ## Lint, types, a rebuild of dist/ byte for byte, and every test
	@$(WITH_TOOLS) exec node scripts/test.ts

build: setup ## Bundles every action into dist/
	@$(WITH_TOOLS) exec node scripts/build.ts

lint: setup-test ## Lint and types only
	@$(WITH_TOOLS) exec node scripts/test.ts --only lint

format: setup ## Formats every file
	@$(WITH_TOOLS) exec node_modules/.bin/biome check --write .

bench: setup ## Size and start-up time of every action, and every other benchmark
	@$(WITH_TOOLS) exec node bench/run.ts

setup: ## Makes the demo's tools available
	@sh scripts/setup.sh demo

setup-test: ## Makes the tests' tools available too
	@sh scripts/setup.sh test

engine-stop: ## Ends the container engine, if the set-up started it
	@sh scripts/engine-stop.sh

clean: ## Removes what was built (dist/ and the shared tools stay)
	@rm -rf build coverage .slipway bench/results
