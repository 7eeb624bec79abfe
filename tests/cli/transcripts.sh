#!/bin/sh
# Usage: transcripts.sh SOURCE_DIR HEADROOM EXPORTER WEBHOOK MAKE_GGUF. Exit 77: no llama-server here.
set -eu
llama=$("$1/scripts/get-llama-server") || exit 77
root=$1
shift
exec python3 "$root/tests/cli/transcripts.py" "$@" "$llama"
