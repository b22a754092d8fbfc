#!/usr/bin/env bash
# Tries the newest versions of all packages within their bounds: locks, installs and checks them.
# Called by `make update`. Where a check fails, the locks and the installed packages are put back.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

locks=(requirements package-lock.json)
before=$(mktemp -d)
cp -r "${locks[@]}" "$before"

put_back() {
  local status=$?
  if ((status)); then
    printf 'update: a check fails with the new versions; the old ones are put back\n' >&2
    cp -r "$before/." .
    make setup
  fi
  rm -rf "$before"
  exit "$status"
}
trap put_back EXIT

scripts/lock.sh --upgrade
make check
