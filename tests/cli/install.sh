#!/bin/sh
# Usage: install.sh CMAKE BUILD SOURCE_DIR. Exit 77: no kubectl can be had here.
# Installs the command line as a package does, below a folder of its own, and uses it from there as a
# plugin of the real kubectl; the manual pages are read by man.
set -eu
cmake=$1 build=$2 source=$3
kubectl=$("$source/scripts/get-controlplane")/kubectl || exit 77
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

DESTDIR=$folder "$cmake" --install "$build/cli" --prefix /usr >"$folder/log" ||
  { cat "$folder/log" >&2; exit 1; }
bin=$folder/usr/bin
[ "$(readlink "$bin/kubectl-headroom")" = headroom ]

sed "s/observed-at: .*/observed-at: \"$(date -u +%Y-%m-%dT%H:%M:%SZ)\"/" \
  "$source/tests/data/node/node.yaml" >"$folder/nodes.yaml"
said=$(PATH=$bin:$PATH "$kubectl" headroom nodes --nodes "$folder/nodes.yaml")
echo "$said"
echo "$said" | grep -q '^mac-1 *Ready *64.0 GiB *48.0 GiB'
PATH=$bin:$PATH "$kubectl" plugin list | grep -q /kubectl-headroom

man=$folder/usr/share/man/man1
for command in $("$bin/headroom" --help | sed -n 's/^  \([a-z]*\)  *[a-z].*/\1/p'); do
  [ -s "$man/headroom-$command.1" ] || { echo "no manual page of $command" >&2; exit 1; }
done
MANPATH=$folder/usr/share/man man -P cat headroom-check | grep -q 'headroom check -f'
