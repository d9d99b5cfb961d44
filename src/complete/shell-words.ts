/** A command line of bash up to the cursor, taken apart. */
export interface ShellLine {
  /** Unquoted, without the last one. */
  readonly words: readonly string[]
  /** The last one, which is completed: unquoted. Empty behind a blank. */
  readonly current: string
  /** How much of `current` stands before what bash replaces: bash breaks words at more than blanks, by COMP_WORDBREAKS. */
  readonly kept: number
  /** A quote that is open, of what is completed. */
  readonly quote: '"' | "'" | null
}

export function splitLine(line: string, wordBreaks: string): ShellLine {
  const words: string[] = []
  let current = ''
  let inWord = false
  let kept = 0
  let quote: ShellLine['quote'] = null
  for (let at = 0; at < line.length; at++) {
    const char = line[at] ?? ''
    if (quote === "'" || (quote === '"' && char !== '\\')) {
      if (char === quote) quote = null
      else current += char
    } else if (char === '\\') {
      at++
      current += quote === '"' && !'"$`\\'.includes(line[at] ?? '') ? `\\${line[at] ?? ''}` : (line[at] ?? '')
      inWord = true
    } else if (char === '"' || char === "'") {
      quote = char
      inWord = true
      // What is completed begins behind the quote.
      kept = current.length
    } else if (' \t\n'.includes(char)) {
      if (inWord) words.push(current)
      current = ''
      inWord = false
      kept = 0
    } else {
      current += char
      inWord = true
      if (wordBreaks.includes(char)) kept = current.length
    }
  }
  return {words, current, kept, quote}
}

const PLAIN = /^[\w./:@%+=,^\u00a1-\uffff-]+$/u

/** As bash reads it again as that word; null where it cannot stand inside of the quote that is open. */
export function quoteForBash(value: string, quote: ShellLine['quote']): string | null {
  if (quote !== null) return PLAIN.test(value) || value === '' ? value : null
  return value.replace(/[^\w./:@%+=,^\u00a1-\u{10ffff}-]/gu, '\\$&')
}
