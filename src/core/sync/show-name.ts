const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** A file name for a message: what could move a cursor, hide text or break a line is written as an escape. */
export function showName(name: string): string {
  return name.replace(UNSAFE, char => `\\u{${(char.codePointAt(0) as number).toString(16)}}`)
}

/** `a, b, c and 7 more`. */
export function showNames(names: readonly string[], most = 10): string {
  const shown = names.slice(0, most).map(showName).join(', ')
  return names.length > most ? `${shown} and ${names.length - most} more` : shown
}

/** Bytes as people read them, in powers of ten: `1.5 MB`. */
export function showBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : Number(value.toPrecision(2))} ${units[unit]}`
}
