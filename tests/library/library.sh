#!/usr/bin/env bash
# Usage: library.sh CMAKE BUILD MAKE-GGUF
# Installs the estimator, builds docs/examples/estimator against it with find_package() as another
# project would, and asks it about a model.
set -euo pipefail
cmake=$1 build=$2 make_gguf=$3
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

"$cmake" --install "$build" --component library --prefix "$folder/prefix" >"$folder/log"
"$cmake" -S "$root/docs/examples/estimator" -B "$folder/build" \
  -G "$(sed -n 's/^CMAKE_GENERATOR:INTERNAL=//p' "$build/CMakeCache.txt")" \
  -DCMAKE_PREFIX_PATH="$folder/prefix" -DCMAKE_BUILD_TYPE=Debug \
  "-DCMAKE_CXX_FLAGS=$(sed -n 's/^CMAKE_CXX_FLAGS:STRING=//p' "$build/CMakeCache.txt")" \
  "-DCMAKE_CXX_COMPILER=$(sed -n 's/^CMAKE_CXX_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt")" \
  >>"$folder/log" || { cat "$folder/log" >&2; exit 1; }
"$cmake" --build "$folder/build" >>"$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
grep -rq "$root" "$folder/prefix/lib"*/cmake && { echo "the package refers to the source" >&2; exit 1; }

"$make_gguf" kvheavy "$folder/model.gguf"
# 16 KiB of KV cache a token: 4,096 tokens are 64 MiB, 1,048,576 are 16 GiB.
expect() {  # exit code, text, arguments of the example
  local status=0 said
  said=$("$folder/build/will-it-fit" "$folder/model.gguf" "${@:3}") || status=$?
  [[ $status == "$1" && $said == *"$2"* ]] || { echo "exit $status: $said" >&2; exit 1; }
  echo "$said"
}
expect 0 ': fits in 4.0 GiB' 4096 4Gi
expect 1 ': does not fit in 4.0 GiB' 1048576 4Gi
