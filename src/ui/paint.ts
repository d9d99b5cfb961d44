// SGR codes that every terminal has, each with its own end, so that styles nest.
const STYLES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const
export type Style = keyof typeof STYLES

export function paint(text: string, style: Style | undefined, color: boolean): string {
  if (!color || style === undefined || text === '') return text
  const [on, off] = STYLES[style]
  return `\x1b[${on}m${text}\x1b[${off}m`
}
