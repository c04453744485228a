#!/usr/bin/env bash
# Builds SDK, pages and Worker, in this order. Skips a part if neither its inputs nor its output
# changed since its last build. Run scripts/setup.sh first.
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
STAMPS=.trackmate/build
mkdir -p "$STAMPS"

# One build at a time, since two would write the same folders.
if have flock; then
  exec 9>"$STAMPS/lock"
  flock -n 9 || { echo "    waiting for another build to finish"; flock 9; }
fi

tools="$(rustc --version) worker-build-$WORKER_BUILD_VERSION wasm-bindgen-$WASM_BINDGEN_VERSION"
shared="$(hash_of Cargo.toml Cargo.lock package-lock.json scripts/lib.sh scripts/build.sh) $tools"

# part <name> <inputs> <output folder> <command>…: builds a part if needed. The stamp is outside the
# output folder, which is served to browsers. It includes a hash of the output, so that a deleted or
# incomplete output is built again.
part() {
  local name=$1 inputs=$2 output=$3
  shift 3
  local stamp=$STAMPS/$name.stamp
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$inputs $(hash_tree "$output")" ]; then return; fi
  step "build $name" "read the compiler's message above; to build from scratch: make clean build"
  rm -f "$stamp"
  "$@"
  echo "$inputs $(hash_tree "$output")" > "$stamp"
}

build_worker() {
  (cd edge && "$WORKER_BUILD_BIN" --release)
}

if [ -f sdk-wasm/build.sh ]; then
  part sdk "$(hash_of sdk-wasm wire) $shared" www/dist/sdk bash sdk-wasm/build.sh
fi
if [ -f www/build.mjs ]; then
  pages="$(hash_of www docs examples/receivers SECURITY.md CHANGELOG.md wire/src/limits.rs) $(hash_tree www/dist/sdk)"
  part pages "$pages $shared" www/dist node www/build.mjs
fi
part worker "$(hash_of edge wire) $shared" edge/build build_worker
step_done
