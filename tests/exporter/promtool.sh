#!/bin/sh
# promtool.sh FOLDER: every golden metrics page through `promtool check metrics`; 77 = not installed.
set -u
command -v promtool >/dev/null || { echo "promtool is not installed (package prometheus)"; exit 77; }
failed=0
for page in "$1"/*.prom; do
  if ! output=$(promtool check metrics <"$page" 2>&1) || [ -n "$output" ]; then
    printf '%s:\n%s\n' "$page" "$output"
    failed=1
  fi
done
exit $failed
