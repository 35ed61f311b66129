// Owns the scripts with which a shell completes `backfill`. Each passes the typed words to the program unchanged and
// evaluates none of them: a half-typed `$(rm …)` must not run because of a Tab.
import { EXIT, usageError } from '../../model/errors.ts'
import { oneOf, readFlag } from '../../workspace/values.ts'
import type { Command } from '../../session/command.ts'

/** The hidden command that a script calls; the shell's name and the half-typed line follow. */
export const QUESTION = '__complete'

export const FOLDER = ':folder'

export const SHELLS = ['bash', 'zsh', 'fish'] as const

type Shell = (typeof SHELLS)[number]

// The script calls the program named in the line, with no input: letters typed ahead belong to the shell.
export const SCRIPTS: Readonly<Record<Shell, string>> = {
  // Works with bash 3.2, the version of macOS, and without the package bash-completion.
  bash: `# bash completion for backfill. In ~/.bashrc: eval "$(backfill completion bash)"
_backfill() {
  local answer line
  COMPREPLY=()
  answer=$("\${1/#\\~\\//$HOME/}" ${QUESTION} bash "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null </dev/null) || return 0
  if [[ $answer == ${FOLDER} ]]; then
    compopt -o filenames 2>/dev/null
    line=\${COMP_WORDS[COMP_CWORD]}
    answer=$(compgen -d -- "\${line#=}")
  fi
  while IFS= read -r line; do
    [[ -n $line ]] && COMPREPLY+=("$line")
  done <<<"$answer"
}
complete -F _backfill backfill`,

  zsh: `#compdef backfill
# zsh completion for backfill. In ~/.zshrc, after compinit: source <(backfill completion zsh)
# or as a file named _backfill in a folder of $fpath.
_backfill() {
  local -a found
  found=("\${(@f)$("\${words[1]/#\\~\\//$HOME/}" ${QUESTION} zsh "\${(@)words[2,CURRENT]}" 2>/dev/null </dev/null)}")
  if [[ $found[1] == ${FOLDER} ]]; then
    compset -P '--*='
    _files -/
  elif [[ -n $found[1] ]]; then
    compadd -V backfill -a found
  fi
}
if [[ $funcstack[1] == _backfill ]]; then
  _backfill "$@"
else
  compdef _backfill backfill
fi`,

  fish: `# fish completion for backfill: backfill completion fish > ~/.config/fish/completions/backfill.fish
function __backfill_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l found ($words[1] ${QUESTION} fish $words[2..-1] "$current" 2>/dev/null </dev/null)
    if test "$found[1]" = ${FOLDER}
        set -l flag (string match -r -- '^--[^=]*=' "$current")
        printf "$flag%s\\n" (__fish_complete_directories (string replace -- "$flag" '' "$current"))
    else if test -n "$found[1]"
        printf '%s\\n' $found
    end
end
complete -c backfill -f -k -a '(__backfill_complete)'`,
}

export const completion: Command = async ({ flags, output }) => {
  const shell = readFlag(flags, 'shell', oneOf(SHELLS))
  if (shell === undefined)
    throw usageError('`completion` needs a shell', `backfill completion ${SHELLS.join('|')}`)
  output.data(SCRIPTS[shell].split('\n'))
  return EXIT.ok
}
