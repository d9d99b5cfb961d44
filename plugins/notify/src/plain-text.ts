/** Names, log lines and details come from anywhere: in a message they are words, never control characters, and never long. */
export function plain(text: string, most: number): string {
  // Control and format characters (with them what turns the direction of text), and halves of surrogate pairs.
  const words = text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu, ' ').trim()
  const letters = [...words]
  return letters.length <= most ? words : `${letters.slice(0, most - 1).join('')}…`
}

export function plainOrNull(text: string | null | undefined, most: number): string | null {
  return text === null || text === undefined ? null : plain(text, most)
}
