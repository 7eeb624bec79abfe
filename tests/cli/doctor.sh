#!/usr/bin/env bash
# Usage: doctor.sh HEADROOM MAKE-GGUF
# headroom doctor beside the real llama-server and llama-fit-params: what they say of a model agrees
# with what is estimated.
set -euo pipefail
headroom=$1 make_gguf=$2
root=$(cd "$(dirname "$0")/../.." && pwd)
server=$("$root/scripts/get-llama-server" 2>/dev/null) || { echo "no llama-server here"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for kind in tiny kvheavy; do "$make_gguf" "$kind" "$folder/$kind.gguf"; done

"$headroom" doctor --llama-server "$server" --state-dir "$folder" --model "$folder/tiny.gguf" \
  --model "$folder/kvheavy.gguf" >"$folder/said" || true
cat "$folder/said"
for kind in tiny kvheavy; do
  grep -q "^ok  *estimate: $folder/$kind.gguf: .*llama-fit-params says " "$folder/said"
done
