/** Control characters, and those that turn the order of letters round: a name on the screen must not say anything else than it is. */
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]/
const EACH_UNSAFE = new RegExp(UNSAFE.source, 'gu')
const LONGEST_VALUE = 400
const LONGEST_DESCRIPTION = 80

/** Something else cannot be put on a command line: it is not offered. What begins with `-` would be a flag there. */
export const isOffered = (value: string): boolean => value !== '' && value.length <= LONGEST_VALUE && !new RegExp(UNSAFE.source, 'u').test(value)

/** In one line, for a menu. */
export function shownText(text: string): string {
  const plain = text.replace(EACH_UNSAFE, '\ufffd')
  return plain.length > LONGEST_DESCRIPTION ? `${[...plain].slice(0, LONGEST_DESCRIPTION - 1).join('')}…` : plain
}
