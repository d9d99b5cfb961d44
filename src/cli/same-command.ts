import {quoteForShell} from '../model/quote-for-shell.js'

export interface CommandChange {
  /** Long names of flags that go, with their values. */
  readonly without?: readonly {readonly flag: string; readonly takesValue: boolean}[]
  /** Words that are added at the end, before `--`. */
  readonly plus?: readonly string[]
}

/**
 * A command as it was typed, but for the change, to be pasted into a shell. Values of --env stay out of it: errors end up in the logs of CI.
 * `argv` is what stands before `--`, `rest` what follows it, or null.
 */
export function sameCommand(commandLine: string, argv: readonly string[], rest: readonly string[] | null, {plus = [], without = []}: CommandChange): string {
  const words: string[] = []
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? ''
    const gone = without.find(({flag}) => word === `--${flag}` || word.startsWith(`--${flag}=`))
    if (gone) {
      if (gone.takesValue && word === `--${gone.flag}`) at++
    } else if (word === '--env') {
      words.push(word, hidden(argv[++at] ?? ''))
    } else words.push(word.startsWith('--env=') ? `--env=${hidden(word.slice('--env='.length))}` : asWord(word))
  }
  return [commandLine, ...words, ...plus, ...(rest === null || rest.length === 0 ? [] : ['--', ...rest.map(asWord)])].join(' ')
}

const hidden = (pair: string): string => `${asWord(pair.split('=', 1)[0] ?? '')}=…`

function asWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : quoteForShell(text.replaceAll('\0', ''))
}
