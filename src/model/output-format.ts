export const OUTPUT_FORMATS = ['json', 'table', 'text'] as const
export type OutputFormat = (typeof OUTPUT_FORMATS)[number]

/**
 * The format that the raw arguments before `--` ask for; null where they do not say. Errors of the parser itself must come out as JSON too,
 * so this cannot wait for the parsed flags.
 */
export function requestedFormat(own: readonly string[]): OutputFormat | null {
  if (own.includes('--json')) return 'json'
  for (const [index, word] of own.entries()) {
    const value = word === '--output' ? own[index + 1] : /^--output=(.*)$/s.exec(word)?.[1]
    const format = OUTPUT_FORMATS.find(candidate => candidate === value)
    if (format) return format
  }
  return null
}
