#!/bin/sh
# Usage: llama_server.sh SOURCE_DIR HEADROOM MAKE_GGUF. Exit 77: no llama-server can be had here.
set -eu
[ -r /proc/self/smaps_rollup ] || exit 77
llama=$("$1/scripts/get-llama-server") || exit 77
exec python3 "$1/tests/estimator/llama_server_test.py" "$2" "$3" "$llama"
