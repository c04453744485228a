#!/usr/bin/env bash
# Builds the browser SDK into www/dist/sdk and its npm package into target/sdk-package, and prints
# the sizes as a browser downloads them. Tools: CARGO and WASM_BINDGEN_BIN (of the version in
# Cargo.toml); the rest is in node_modules.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/node_modules/.bin:$PATH"
cargo=${CARGO:-cargo}
wasm_bindgen=${WASM_BINDGEN_BIN:-wasm-bindgen}
target=${CARGO_TARGET_DIR:-target}
glue=$target/sdk-glue
# The features that rustc enables for wasm32-unknown-unknown. Every browser of the last four years
# has them.
features=(--mvp-features --enable-bulk-memory --enable-bulk-memory-opt --enable-multivalue --enable-mutable-globals
  --enable-nontrapping-float-to-int --enable-reference-types --enable-sign-ext)

export RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
export RUSTFLAGS="$RUSTFLAGS --remap-path-prefix=$PWD=/trackmate"
# The core needs no more stack than this, and the memory of every page begins with it.
export RUSTFLAGS="$RUSTFLAGS -C link-arg=-zstack-size=16384"
# Calls across the border go through small functions that disappear only if inlined (0.2 KB).
export RUSTFLAGS="$RUSTFLAGS -C llvm-args=--inline-threshold=200"
"$cargo" build --quiet --release --target wasm32-unknown-unknown -p trackmate-sdk
wasm=$target/wasm32-unknown-unknown/release/trackmate_sdk.wasm

# Nothing to do if neither the wasm nor the files around it have changed since the last build.
stamp=$(cat "$wasm" sdk-wasm/build.sh sdk-wasm/*.mjs sdk-wasm/js/* sdk-wasm/package.json package-lock.json | sha256sum)
if [ -f www/dist/sdk/trackmate.js ] && [ "$(cat "$glue/stamp" 2>/dev/null)" = "$stamp" ]; then
  echo "sdk: unchanged"
  exit 0
fi

rm -rf "$glue"
mkdir -p "$glue"
# Only numbers cross the border, so the glue in JavaScript is not needed: the wasm imports and
# exports them as they are.
"$wasm_bindgen" --target bundler --no-typescript --out-dir "$glue" "$wasm"
# Removes what nothing calls, and so the panic machinery, which no path of the SDK reaches.
wasm-opt "${features[@]}" -Oz --converge --remove-exports='__*' --remove-exports=memory \
  --strip-debug --strip-producers --strip-target-features -o "$glue/stripped.wasm" "$glue/trackmate_sdk_bg.wasm"
wasm-dis "${features[@]}" -o "$glue/stripped.wat" "$glue/stripped.wasm"
node sdk-wasm/blank.mjs "$glue/stripped.wasm" "$glue/stripped.wat" "$glue/blank.wasm"
# The memory is new, so zeros need no code; the deepest kilobyte of the stack is never reached.
# More is inlined than is best for the size, because browsers compile each function at its first
# call, which takes longer than to run it.
wasm-opt "${features[@]}" --flatten --rereloop -O3 --inline-functions-with-loops --always-inline-max-function-size 100 \
  --zero-filled-memory --low-memory-unused --converge --remove-unused-module-elements -Oz \
  -o "$glue/named.wasm" "$glue/blank.wasm"
# Names of one letter, which names.json passes on to the bundle.
wasm-opt "${features[@]}" --minify-imports-and-exports -o "$glue/core.wasm" "$glue/named.wasm" > "$glue/names.json"
# The same for pages that forbid WebAssembly, without instructions that JavaScript does not have.
wasm-opt "${features[@]}" --signext-lowering --llvm-memory-copy-fill-lowering --llvm-nontrapping-fptoint-lowering \
  -Oz -o "$glue/plain.wasm" "$glue/core.wasm"
wasm2js -Oz "$glue/plain.wasm" -o "$glue/core.js"

node sdk-wasm/bundle.mjs "$glue"
echo "$stamp" > "$glue/stamp"
