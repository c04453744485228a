#!/usr/bin/env bash
# Releases a version from packages that are built and tested: checks that everything has this
# version, writes checksums and a bill of materials, publishes to npm with provenance, and makes the
# release on GitHub. `DRY_RUN=1 scripts/release.sh 0.1.0` does everything but publish.
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
VERSION=${1:?use: scripts/release.sh VERSION}
VERSION=${VERSION#v}
OUT=${OUT:-target/package}
DRY_RUN=${DRY_RUN:-}

step "versions" "set the same version in Cargo.toml and sdk-wasm/package.json, and give it a section in CHANGELOG.md"
grep -q "^version = \"$VERSION\"$" Cargo.toml
grep -q "\"version\": \"$VERSION\"" sdk-wasm/package.json
if ! grep -q "^## \[$VERSION\]" CHANGELOG.md; then
  echo "    CHANGELOG.md has no section [$VERSION]"
  [ -n "$DRY_RUN" ]
fi

step "packages of this version" "run: make package"
for name in trackmate trackmate-browser; do test -f "$OUT/$name-$VERSION.tgz"; done
binaries=("$OUT"/trackmate-cli-*-"$VERSION".tgz)
test -f "${binaries[0]}"
# Every platform that the package names has its binary.
for name in $(tar -xOf "$OUT/trackmate-$VERSION.tgz" package/package.json | grep -o '@trackmate/cli-[a-z0-9-]*'); do
  test -f "$OUT/trackmate-${name#@trackmate/}-$VERSION.tgz"
done

step "bill of materials" "run: node scripts/sbom.mjs"
node scripts/sbom.mjs > "$OUT/trackmate-$VERSION.cdx.json"

step "folder of the deploy button" "run: make package"
tar -czf "$OUT/trackmate-deploy-$VERSION.tgz" -C "$OUT" deploy-to-cloudflare

step "checksums" ""
(cd "$OUT" && "${SHA256[@]}" ./*.tgz ./*.cdx.json > SHA256SUMS && "${SHA256[@]}" --check --quiet SHA256SUMS)

# The binaries first: trackmate depends on them.
step "npm" "read npm's message above; what is published already is skipped by the next run"
for file in "${binaries[@]}" "$OUT/trackmate-browser-$VERSION.tgz" "$OUT/trackmate-$VERSION.tgz"; do
  name=$(tar -xOf "$file" package/package.json | sed -n 's/^  "name": "\(.*\)",$/\1/p')
  if [ -n "$DRY_RUN" ]; then
    npm publish --dry-run --access public "$file"
  elif npm view "$name@$VERSION" version >/dev/null 2>&1; then
    echo "    $name@$VERSION is published already"
  else
    npm publish --provenance --access public "$file"
  fi
done

step "release on GitHub" "run: gh release view v$VERSION"
notes=$(awk -v version="$VERSION" '/^## /{on = index($0, "[" version "]")} on && !/^## /' CHANGELOG.md)
if [ -n "$DRY_RUN" ]; then
  echo "    $(wc -l <"$OUT/SHA256SUMS") files, notes of $(wc -l <<<"$notes") lines; nothing was published"
else
  gh release create "v$VERSION" --title "$VERSION" --notes "$notes" "$OUT"/*.tgz "$OUT"/*.cdx.json "$OUT/SHA256SUMS"
fi
step_done
