import {displayWidth} from './display-width.js'

/**
 * Lines of at most `width` columns, broken at spaces alone: a longer word stays whole, so that paths, ids and URLs can be
 * copied. Line feeds in the text stay.
 */
export function wrapWords(text: string, width: number): readonly string[] {
  return text.split('\n').flatMap(line => (displayWidth(line) <= width ? [line] : wrapLine(line, width)))
}

function wrapLine(line: string, width: number): readonly string[] {
  const lines: string[] = []
  let current: string | undefined
  let used = 0
  for (const word of line.split(' ')) {
    const size = displayWidth(word)
    if (current === undefined || (used + 1 + size > width && current.trim() !== '')) {
      if (current !== undefined) lines.push(current.trimEnd())
      current = word
      used = size
    } else {
      current += ` ${word}`
      used += 1 + size
    }
  }
  return [...lines, (current ?? '').trimEnd()]
}
