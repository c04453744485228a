#!/usr/bin/env bash
# Builds the browser SDK into www/dist/sdk and its npm package into target/sdk-package, and prints the sizes as a browser
# downloads them. Tools: CARGO, WASM_BINDGEN_BIN (of the version in Cargo.toml); the rest comes from node_modules.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/node_modules/.bin:$PATH"
cargo=${CARGO:-cargo}
wasm_bindgen=${WASM_BINDGEN_BIN:-wasm-bindgen}
target=${CARGO_TARGET_DIR:-target}
glue=$target/sdk-glue
# The features that rustc turns on for wasm32-unknown-unknown; every browser of the last four years has them.
features=(--mvp-features --enable-bulk-memory --enable-bulk-memory-opt --enable-multivalue --enable-mutable-globals
  --enable-nontrapping-float-to-int --enable-reference-types --enable-sign-ext)

export RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo --remap-path-prefix=$PWD=/trackmate"
# The core needs no more stack than this, and the memory of every page begins with it.
export RUSTFLAGS="$RUSTFLAGS -C link-arg=-zstack-size=16384"
# What crosses the border goes through small functions that fold away only when they are inlined (0.2 KB).
export RUSTFLAGS="$RUSTFLAGS -C llvm-args=--inline-threshold=200"
"$cargo" build --quiet --release --target wasm32-unknown-unknown -p trackmate-sdk
wasm=$target/wasm32-unknown-unknown/release/trackmate_sdk.wasm

# Nothing to do when neither the wasm nor anything that wraps it has changed since the last build.
stamp=$(cat "$wasm" sdk-wasm/build.sh sdk-wasm/*.mjs sdk-wasm/js/* sdk-wasm/package.json package-lock.json | sha256sum)
if [ -f www/dist/sdk/trackmate.js ] && [ "$(cat "$glue/stamp" 2>/dev/null)" = "$stamp" ]; then
  echo "sdk: unchanged"
  exit 0
fi

rm -rf "$glue"
mkdir -p "$glue"
# Only numbers cross the border, so nothing of the glue in JavaScript is needed: the wasm imports and exports them as they are.
"$wasm_bindgen" --target bundler --no-typescript --out-dir "$glue" "$wasm"
# What nobody calls goes, and with it the panic machinery: no path of ours leads there.
wasm-opt "${features[@]}" -Oz --converge --remove-exports='__*' --remove-exports=memory --strip-debug --strip-producers \
  --strip-target-features -o "$glue/wanted.wasm" "$glue/trackmate_sdk_bg.wasm"
wasm-dis "${features[@]}" -o "$glue/wanted.wat" "$glue/wanted.wasm"
node sdk-wasm/blank.mjs "$glue/wanted.wasm" "$glue/wanted.wat" "$glue/blank.wasm"
# The memory is new, so zeros need no code; the deepest kilobyte of the stack is never reached.
# Inlined further than size asks for: browsers compile each function at its first call, which takes longer than running it.
wasm-opt "${features[@]}" --flatten --rereloop -O3 --inline-functions-with-loops --always-inline-max-function-size 100 \
  --zero-filled-memory --low-memory-unused --converge --remove-unused-module-elements -Oz \
  -o "$glue/named.wasm" "$glue/blank.wasm"
# Names of one letter, which the bundle is told.
wasm-opt "${features[@]}" --minify-imports-and-exports -o "$glue/core.wasm" "$glue/named.wasm" > "$glue/names.json"
# The same for pages that let no WebAssembly run, without what plain JavaScript has no word for.
wasm-opt "${features[@]}" --signext-lowering --llvm-memory-copy-fill-lowering --llvm-nontrapping-fptoint-lowering \
  -Oz -o "$glue/plain.wasm" "$glue/core.wasm"
wasm2js -Oz "$glue/plain.wasm" -o "$glue/core.js"

node sdk-wasm/bundle.mjs "$glue"
echo "$stamp" > "$glue/stamp"
