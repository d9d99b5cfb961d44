/** Where the configuration is. */
import {readFile} from 'node:fs/promises'
import {dirname, join, resolve} from 'node:path'

import type {ConfigProblem} from './problem.js'

export const PROJECT_FILE_NAME = '.runctl.toml'

export function userFileIn(configDir: string): string {
  return join(configDir, 'config.toml')
}

export interface ConfigFile {
  readonly path: string
  /** Without a byte order mark; empty where there is a problem. */
  readonly text: string
  /** Why it cannot be read as text. */
  readonly problem: ConfigProblem | null
}

/** The nearest project file, from `cwd` upwards; null where there is none. */
export async function readProjectFile(cwd: string): Promise<ConfigFile | null> {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const file = await readConfigFile(join(folder, PROJECT_FILE_NAME))
    if (file !== null || folder === dirname(folder)) return file
  }
}

/** null where there is no such file. */
export async function readConfigFile(path: string): Promise<ConfigFile | null> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    return unreadable(path, `cannot be read: ${code === 'EISDIR' ? 'it is a folder' : code === 'EACCES' ? 'no permission' : code}`)
  }
  try {
    return {path, text: new TextDecoder('utf-8', {fatal: true}).decode(bytes), problem: null}
  } catch {
    return unreadable(path, 'is not UTF-8 text')
  }
}

function unreadable(path: string, why: string): ConfigFile {
  return {path, text: '', problem: {file: path, line: null, column: null, key: null, message: why}}
}
