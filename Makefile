# The commands a person types. Each does its own set-up; what they do is in scripts/.
SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help dev test build check openapi bounds fuzz audit bench bench-neighbours bench-pages bench-sdk size soak clean

# The port of `make dev` (the shop's own server takes the next one) and the folder of its local D1.
export PORT ?= 8787
export STATE ?= .trackmate/state
# wrangler, and the Node 22 it needs, come with the npm packages.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

dev: ## Run everything at http://localhost:$PORT (PORT=8787 STATE=.trackmate/state)
	@scripts/setup.sh && scripts/build.sh && exec node scripts/dev.mjs

test: ## Prove the project: lints, unit, SQL, black-box, browser and fault tests; ends with the totals
	@exec scripts/test.sh

build: ## Build SDK, pages and Worker, each only when its inputs changed
	@scripts/setup.sh && scripts/build.sh

check: ## Format, lints, docs, types and unused dependencies, without building or testing
	@exec scripts/test.sh check

openapi: ## Write docs/openapi.json and docs/problems.md from the types and tables of edge and wire
	@OPENAPI_WRITE=1 cargo test --quiet --package trackmate-edge --lib openapi

bounds: ## Measure each request and job on the worst company that the limits allow; writes the table in ARCHITECTURE.md
	@scripts/setup.sh && scripts/build.sh && BOUNDS_WRITE=1 exec node --test tests/bounds.test.mjs

fuzz: ## Send the real Worker whatever its OpenAPI document allows, and what it does not, then its public doors what no client would; FUZZ_S=300 CASES=10000 SEED=
	@scripts/setup.sh fuzz && scripts/build.sh && node tests/fuzz/fuzz.mjs && exec node tests/fuzz/doors.mjs

audit: ## Licences, sources and known vulnerabilities of the dependencies; says what it could not check
	@exec scripts/audit.sh

bench: ## Measure ingest and identify against a floor of the same run, deliveries, then lists and exports of 100,000 users
	@scripts/setup.sh && scripts/build.sh && node bench/ingest.mjs && node bench/compat.mjs && node bench/deliver.mjs && exec node bench/users.mjs

soak: ## Twenty million schedules of faults against the rules of a delivery; SEED= for others than last time
	@SCHEDULES=$${SCHEDULES:-20000000} cargo test --release --package trackmate-edge --test delivery -- --nocapture a_million

bench-neighbours: ## Measure what a company notices of all that others do in its database; EVENTS=1000000; writes bench/neighbours.md
	@scripts/setup.sh && scripts/build.sh && exec node bench/neighbours.mjs

bench-sdk: ## Measure the SDK's CPU in Chromium next to well-known ones; writes bench/sdk.md and bench/sdk.svg
	@scripts/setup.sh && scripts/build.sh && exec node bench/sdk.mjs

bench-pages: ## Measure how soon each page of the dashboard shows its first content, with 100,000 people and 10,000 events
	@scripts/setup.sh && scripts/build.sh && exec node bench/pages.mjs

size: ## Bytes as served: SDK, its fallback, its stub (brotli), the Worker (gzip); the last line is JSON
	@scripts/setup.sh && scripts/build.sh && exec node scripts/size.mjs

clean: ## Remove what was built; keeps node_modules, the tools in the cache and the local D1
	rm -rf target edge/build www/dist .trackmate/build
