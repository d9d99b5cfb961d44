import type {Completion} from './complete.js'
import {isOffered, shownText} from './safe-text.js'
import {quoteForBash, type ShellLine} from './shell-words.js'

export type CompletingShell = 'bash' | 'fish' | 'zsh'

/**
 * The first line says which paths the shell may complete besides: `files`, `folders` or `none`. Then a candidate a line: for bash quoted, and only what bash puts
 * in the place of the word; for the others, who quote themselves, as it is, and its description behind a tab.
 */
export function answerText(shell: CompletingShell, {candidates, paths}: Completion, line: Pick<ShellLine, 'kept' | 'quote'>): string {
  const offered = candidates.filter(({value}) => isOffered(value))
  const lines = offered.flatMap(({description, value}) => {
    if (shell !== 'bash') return [description === undefined ? value : `${value}\t${shownText(description)}`]
    const quoted = quoteForBash(value.slice(line.kept), line.quote)
    return quoted === null || quoted === '' ? [] : [quoted]
  })
  return [paths ?? 'none', ...lines, ''].join('\n')
}
