#!/usr/bin/env bash
# Makes .venv: the packages of requirements/cpu.txt, and this working tree in editable form, its plugins
# included. Does nothing where that is done already, and starts afresh where it was interrupted.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3.11}
lock=requirements/cpu.txt
stamp=.venv/.setup-done
unfinished=.venv/.setup-unfinished
plugins=(plugins/jarvis-*/)
wanted=$(pwd; sha256sum "$lock" pyproject.toml "${plugins[@]/%/pyproject.toml}" scripts/setup.sh)

say() { echo "setup: $*"; }
fail() { echo "setup: $*" >&2; exit 1; }
errors() { grep -v ^WARNING .venv/setup-errors.log; }

is_311() { "$@" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; }

tty=0
[[ ! -t 1 ]] || tty=1

pip_install() {
  .venv/bin/python -m pip install --disable-pip-version-check --no-deps "$@" 2>.venv/setup-errors.log |
    awk -v tty="$tty" -v total="$(grep -c == "$lock")" '
      / satisfied: / || /^(Collecting|Processing|Obtaining) / {
        seen++
        if (tty) printf "\r\033[Ksetup: %d of %d  %s", seen, total, $2
        else if (seen % 50 == 0) printf "setup: %d of %d\n", seen, total
        fflush()
      }
      /^Installing / && NF > 4 { printf "%ssetup: unpacking %d packages\n", tty ? "\r\033[K" : "", NF - 3; fflush() }
      END { if (tty) printf "\r\033[K" }'
}

[[ "$(cat "$stamp" 2>/dev/null)" == "$wanted" ]] && exit

[[ "$(uname -sm)" == "Linux x86_64" ]] || fail "$lock is for Linux on x86-64; this is $(uname -sm)"
is_311 "$python" || fail "$lock is for CPython 3.11, and $python is not one; install it, or name it with PYTHON="

if [[ -e $unfinished ]] || ! is_311 .venv/bin/python; then
  say "making .venv"
  rm -rf .venv
  hash -r # the shell may have found Python in it
  mkdir .venv
  touch "$unfinished"
  "$python" -m venv .venv || fail "$python cannot make a virtual environment (Debian: install python3.11-venv)"
fi
touch "$unfinished"
rm -f "$stamp"

torch=$(grep -o '^torch==[^ ]*' "$lock")
say "installing $torch"
if ! pip_install "$torch"; then
  say "this machine's own settings do not find it; trying PyTorch's CPU index"
  pip_install --index-url https://download.pytorch.org/whl/cpu "$torch" ||
    fail "$torch cannot be installed: $(errors)"
fi
say "installing the $(grep -c == "$lock") packages of $lock"
pip_install -r "$lock" || fail "$(errors)"
say "installing Jarvis and its plugins"
pip_install --no-build-isolation -e . "${plugins[@]/#/--editable=}" || fail "$(errors)"

echo "$wanted" >"$stamp"
rm -f "$unfinished"
say "done; .venv is ready"
