/** The signs before lines of progress. */
export interface ProgressMarks {
  readonly done: string
  readonly failed: string
  readonly started: string
  readonly spinner: readonly string[]
}

export const UNICODE_MARKS: ProgressMarks = {done: '✔', failed: '✖', started: '…', spinner: '⠋ ⠙ ⠹ ⠸ ⠼ ⠴ ⠦ ⠧ ⠇ ⠏'.split(' ')}
export const ASCII_MARKS: ProgressMarks = {done: '[ok]', failed: '[failed]', started: '...', spinner: ['-', '\\', '|', '/']}

/** Whether what reads our output takes UTF-8, by the locale (POSIX) or the terminal (Windows, macOS). */
export function marksFor(env: Readonly<Record<string, string | undefined>>, platform: NodeJS.Platform): ProgressMarks {
  const {LANG, LC_ALL, LC_CTYPE, TERM_PROGRAM, WT_SESSION} = env
  const locale = LC_ALL || LC_CTYPE || LANG
  if (platform === 'win32') return WT_SESSION || TERM_PROGRAM === 'vscode' ? UNICODE_MARKS : ASCII_MARKS
  if (!locale) return platform === 'darwin' ? UNICODE_MARKS : ASCII_MARKS
  return /utf-?8/i.test(locale) ? UNICODE_MARKS : ASCII_MARKS
}
