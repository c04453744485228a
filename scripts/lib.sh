#!/usr/bin/env bash
# Shared by the scripts beside it (sourced, never run): the paths of the tools, progress of steps,
# content hashes.
set -Eeuo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/trackmate

WORKER_BUILD_VERSION=0.8.7 # must match the `worker` crate in Cargo.toml
CARGO_MACHETE_VERSION=0.9.2
CARGO_DENY_VERSION=0.20.2
# The command-line tool and the crate must have the same version, so it is read from Cargo.lock.
WASM_BINDGEN_VERSION=$(awk '/^name = "wasm-bindgen"$/ { getline; gsub(/[^0-9.]/, ""); print; exit }' Cargo.lock)

# wrangler needs Node 22. The npm package `node` provides it, whatever the machine has.
export PATH="$CACHE/cargo-machete-$CARGO_MACHETE_VERSION/bin:$CACHE/cargo-deny-$CARGO_DENY_VERSION/bin:$PATH"
export PATH="$ROOT/node_modules/.bin:$PATH"
# worker-build would download these tools. They are pinned and already installed.
export WASM_BINDGEN_BIN="$CACHE/wasm-bindgen-$WASM_BINDGEN_VERSION/bin/wasm-bindgen"
export WASM_OPT_BIN="$ROOT/node_modules/.bin/wasm-opt"
export ESBUILD_BIN="$ROOT/node_modules/.bin/esbuild"
export WORKER_BUILD_BIN="$CACHE/worker-build-$WORKER_BUILD_VERSION/bin/worker-build"
export WRANGLER_SEND_METRICS=false CLOUDFLARE_CF_FETCH_ENABLED=false

STEP='' FIX='' STEP_START=0

# step <name> <fix>: ends the previous step and begins this one. The fix says what to do if it
# fails.
step() {
  step_done
  STEP=$1 FIX=$2 STEP_START=$SECONDS
  echo "==> $STEP …"
}

step_done() {
  if [ -n "$STEP" ]; then echo "    $STEP: $((SECONDS - STEP_START)) s"; fi
  STEP=''
}

step_failed() {
  # In a subshell, only exit: the outer shell sees the failure too, and reports it.
  if [ "$BASH_SUBSHELL" -gt 0 ]; then exit 1; fi
  trap - ERR
  echo "FAILED: ${STEP:-$0} ($((SECONDS - STEP_START)) s)" >&2
  if [ -n "$FIX" ]; then echo "Fix: $FIX" >&2; fi
  exit 1
}
trap step_failed ERR

have() { command -v "$1" >/dev/null 2>&1; }

if have sha256sum; then SHA256=(sha256sum); else SHA256=(shasum -a 256); fi

# hash_of <file or folder>…: one hash of names and contents, not of times, since a new checkout has
# new times. Ignores build output and editor backups.
hash_of() {
  find "$@" -type d \( -name node_modules -o -name target -o -path edge/build -o -path www/dist \) -prune \
    -o -type f ! -name '.*' ! -name '*~' -print0 |
    LC_ALL=C sort -z | xargs -0 "${SHA256[@]}" | "${SHA256[@]}" | cut -c1-64
}

# python_home <requirements>: the folder of the Python environment with these packages, whether it
# exists or not.
python_home() { echo "$CACHE/python-$("${SHA256[@]}" <"$1" | cut -c1-16)"; }

# hash_tree <folder>: one hash of all files in a folder. Empty if the folder does not exist.
hash_tree() {
  if [ ! -d "$1" ]; then return; fi
  (cd "$1" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 "${SHA256[@]}" | "${SHA256[@]}" | cut -c1-64)
}
