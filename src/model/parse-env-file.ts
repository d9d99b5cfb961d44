import {RunctlError} from './errors.js'

/**
 * Reads `NAME=VALUE` lines: `#` comments, an optional `export `, single quotes literal, double quotes with \n, \", \\ and \$.
 * Nothing is expanded. Rejects a line of another form with its number, never with its content: it may be a secret.
 */
export function parseEnvFile(text: string, file: string): Record<string, string> {
  const values: Record<string, string> = {}
  for (const [index, line] of text.replace(/^\uFEFF/, '').split(/\r?\n/).entries()) {
    const trimmed = line.trim()
    if (trimmed === '' || trimmed.startsWith('#')) continue
    const match = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)$/.exec(trimmed)
    const value = match && unquote(match[2] ?? '')
    if (!match?.[1] || value === null) throw new RunctlError('bad_input', `${file}:${index + 1}: expected NAME=VALUE`)
    values[match[1]] = value
  }
  return values
}

function unquote(text: string): string | null {
  const raw = text.trimStart()
  if (raw.startsWith("'")) return /^'([^']*)'\s*(?:#.*)?$/.exec(raw)?.[1] ?? null
  if (raw.startsWith('"')) {
    const inner = /^"((?:[^"\\]|\\.)*)"\s*(?:#.*)?$/.exec(raw)?.[1]
    return inner === undefined ? null : inner.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped === 't' ? '\t' : escaped))
  }
  // Before trimming: `NAME= # comment` is empty, `NAME=#fff` is not.
  return text.replace(/\s+#.*$/, '').trim()
}
