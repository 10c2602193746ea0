# Completion of mano's subcommands and options in bash, from what --help says: source it, or let 'cmake --install' put it in place.
_mano() {
  local word=${COMP_WORDS[COMP_CWORD]} program=${COMP_WORDS[0]} words
  if [ "$COMP_CWORD" -eq 1 ]; then
    words=$("$program" --help 2>/dev/null | sed -n '/^Subcommands:/,$s/^  \([a-z]\+\) .*/\1/p')
    COMPREPLY=($(compgen -W "$words --help --version" -- "$word"))
  elif [[ $word == -* ]]; then
    words=$("$program" "${COMP_WORDS[1]}" --help 2>/dev/null | grep -o -- '--[a-z0-9-]\+' | sort -u)
    COMPREPLY=($(compgen -W "$words" -- "$word"))
  else
    compopt -o default 2>/dev/null  # files
    COMPREPLY=()
  fi
}
complete -F _mano mano
