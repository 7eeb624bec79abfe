#compdef headroom
_headroom() {
  local line
  local -a found
  while IFS= read -r line; do
    case $line in
    :0) _files ;;
    :4) ;;
    *) found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
    esac
  done < <("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
  (( ${#found} )) && _describe headroom found
}
if [[ ${funcstack[1]} == _headroom ]]; then
  _headroom "$@"
else
  compdef _headroom headroom
fi
