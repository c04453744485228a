#!/usr/bin/env bash
# Tests the project: `scripts/test.sh` runs everything, `scripts/test.sh check` only what needs no
# build. Each suite runs once, and a failure does not stop the others. The last line has the totals:
# `N passed, N failed`, and `, N skipped` if any. A check (a lint, a build, a dry run) counts as one
# test.
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
MODE=${1:-all}
LOGS=.trackmate/test
mkdir -p "$LOGS"
passed=0 failed=0 skipped=0
report=()

# What the programs under test leave behind goes with this folder.
TMPDIR=$(mktemp -d)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

# CI builds once, so incremental state would only cost time and disk.
if [ -n "${CI:-}" ]; then export CARGO_INCREMENTAL=0; fi
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-auto} FORCE_COLOR=0

totals() {
  step_done
  echo
  if [ "${#report[@]}" -gt 0 ]; then printf '%s\n' "${report[@]}"; fi
  if [ $((passed + failed)) -eq 0 ]; then failed=1; fi
  local line="$passed passed, $failed failed"
  if [ "$skipped" -gt 0 ]; then line="$line, $skipped skipped"; fi
  echo "$line"
  [ "$failed" -eq 0 ]
}

# suite <name> <counter> <fix> <command>…: runs the command. <counter> reads the counts for the
# totals from its log.
suite() {
  local name=$1 counter=$2 fix=$3 rc=0 p=0 f=0 s=0
  shift 3
  local log=$LOGS/${name//[^a-zA-Z0-9]/-}.log
  step "$name" "$fix"
  export LOG=$log
  "$@" </dev/null 2>&1 | tee "$log" || rc=$?
  read -r p f s <<<"$("$counter" "$log" "$rc")"
  # A suite that failed without a failed test did not reach its tests. Count one failure.
  if [ "$rc" -ne 0 ] && [ "$f" -eq 0 ]; then f=1; fi
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  local mark=ok
  if [ "$f" -gt 0 ]; then
    mark=FAILED
    echo "FAILED: $name"
    echo "Fix: $fix"
  elif [ "$p" -eq 0 ]; then
    mark=skipped
  fi
  local format='%-8s %4d s  %s (%d passed, %d failed, %d skipped)'
  # shellcheck disable=SC2059
  report+=("$(printf "$format" "$mark" $((SECONDS - STEP_START)) "$name" "$p" "$f" "$s")")
  step_done
}

# skip <name> <why>: counts a suite that cannot run on this machine.
skip() {
  echo "==> $1: skipped, $2"
  skipped=$((skipped + 1))
  report+=("$(printf '%-8s %4d s  %s: %s' skipped 0 "$1" "$2")")
}

# A counter prints "passed failed skipped" for a log and an exit code.
one() { if [ "$2" -eq 0 ]; then echo 1 0 0; else echo 0 1 0; fi; }

cargo_tests() {
  # test result: ok. 12 passed; 0 failed; 1 ignored; …
  sed $'s/\033\\[[0-9;]*m//g' "$1" | awk '/^test result: / { for (i = 2; i <= NF; i++) {
      if ($i ~ /^passed/) p += $(i-1); if ($i ~ /^failed/) f += $(i-1); if ($i ~ /^ignored/) s += $(i-1) } }
    END { print p + 0, f + 0, s + 0 }'
}

node_tests() {
  # The last lines of TAP: "# pass 3", "# fail 0", "# cancelled 0", "# skipped 0", "# todo 0".
  awk '/^# (pass|fail|cancelled|skipped|todo) [0-9]+$/ { n[$2] = $3 }
    END { print n["pass"] + 0, n["fail"] + n["cancelled"], n["skipped"] + n["todo"] }' "$1.tap" 2>/dev/null ||
    echo 0 0 0
}

# node_suite <files>…: prints the readable report, and writes TAP for the counts. A hanging test
# fails after twenty minutes. Node applies the limit to a test and to its whole file alike, and
# tests/api.test.mjs took eleven minutes on two cores at a load of ten.
node_suite() {
  node --test --test-timeout=1200000 --test-reporter=spec --test-reporter-destination=stdout \
    --test-reporter=tap --test-reporter-destination="$LOG.tap" "$@"
}

lock_file() { cargo metadata --quiet --locked --format-version 1 >/dev/null; }

# Generates the dashboard's types from the OpenAPI document first.
types() {
  if [ "$1" = www ]; then node www/types.mjs; fi
  tsc --noEmit --project "$1"
}

# Includes private items and links to them, since these docs are for contributors and not published.
docs() {
  RUSTDOCFLAGS='-D warnings -A rustdoc::private_intra_doc_links' \
    cargo doc --quiet --workspace --no-deps --document-private-items
}

# Finds Chromium: the path in CHROMIUM, else the machine's own.
find_chromium() {
  local name
  for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable; do
    if [ -n "$name" ] && have "$name"; then
      command -v "$name"
      return
    fi
  done
  return 1
}

# install_package <package>: installs it from the distribution, if that needs no questions.
install_package() {
  have apt-get && [ "$(id -u)" -eq 0 ] || return 1
  echo "==> $1 from the distribution …"
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$1"; } >"$LOGS/$1.log" 2>&1 || {
    tail -5 "$LOGS/$1.log"
    echo "    could not install it"
    return 1
  }
}

# beside <function>: runs a function of suites at the same time as those that follow, until `join`.
beside() {
  step_done
  echo "==> $1 runs beside the next suites; its output follows them ($LOGS/beside-$1.log)"
  rm -f "$LOGS/$1.totals"
  # A process group of its own, so that an interrupt ends all of it.
  set -m
  (
    passed=0 failed=0 skipped=0 report=() STEP=''
    "$1"
    printf '%s\n' "$passed $failed $skipped" "${report[@]}" >"$LOGS/$1.totals"
  ) </dev/null >"$LOGS/beside-$1.log" 2>&1 &
  BESIDE=$! BESIDE_NAME=$1
  set +m
  trap 'kill -- "-$BESIDE" 2>/dev/null; exit 130' INT TERM
}

