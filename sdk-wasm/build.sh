#!/usr/bin/env bash
# Builds the browser SDK into www/dist/sdk and prints its sizes as a browser downloads them (brotli).
# Tools: CARGO, WASM_BINDGEN_BIN (of the version in Cargo.toml), WASM_OPT_BIN, ESBUILD_BIN; by default as found on PATH or
# in node_modules.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/node_modules/.bin:$PATH"
cargo=${CARGO:-cargo}
wasm_bindgen=${WASM_BINDGEN_BIN:-wasm-bindgen}
wasm_opt=${WASM_OPT_BIN:-wasm-opt}
esbuild=${ESBUILD_BIN:-esbuild}
target=${CARGO_TARGET_DIR:-target}
glue=$target/sdk-glue
out=www/dist/sdk

# Panic messages name source files: by their place in the project, not on the machine that built it.
export RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo --remap-path-prefix=$PWD=/trackmate"
"$cargo" build --quiet --release --target wasm32-unknown-unknown -p trackmate-sdk
wasm=$target/wasm32-unknown-unknown/release/trackmate_sdk.wasm

# Nothing to do when neither the wasm nor anything that wraps it has changed since the last build.
stamp=$(cat "$wasm" sdk-wasm/build.sh sdk-wasm/js/* package-lock.json | sha256sum)
if [ -f "$out/trackmate.js" ] && [ "$(cat "$glue/stamp" 2>/dev/null)" = "$stamp" ]; then
  echo "sdk: unchanged"
  exit 0
fi

rm -rf "$glue"
mkdir -p "$glue" "$out"
"$wasm_bindgen" --target web --no-typescript --omit-default-module-path --out-dir "$glue" "$wasm"
# The features rustc turns on for wasm32-unknown-unknown; every browser of the last four years has them.
"$wasm_opt" -Oz --converge --strip-debug --strip-producers --strip-target-features \
  --enable-bulk-memory --enable-mutable-globals --enable-nontrapping-float-to-int --enable-reference-types \
  --enable-multivalue --enable-sign-ext \
  -o "$out/trackmate_bg.wasm" "$glue/trackmate_sdk_bg.wasm"

version=$(sha256sum "$out/trackmate_bg.wasm" | cut -c1-12)
bundle() { "$esbuild" --log-level=warning --bundle --minify --target=es2022 --legal-comments=none "$@"; }
bundle sdk-wasm/js/module.ts --format=esm --alias:trackmate-engine="$(cd "$glue" && pwd)/trackmate_sdk.js" \
  --define:WASM_URL="\"./trackmate_bg.wasm?v=$version\"" --outfile="$out/trackmate.js"
bundle sdk-wasm/js/snippet.ts --format=iife --outfile="$out/snippet.js"
cp sdk-wasm/js/trackmate.d.ts "$out/trackmate.d.ts"

node -e '
  const [zlib, fs] = [require("zlib"), require("fs")];
  let total = 0;
  for (const file of process.argv.slice(1)) {
    const bytes = fs.readFileSync(file), small = zlib.brotliCompressSync(bytes).length;
    if (!file.endsWith("snippet.js")) total += small;
    console.log(`sdk: ${file} ${bytes.length} B, brotli ${small} B`);
  }
  console.log(`sdk: module and wasm together, brotli ${total} B`);
' "$out/trackmate_bg.wasm" "$out/trackmate.js" "$out/snippet.js"
echo "$stamp" > "$glue/stamp"
