// What could move the cursor, end a line or reorder text on a terminal: C0 without \t \n, DEL, C1, line separators, bidi
// overrides and isolates, characters that show as nothing (ZWJ and ZWNJ stay: scripts and emoji need them), lone surrogates.
const UNSAFE = /[\0-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}\p{Surrogate}]/gu

function visible(char: string): string {
  const code = char.codePointAt(0) ?? 0
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`
  return code < 0x1_0000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\u{${code.toString(16)}}`
}

/** Makes text from anywhere safe to print: what a terminal would act on becomes visible (`\x1b`). Line feeds and tabs stay. */
export function escapeControl(text: string): string {
  return text.replace(UNSAFE, visible)
}

/** As {@link escapeControl}, and what remains is one line without tabs: for table cells, names, paths and single-line messages. */
export function escapeLine(text: string): string {
  return escapeControl(text).replace(/\n/g, '\\n').replace(/\t/g, '\\t')
}
