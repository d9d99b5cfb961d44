/** One word for a POSIX shell that is exactly `text`, whatever it holds. NUL cannot be in a word: RangeError. */
export function quoteForShell(text: string): string {
  if (text.includes('\0')) throw new RangeError('a NUL character cannot be passed to a command')
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
