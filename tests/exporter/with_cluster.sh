#!/usr/bin/env bash
# Usage: with_cluster.sh REPOSITORY PROGRAM [ARGUMENT...]
# Runs a test program with HEADROOM_TEST_KUBECONFIG naming a fresh control plane that has our CRDs,
# and ends it afterwards. 77 (skipped) where no control plane can be had.
set -euo pipefail
root=$1; shift
if [[ -n ${HEADROOM_TEST_KUBECONFIG-} ]]; then exec "$@"; fi
work=$(mktemp -d)
finish() { "$root/scripts/test-cluster" down "$work/cluster" >/dev/null 2>&1 || true; rm -rf "$work"; }
trap finish EXIT
if ! "$root/scripts/test-cluster" up "$work/cluster" >"$work/log" 2>&1; then
  cat "$work/log" >&2
  echo "SKIPPED: no Kubernetes control plane (see above)" >&2
  exit 77
fi
# shellcheck source=/dev/null
. "$work/cluster/env"
"$KUBECTL" apply --server-side -f "$root/charts/headroom/files/crds/"
"$KUBECTL" wait --for=condition=Established --timeout=30s crd --all
HEADROOM_TEST_KUBECONFIG=$work/cluster/kubeconfig "$@"
