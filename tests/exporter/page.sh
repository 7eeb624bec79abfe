#!/bin/sh
# Usage: page.sh SOURCE_DIR EXPORTER MAKE_GGUF. Exit 77: no llama-server or Chromium can be had here.
# HEADROOM_SCREENSHOTS names a folder for pictures of the page.
set -eu
llama=$("$1/scripts/get-llama-server") || exit 77
# The system's Python: its package of selenium is not seen by others that come first in PATH.
python=/usr/bin/python3
command -v chromedriver >/dev/null || exit 77
"$python" -c 'import selenium' || exit 77
exec "$python" "$1/tests/exporter/page_test.py" "$2" "$3" "$llama" ${HEADROOM_SCREENSHOTS:+"$HEADROOM_SCREENSHOTS"}
