#!/usr/bin/env bash
# Usage: completion.sh HEADROOM
# Completes with the scripts of "headroom completion" in the shells themselves: bash always, zsh and
# fish too (scripts/install-deps test installs both).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
ln -s "$(realpath "$1")" "$folder/headroom"
ln -s "$(realpath "$1")" "$folder/kubectl-headroom"
export PATH=$folder:$PATH

expect() {  # what, expected line, output
  grep -qx -- "$2" <<<"$3" || { printf '%s: no line "%s" in:\n%s\n' "$1" "$2" "$3" >&2; exit 1; }
}

headroom completion bash >"$folder/headroom.bash"
# shellcheck disable=SC2016  # for the inner shell
bash_complete='source "$0"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
  compopt() { echo "compopt $*"; }; _headroom; printf "%s\n" "${COMPREPLY[@]}"'
complete_bash() { bash -c "$bash_complete" "$folder/headroom.bash" shift "$@"; }
expect bash nodes "$(complete_bash headroom no)"
expect bash --watch "$(complete_bash headroom nodes --wa)"
expect bash sarif "$(complete_bash headroom check -o s)"
expect bash 'compopt -o default' "$(complete_bash headroom check -f '')"

headroom completion kubectl >"$folder/kubectl_complete-headroom"
chmod +x "$folder/kubectl_complete-headroom"
expect kubectl $'nodes\t.*' "$("$folder/kubectl_complete-headroom" no)"
expect kubectl :4 "$("$folder/kubectl_complete-headroom" no)"

headroom completion zsh >"$folder/_headroom"
# shellcheck disable=SC2016
expect zsh 'nodes:.*' "$(zsh -fc 'compdef() { : }; _files() { echo files }
  _describe() { print -rl -- "${(@P)2}" }
  source "$1"; words=(headroom no); CURRENT=2; _headroom' zsh "$folder/_headroom")"

headroom completion fish >"$folder/headroom.fish"
expect fish $'nodes\t.*' "$(HOME=$folder fish -c "source $folder/headroom.fish; complete -C 'headroom no'")"
