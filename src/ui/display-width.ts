const ASCII = /^[\x20-\x7e]*$/
const ZERO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]+$/u
const DRAWN_AS_EMOJI = /\p{Emoji_Presentation}|\ufe0f/u
const EAST_ASIAN =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u

// What is drawn as one: a flag, or a character with its marks, and emoji that are joined to it. Intl.Segmenter knows more, but
// takes quadratic time on long lines.
const GRAPHEME = /\p{RI}{2}|.(?:[\p{Mn}\p{Me}\p{Emoji_Modifier}]|\u200d\p{Extended_Pictographic})*/gsu

function graphemes(text: string): readonly string[] {
  return text.match(GRAPHEME) ?? []
}

function graphemeWidth(grapheme: string): number {
  if (ZERO_WIDTH.test(grapheme)) return 0
  return EAST_ASIAN.test(grapheme) || DRAWN_AS_EMOJI.test(grapheme) ? 2 : 1
}

/** Columns that one line of escaped, uncoloured text takes on a terminal. */
export function displayWidth(line: string): number {
  if (ASCII.test(line)) return line.length
  let width = 0
  for (const segment of graphemes(line)) width += graphemeWidth(segment)
  return width
}

/** The longest beginning of `line` that fits into `width` columns. Graphemes stay whole. */
function sliceWidth(line: string, width: number): string {
  if (ASCII.test(line)) return line.slice(0, Math.max(0, width))
  let taken = ''
  let used = 0
  for (const segment of graphemes(line)) {
    used += graphemeWidth(segment)
    if (used > width) break
    taken += segment
  }
  return taken
}

/** `line`, cut to `width` columns: at its end, or at its beginning where the end says more (paths). */
export function fitWidth(line: string, width: number, cut: 'end' | 'start' = 'end'): string {
  if (displayWidth(line) <= width) return line
  if (width < 1) return ''
  if (cut === 'end') return `${sliceWidth(line, width - 1).trimEnd()}…`
  const reversed = graphemes(line).toReversed()
  let taken = ''
  let used = 1
  for (const segment of reversed) {
    used += graphemeWidth(segment)
    if (used > width) break
    taken = segment + taken
  }
  return `…${taken}`
}

export function padWidth(line: string, width: number): string {
  return line + ' '.repeat(Math.max(0, width - displayWidth(line)))
}
