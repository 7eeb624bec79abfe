#!/bin/sh
# Usage: faults.sh SOURCE_DIR EXPORTER MAKE_GGUF STAND_IN. Exit 77: no llama-server can be had here, or
# nothing can be mounted.
set -eu
llama=$("$1/scripts/get-llama-server") || exit 77
as_root=$([ "$(id -u)" = 0 ] || echo --map-root-user)
unshare --mount $as_root mount --bind /proc/meminfo /proc/meminfo || exit 77
exec python3 "$1/tests/exporter/faults_test.py" "$2" "$3" "$llama" "$4"
