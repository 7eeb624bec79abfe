# shellcheck shell=bash
# Shared by every script here: messages, the kind of machine, installing packages, the cache.
# To be sourced by bash after `set -euo pipefail`; works with bash 3.2 (macOS) too.

# shellcheck disable=SC2034  # read by the scripts that source this file
HEADROOM_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
HEADROOM_CACHE=${HEADROOM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/headroom}

say() { printf '==> %s\n' "$*" >&2; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# Prints the comment block that follows the first line of the calling script.
usage() { awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$0"; }

# debian-12, debian-13, debian-sid, ubuntu-24.04, macos; else ID-VERSION as the system calls itself.
os_name() {
  if [[ $(uname -s) == Darwin ]]; then echo macos; return; fi
  [[ -r /etc/os-release ]] || { echo unknown; return; }
  # shellcheck disable=SC1091
  (. /etc/os-release; echo "${ID:-unknown}-${VERSION_ID:-sid}")
}

cpu_count() { getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2; }

# sha256 of the named files together, shortened: a version for what was made from them.
digest() { { sha256sum "$@" 2>/dev/null || shasum -a 256 "$@"; } | awk '{print $1}' |
  { sha256sum 2>/dev/null || shasum -a 256; } | cut -c1-12; }

# Of the project, as CMake has it.
project_version() { sed -n 's/^project(headroom VERSION \([0-9.]*\).*/\1/p' "$HEADROOM_ROOT/CMakeLists.txt"; }

# Time of the last commit: what is built from it carries that time, not the build's.
source_date() { git -C "$HEADROOM_ROOT" log -1 --format=%ct 2>/dev/null || echo 0; }

as_root() {
  if [[ $(id -u) == 0 ]]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else die "not root and no sudo; run this as root, then start again: $*"
  fi
}

apt_installed() {
  [[ $(dpkg-query -W -f='${Status}' "$1" 2>/dev/null) == 'install ok installed' ]]
}

# need PACKAGE...: installs the packages that are missing; says nothing when none is.
need() {
  local missing=() package
  if [[ $(os_name) == macos ]]; then
    command -v brew >/dev/null || die "Homebrew is missing; it is needed to install: $*"
    for package in "$@"; do
      brew list --versions "$package" >/dev/null 2>&1 || missing+=("$package")
    done
    [[ ${#missing[@]} == 0 ]] && return
    say "installing ${missing[*]}"
    brew install --quiet "${missing[@]}" >&2
    return
  fi
  command -v apt-get >/dev/null || die "no apt-get here (system: $(os_name)); install by hand: $*"
  for package in "$@"; do apt_installed "$package" || missing+=("$package"); done
  [[ ${#missing[@]} == 0 ]] && return
  say "installing ${missing[*]}"
  # The lists of a fresh image are empty, those of an old one name versions that are gone.
  apt_install "${missing[@]}" 2>/dev/null || { as_root apt-get update -qq >&2 && apt_install "${missing[@]}"; } ||
    die "apt-get could not install: ${missing[*]}"
}

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

# The package with Boost's headers, from 1.81 on.
boost_package() { case $(os_name) in debian-12) echo libboost1.81-dev ;; *) echo libboost-dev ;; esac; }

# cached NAME VERSION FUNCTION: prints the folder of a cache entry. When it is not there, FUNCTION is
# called with an empty folder to fill, which gets its final name only after success. The folder is
# moved, so nothing in it may contain its own path. Do not call it in a condition (if, &&, ||):
# bash would ignore the failures inside FUNCTION.
cached() {
  local entry=$HEADROOM_CACHE/$1-$2
  [[ -d $entry ]] || (
    set -e
    mkdir -p "$HEADROOM_CACHE"
    if command -v flock >/dev/null; then
      exec 9>"$HEADROOM_CACHE/.$1.lock"
      flock 9
      rm -rf "$HEADROOM_CACHE/.$1".??????  # left by a call that was killed
    fi
    [[ ! -d $entry ]] || exit 0
    tmp=$(mktemp -d "$HEADROOM_CACHE/.$1.XXXXXX")
    trap 'rm -rf "$tmp"' EXIT
    trap 'exit 130' INT TERM
    "$3" "$tmp" >&2 9>&-  # the lock is not for what the function starts
    chmod 755 "$tmp"
    mv "$tmp" "$entry"
  )
  [[ -d $entry ]] || die "could not make $entry"
  echo "$entry"
}
