#!/usr/bin/env bash
# Prepares a machine to build and run TrackMate: the Rust target, the pinned tools, the npm
# packages. `scripts/setup.sh test` also installs what only the tests need, `scripts/setup.sh fuzz`
# the fuzzer. Does nothing, in under a second, if everything is installed.
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

step "Rust toolchain" "install Rust with rustup (https://rustup.rs), then open a new shell"
for tool in cargo rustc npm; do
  if ! have "$tool"; then
    if [ "$tool" = npm ]; then
      FIX="install Node.js with npm (version 20 or newer; the build brings its own Node 22)"
    fi
    echo "    $tool is not on PATH" >&2
    false
  fi
done
target=wasm32-unknown-unknown
if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$target" ]; then
  step "Rust target $target" \
    "run: rustup target add $target (without rustup: install your distribution's Rust for $target)"
  rustup target add "$target"
fi

# cargo_tool <crate> <version> <folder> [cargo install flags…]: builds a pinned tool once, outside
# the repository.
cargo_tool() {
  local crate=$1 version=$2 folder=$CACHE/$3
  shift 3
  if [ -d "$folder/bin" ]; then return; fi
  step "$crate $version (built once, a few minutes)" \
    "check the network, then run: cargo install --root '$folder' $crate --version $version $*"
  # Install into a temporary folder first, so that an interrupted build does not look finished.
  rm -rf "$folder.part"
  # Without a shared target folder, whose lock another job may hold.
  env -u CARGO_TARGET_DIR cargo install --quiet --root "$folder.part" "$crate" --version "$version" "$@"
  rm -rf "$folder"
  mv "$folder.part" "$folder"
}

cargo_tool worker-build "$WORKER_BUILD_VERSION" "worker-build-$WORKER_BUILD_VERSION" --locked
# Not --locked: its lock file names a version that registries have withdrawn.
cargo_tool wasm-bindgen-cli "$WASM_BINDGEN_VERSION" "wasm-bindgen-$WASM_BINDGEN_VERSION"
if [ "${1:-}" = test ]; then
  cargo_tool cargo-machete "$CARGO_MACHETE_VERSION" "cargo-machete-$CARGO_MACHETE_VERSION" --locked
fi

packages=$(hash_of package.json package-lock.json)
if [ "$(cat node_modules/.trackmate-stamp 2>/dev/null)" != "$packages" ]; then
  step "npm packages" "check the network, then run: npm ci"
  # The install scripts of `node`, `workerd` and `esbuild` must run (package.json allows them).
  npm ci --ignore-scripts=false --no-audit --no-fund --loglevel=error
  step "npm packages run" \
    "npm must run the install scripts of node, workerd and esbuild; remove node_modules and try again"
  node_modules/.bin/node --version | grep -q '^v22\.'
  node_modules/.bin/workerd --version
  echo "$packages" > node_modules/.trackmate-stamp
fi

# Other vendors' clients, as their users install them, for tests/clients. Tests of a client that
# cannot be installed are skipped, and counted as skipped.
vendors_clients() {
  local packages
  packages=$(hash_of tests/clients/package.json tests/clients/package-lock.json)
  if [ "$(cat tests/clients/node_modules/.trackmate-stamp 2>/dev/null)" != "$packages" ]; then
    step "clients of other vendors (npm)" "check the network, then run: (cd tests/clients && npm ci)"
    npm ci --prefix tests/clients --ignore-scripts --no-audit --no-fund --loglevel=error
    echo "$packages" > tests/clients/node_modules/.trackmate-stamp
  fi
  step "clients of other vendors (Rust, built once, a minute)" ""
  cargo build --quiet --locked --manifest-path tests/clients/rust/Cargo.toml --target-dir target/clients ||
    echo "    not installed: their tests will be skipped"
}

# python_packages <requirements>: installs a Python environment with these packages in the cache.
# Without venv or PyPI, the tests that need them are skipped, and counted as skipped.
python_packages() {
  local requirements=$1 venv
  venv=$(python_home "$requirements")
  if [ -d "$venv" ] || ! have python3; then return; fi
  step "Python packages of $requirements" ""
  rm -rf "$venv.part"
  if python3 -m venv "$venv.part" && "$venv.part/bin/python" -m pip install --quiet --disable-pip-version-check \
    --only-binary :all: --require-hashes --requirement "$requirements"; then
    mv "$venv.part" "$venv"
  else
    echo "    not installed: the tests that need them will be skipped"
  fi
}
if [ "${1:-}" = test ]; then
  vendors_clients
  python_packages tests/seeds/requirements.txt
  python_packages tests/clients/requirements.txt
  python_packages tests/generators/requirements.txt
fi
if [ "${1:-}" = test ] || [ "${1:-}" = fuzz ]; then python_packages tests/fuzz/requirements.txt; fi
step_done
