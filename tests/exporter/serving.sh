#!/bin/sh
# Usage: serving.sh TEST SOURCE_DIR EXPORTER MAKE_GGUF. Exit 77: no llama-server can be had here.
set -eu
llama=$("$2/scripts/get-llama-server") || exit 77
exec python3 "$2/tests/exporter/$1_test.py" "$3" "$4" "$llama"
