#!/bin/sh
# Usage: serving.sh SOURCE_DIR EXPORTER MAKE_GGUF. Exit 77: no llama-server can be had here.
set -eu
llama=$("$1/scripts/get-llama-server") || exit 77
exec python3 "$1/tests/exporter/serving_test.py" "$2" "$3" "$llama"
