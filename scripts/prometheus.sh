#!/usr/bin/env bash
# Puts Debian's prometheus and promtool, which the tests of rules and dashboards run, into .venv/prometheus.
# Nothing is installed, and no service is started. Does nothing if both are there already, or on the PATH.
# If they cannot be obtained, this says so, and those tests are skipped; but it fails if CI is set.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=.venv/prometheus

cannot() {
  echo "prometheus: $*; install the package prometheus (Debian, Ubuntu), or put prometheus and promtool on the PATH" >&2
  [[ -z "${CI:-}" ]] || exit 1
  echo "prometheus: the tests that need it are skipped" >&2
  exit 0
}

there() { [[ -x "$1/usr/bin/prometheus" && -x "$1/usr/bin/promtool" ]]; }

there "$folder" && exit
command -v prometheus >/dev/null && command -v promtool >/dev/null && exit
command -v apt-get >/dev/null && command -v dpkg >/dev/null || cannot "it is not installed, and there is no apt-get to fetch it"

mkdir -p .venv
work=$(mktemp -d .venv/prometheus.XXXXXX)
trap 'rm -rf "$work"' EXIT

apt() { (cd "$work" && apt-get -qq -o APT::Sandbox::User=root -o Acquire::http::Timeout=30 "$@" >log 2>&1); }

if ! apt download prometheus; then
  if [[ $EUID -ne 0 ]]; then
    cannot "apt-get cannot download it (sudo apt-get update may help): $(tail -n 1 "$work/log")"
  fi
  apt update || true  # one archive that does not answer is no reason to stop
  apt download prometheus || cannot "apt-get cannot download it: $(tail -n 1 "$work/log")"
fi
dpkg -x "$work"/*.deb "$work/unpacked"
there "$work/unpacked" || cannot "Debian's package has no prometheus and promtool in it"
rm -rf "$folder"
mv "$work/unpacked" "$folder"
echo "prometheus: $("$folder/usr/bin/promtool" --version 2>&1 | head -n 1 | cut -d ' ' -f 1-3) is in $folder"
