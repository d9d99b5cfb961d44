/** One word for a POSIX shell that is exactly `text`, whatever it holds. NUL cannot be in a word: RangeError. */
export function quoteForShell(text: string): string {
  if (text.includes('\0')) throw new RangeError('a NUL character cannot be passed to a command')
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/** A path as a word of a command that a person may paste into a shell: bare where that is safe, and never taken for a flag. */
export function pathForShell(path: string): string {
  // A NUL cannot be in a path; a message about one must not fail for it.
  const named = (path.startsWith('-') ? `./${path}` : path).replaceAll('\0', '')
  return /^[\w@%+:,./-]+$/.test(named) ? named : quoteForShell(named)
}

/** An argument as a word of a command that a person may paste into a shell, behind `--`: bare where that is safe. A NUL, which none can hold, is left out. */
export function wordForShell(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : quoteForShell(argument.replaceAll('\0', ''))
}