# join: waits for the function that runs beside, prints its output and adds its totals.
join() {
  local p=0 f=1 s=0 lines=("FAILED   $BESIDE_NAME: ended before its last suite")
  wait "$BESIDE" || true
  cat "$LOGS/beside-$BESIDE_NAME.log"
  if [ -s "$LOGS/$BESIDE_NAME.totals" ]; then
    mapfile -t lines <"$LOGS/$BESIDE_NAME.totals"
    read -r p f s <<<"${lines[0]}"
    lines=("${lines[@]:1}")
  fi
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  report+=("${lines[@]}")
  trap - INT TERM
}

# The Worker with its SDK and pages, and whether it can be deployed. Most of this is one compiler
# that uses one core, so it runs beside the lints and the Rust tests, which use other target folders.
build() {
  suite "build" one "run: make build" scripts/build.sh
  suite "deploy dry run" one "run: npx wrangler deploy --dry-run" \
    wrangler deploy --dry-run --outdir target/deploy-dry-run
}

# What the tests run besides, from the distribution if that needs no questions. Without PHP or
# Firefox their tests are skipped, and counted. Without the shell, Chromium does its work.
install_programs() {
  have php || install_package php-cli || echo "==> there is no PHP: its tests are skipped"
  CHROMIUM=$(find_chromium) || { install_package chromium && CHROMIUM=$(find_chromium); } || CHROMIUM=''
  export CHROMIUM
  have chromium-headless-shell || [ -n "${CHROMIUM_SHELL:-}" ] || install_package chromium-headless-shell || true
  have firefox-esr || have firefox || [ -n "${FIREFOX:-}" ] || install_package firefox-esr || true
}

browsers() {
  if [ -n "$CHROMIUM" ]; then
    suite "browser tests" node_tests "run: CHROMIUM=$CHROMIUM node_modules/.bin/node --test tests/browser/<the file>" \
      node_suite --test-concurrency=3 tests/browser/*.test.mjs
  else
    suite "browser tests" one \
      "install Chromium (apt-get install chromium, as root), or run: CHROMIUM=/path/to/chromium make test" false
  fi
}

# With the least priority, since the suites beside it promise times.
benches() {
  renice -n 19 -p "$BASHPID" >/dev/null
  suite "benches in their smallest size" node_tests "run: node_modules/.bin/node --test bench/smoke.test.mjs" \
    node_suite bench/smoke.test.mjs
}

if ! scripts/setup.sh test; then
  report+=("FAILED   set-up: see its fix above")
  failed=1
  totals || exit 1
fi

suite "lock file fits the manifests" one "run: cargo metadata >/dev/null, and commit Cargo.lock" lock_file
suite "format" one "run: cargo fmt --all" cargo fmt --all --check
suite "unused dependencies" one \
  "remove the dependencies named above, or list them under package.metadata.cargo-machete with the reason" \
  cargo machete wire edge sdk-wasm cli
if have cargo-deny; then
  suite "licences and sources of crates" one "see deny.toml" \
    cargo deny --offline --log-level error check bans licenses sources
else
  skip "licences and sources of crates" "cargo-deny is not installed (make audit says how)"
fi
for project in www sdk-wasm/js; do
  if [ -f "$project/tsconfig.json" ]; then
    suite "types of $project" one "correct the types named above" types "$project"
  fi
done
if [ "$MODE" = all ]; then beside build; fi
suite "clippy" one "correct the warnings above" cargo clippy --quiet --workspace --all-targets -- -D warnings
suite "clippy for wasm" one "correct the warnings above" \
  cargo clippy --quiet --package trackmate-edge --package trackmate-sdk --target wasm32-unknown-unknown -- -D warnings
suite "docs" one "correct the links and comments named above" docs

if [ "$MODE" = all ]; then
  suite "rust tests" cargo_tests "run: cargo test --workspace" cargo test --quiet --workspace --no-fail-fast
  join
  install_programs
  # Both wait a good part of their time, so that two cores serve some files of each well.
  beside browsers
  suite "black-box tests" node_tests "run: node_modules/.bin/node --test tests/<the file>" \
    node_suite --test-concurrency=2 tests/*.test.mjs
  suite "clients of other vendors" node_tests "run: node_modules/.bin/node --test tests/clients/<the file>" \
    node_suite tests/clients/*.test.mjs
  # A short run of both with a fixed seed. `make fuzz` takes ten minutes, with a new seed each time.
  suite "fuzz of the public doors" one "run: CASES=800 SEED=1 node tests/fuzz/doors.mjs" \
    env CASES=800 SEED=1 node tests/fuzz/doors.mjs
  if [ -d "$(python_home tests/fuzz/requirements.txt)" ]; then
    suite "fuzz" one "run: FUZZ_S=30 SEED=1 make fuzz" env FUZZ_S=25 SEED=1 node tests/fuzz/fuzz.mjs
  else
    skip "fuzz" "schemathesis is not installed (needs python3 3.11 or newer with venv, and PyPI)"
  fi
  join
  # After the others, since some of them promise a time. They mostly wait, and leave the processor to
  # the benches.
  beside benches
  suite "fault tests" node_tests "run: node_modules/.bin/node --test tests/faults/<the file>" \
    node_suite --test-concurrency=2 tests/faults/*.test.mjs
  join
fi

trap - ERR
totals
