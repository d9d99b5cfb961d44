/**
 * What each shell is told once: to ask `runctl __complete` at every TAB, and what to make of the answer (answer-text.ts). No logic that a later runctl
 * would want to change is in it: the file that `runctl autocomplete --install` writes stays good.
 */
import type {CompletingShell} from './answer-text.js'

/** Reads with `read`, never with an unquoted expansion: that would take a name with `*` for a pattern. `compopt` is missing in the bash of macOS. */
const BASH = `# Completion of runctl for bash.
_runctl_completion() {
  local line paths='' IFS=$'\\n'
  COMPREPLY=()
  while IFS= read -r line; do
    if [ -z "$paths" ]; then paths=$line; else COMPREPLY+=("$line"); fi
  done < <(command runctl __complete bash "$COMP_WORDBREAKS" "\${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
  compopt -o nosort 2>/dev/null
  case $paths in
    none) compopt +o default 2>/dev/null ;;
    folders) compopt +o default -o dirnames 2>/dev/null ;;
  esac
}
complete -o default -F _runctl_completion runctl
`

/** compadd quotes what it inserts. */
const ZSH = `#compdef runctl
# Completion of runctl for zsh.
_runctl() {
  local -a lines values shown
  local line
  lines=("\${(@f)$(command runctl __complete zsh "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)}")
  for line in "\${(@)lines[2,-1]}"; do
    values+=("\${line%%$'\\t'*}")
    if [[ $line == *$'\\t'* ]]; then shown+=("\${line%%$'\\t'*}  -- \${line#*$'\\t'}"); else shown+=("$line"); fi
  done
  (( $#values )) && compadd -l -V runctl -d shown -a values
  [[ $PREFIX == --*=* ]] && compset -P '*='
  case $lines[1] in
    files) _files ;;
    folders) _files -/ ;;
  esac
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i; }
compdef _runctl runctl
`

/** fish quotes what it inserts, and shows what follows a tab as the description. */
const FISH = `# Completion of runctl for fish.
function __runctl_complete
    set -l words (commandline -opc)
    set -l raw (commandline -ct)
    set -l current (string unescape -- "$raw"; or string unescape -- "$raw\\""; or string unescape -- "$raw'"; or printf '%s' "$raw")
    set -l lines (command runctl __complete fish $words[2..-1] "$current" 2>/dev/null)
    test (count $lines) -gt 1; and printf '%s\\n' $lines[2..-1]
    set -l typed (string replace -r -- '^--[^=]*=' '' "$current")
    set -l before (string sub -l (math (string length -- "$current") - (string length -- "$typed")) -- "$current")
    switch "$lines[1]"
        case files
            printf '%s\\n' $before(__fish_complete_path "$typed")
        case folders
            printf '%s\\n' $before(__fish_complete_directories "$typed" '')
    end
end
complete -c runctl -e
complete -c runctl -k -f -a '(__runctl_complete)'
`

export const GLUE: Readonly<Record<CompletingShell, string>> = {bash: BASH, zsh: ZSH, fish: FISH}
