#!/usr/bin/env bash
# Checks the dependencies against deny.toml and, if the databases can be reached, against known
# vulnerabilities. Lists what it could not check, since silence would look like "no
# vulnerabilities".
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
trap - ERR
unchecked=() failed=0

if have cargo-deny; then
  step "licences, bans and sources of crates" ""
  cargo deny --offline --log-level error check bans licenses sources || failed=1
  step "known vulnerabilities of crates" ""
  mkdir -p .trackmate
  if timeout 120 cargo deny --log-level error check advisories >.trackmate/audit.log 2>&1; then
    cat .trackmate/audit.log
  elif grep -q 'failed to fetch\|failed to load advisory database' .trackmate/audit.log; then
    unchecked+=("vulnerabilities of crates: the RustSec database could not be fetched")
  else
    cat .trackmate/audit.log
    failed=1
  fi
else
  install="cargo install --locked --root '$CACHE/cargo-deny-$CARGO_DENY_VERSION' cargo-deny --version $CARGO_DENY_VERSION"
  unchecked+=("licences, sources and vulnerabilities of crates: no cargo-deny. To install it (some minutes): $install")
fi

step "known vulnerabilities of npm packages" ""
# npm packages are build tools only. None of them is deployed, except inside the pages' bundles.
rc=0
answer=$(npm audit --audit-level=high 2>&1) || rc=$?
if grep -q 'audit endpoint returned an error\|ENOTFOUND\|ECONNREFUSED\|ETIMEDOUT' <<<"$answer"; then
  unchecked+=("vulnerabilities of npm packages: the registry did not answer the audit")
else
  echo "$answer"
  if [ "$rc" -ne 0 ]; then failed=1; fi
fi
step_done

if [ "${#unchecked[@]}" -gt 0 ]; then printf 'NOT CHECKED: %s\n' "${unchecked[@]}"; fi
if [ "$failed" -eq 0 ]; then echo "audit: no problems found in what was checked"; else echo "audit: see above"; fi
exit "$failed"
