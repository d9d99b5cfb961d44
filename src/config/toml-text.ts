import type {WrittenValue} from '../model/config-answers.js'

/** A value as TOML. null has no form there: the caller leaves such a key out. */
export function tomlValue(value: NonNullable<WrittenValue>): string {
  if (typeof value === 'string') return tomlString(value)
  if (typeof value === 'boolean' || typeof value === 'number') return String(value)
  if (isList(value)) return `[${value.map(tomlString).join(', ')}]`
  return `{${Object.entries(value)
    .map(([name, text]) => `${tomlKey([name])} = ${tomlString(text)}`)
    .join(', ')}}`
}

/** A dotted key; parts are quoted where they must be. Safe to show: nothing in it is a control or invisible character. */
export function tomlKey(path: readonly string[]): string {
  return path.map(part => (/^[A-Za-z0-9_-]+$/.test(part) ? part : tomlString(part))).join('.')
}

export function tomlString(text: string): string {
  const escaped = text.replace(/["\\]/g, '\\$&').replace(/[\p{C}\p{Zl}\p{Zp}]/gu, character => {
    if (character === '\n') return '\\n'
    if (character === '\t') return '\\t'
    const code = character.codePointAt(0) ?? 0
    return code > 0xff_ff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
  })
  return `"${escaped}"`
}

export function isList(value: unknown): value is readonly string[] {
  return Array.isArray(value)
}
