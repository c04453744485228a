# The commands for developers. Each does its own set-up. The work is done in scripts/.
SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help dev test build package check openapi schema bounds fuzz audit cost capacity bench bench-neighbours bench-pages bench-sdk size soak soak-backup soak-upgrade clean

# The port of `make dev` (the shop server uses the next port), the folder of its local D1, and the
# number of its databases.
export PORT ?= 8787
export STATE ?= .trackmate/state
export CELLS ?= 1
# The npm packages include wrangler and the Node 22 that it needs.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

dev: ## Run everything at http://localhost:$PORT (PORT=8787 STATE=.trackmate/state CELLS=1)
	@scripts/setup.sh && scripts/build.sh && exec node scripts/dev.mjs

test: ## Run all lints and tests: unit, SQL, black-box, browser, faults; prints totals
	@exec scripts/test.sh

build: ## Build SDK, pages and Worker, each only if its inputs changed
	@scripts/setup.sh && scripts/build.sh

package: ## Pack what users install with npm into target/package: Worker and pages, command line, SDK
	@scripts/setup.sh && scripts/build.sh && CARGO_PROFILE_RELEASE_STRIP=symbols \
		cargo build --quiet --release --package trackmate-cli && exec node scripts/package.mjs

check: ## Check format, lints, docs, types and unused dependencies, without building or testing
	@exec scripts/test.sh check

openapi: ## Write docs/openapi.json and docs/problems.md from the types and tables of edge and wire
	@OPENAPI_WRITE=1 cargo test --quiet --package trackmate-edge --lib openapi

schema: ## Write docs/schema.sql from edge/migrations, and the query plans of all statements
	@SCHEMA_WRITE=1 cargo test --quiet --package trackmate-edge --test rules -- schema_sql plans

bounds: ## Measure each request and job on the largest allowed company; writes a table in ARCHITECTURE.md
	@scripts/setup.sh && scripts/build.sh && BOUNDS_WRITE=1 exec node --test tests/bounds.test.mjs

cost: ## Measure what each operation and each step of a delivery costs in D1; writes the tables of docs/cost.md
	@scripts/setup.sh && scripts/build.sh && COST_WRITE=1 node --test tests/cost.test.mjs && exec node bench/capacity.mjs

capacity: ## Simulate a year of 100,000 companies, and its cost; writes tables of docs/cost.md and docs/scale.md
	@scripts/setup.sh && exec node bench/capacity.mjs

fuzz: ## Fuzz the Worker with valid and invalid requests, then its public APIs; FUZZ_S=300 CASES=10000 SEED=
	@scripts/setup.sh fuzz && scripts/build.sh && node tests/fuzz/fuzz.mjs && exec node tests/fuzz/doors.mjs

audit: ## Check licences, sources and known vulnerabilities of the dependencies
	@exec scripts/audit.sh

bench: export RESULTS = 1
bench: ## Measure ingest, identify, deliveries, and lists and exports of 100,000 users; BASE=; writes bench/results*
	@scripts/setup.sh && scripts/build.sh && node bench/ingest.mjs && node bench/compat.mjs \
		&& node bench/deliver.mjs && node bench/users.mjs && node bench/draw.mjs && exec node bench/capacity.mjs

soak: ## Test the rules with thirty times the cases, and deliveries with twenty million schedules; SEED=
	@SOAK=$${SOAK:-30} SCHEDULES=$${SCHEDULES:-20000000} \
		cargo test --release --package trackmate-edge --test rules

soak-backup: ## Back up and restore 100,000 people under load; CROWD=
	@scripts/setup.sh && scripts/build.sh && CROWD=$${CROWD:-100000} exec node --test tests/backup.test.mjs

soak-upgrade: ## Upgrade from the last release (BASE=) and go back under load; PHASE_S= PER_SECOND= SEED=
	@scripts/setup.sh && scripts/build.sh && exec node --test tests/soak/upgrade.mjs

bench-neighbours: ## Measure how others in its database slow a company down; EVENTS=; writes bench/neighbours.md
	@scripts/setup.sh && scripts/build.sh && exec node bench/neighbours.mjs

bench-sdk: ## Compare the SDK's CPU in Chromium with other SDKs; writes bench/sdk.md and bench/sdk.svg
	@scripts/setup.sh && scripts/build.sh && exec node bench/sdk.mjs

bench-pages: ## Measure the first content of each dashboard page, with 100,000 people and 10,000 events
	@scripts/setup.sh && scripts/build.sh && exec node bench/pages.mjs

size: ## Print served bytes: SDK, fallback, stub (brotli), Worker (gzip); the last line is JSON
	@scripts/setup.sh && scripts/build.sh && exec node scripts/size.mjs

clean: ## Remove build output; keeps node_modules, the cached tools and the local D1
	rm -rf target edge/build www/dist .trackmate/build
