#!/bin/sh
# Usage: page.sh SOURCE_DIR WEBHOOK MAKE_GGUF. Exit 77: no Chromium can be had here.
# HEADROOM_SCREENSHOTS names a folder for pictures of the page.
set -eu
# The system's Python: its package of selenium is not seen by others that come first in PATH.
python=/usr/bin/python3
command -v chromedriver >/dev/null || exit 77
"$python" -c 'import selenium' || exit 77
exec "$python" "$1/tests/webhook/page_test.py" "$2" "$3" ${HEADROOM_SCREENSHOTS:+"$HEADROOM_SCREENSHOTS"}
