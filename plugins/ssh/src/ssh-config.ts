import {readdirSync, readFileSync} from 'node:fs'
import {homedir} from 'node:os'
import path from 'node:path'

import {isHostName} from './host-name.js'

const MAX_DEPTH = 8

/** The aliases that a configuration of ssh names: those of `Host` without wildcards, files that it includes among them. What cannot be read names none. */
export function aliasesIn(file: string, depth = 0): readonly string[] {
  if (depth > MAX_DEPTH) return []
  return linesOf(file).flatMap(line => {
    const [keyword = '', ...values] = wordsOf(line)
    if (/^host$/i.test(keyword)) return values.filter(isHostName)
    if (/^include$/i.test(keyword)) return values.flatMap(value => filesOf(value)).flatMap(included => aliasesIn(included, depth + 1))
    return []
  })
}

export const userConfigFile = (): string => path.join(homedir(), '.ssh', 'config')

function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').split('\n')
  } catch {
    return []
  }
}

/** `Host a "b c"`, `Host=a`; a comment has no words. */
function wordsOf(line: string): readonly string[] {
  const [, keyword = '', rest = ''] = /^\s*([A-Za-z]+)(?:\s*=\s*|\s+)(.*)$/.exec(line) ?? []
  const words = [...rest.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
  const comment = words.findIndex(word => word.startsWith('#'))
  return [keyword, ...(comment === -1 ? words : words.slice(0, comment))]
}

/** Relative ones lie beside the user's own configuration; `*` and `?` stand in the last part only, as people write them. */
function filesOf(pattern: string): readonly string[] {
  const home = pattern.startsWith('~/') ? path.join(homedir(), pattern.slice(2)) : pattern
  const file = path.resolve(path.dirname(userConfigFile()), home)
  const name = path.basename(file)
  if (!/[*?]/.test(name)) return [file]
  const shape = new RegExp(`^${name.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.')}$`)
  try {
    return readdirSync(path.dirname(file)).filter(one => shape.test(one)).toSorted().map(one => path.join(path.dirname(file), one))
  } catch {
    return []
  }
}
