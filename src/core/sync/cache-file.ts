import {createHash, randomBytes} from 'node:crypto'
import {mkdir, readFile, rename, rm, writeFile} from 'node:fs/promises'
import path from 'node:path'

/** A file in the cache folder for whatever `key` names. */
export function cachePath(cacheDir: string, prefix: string, key: string): string {
  return path.join(cacheDir, 'sync', `${prefix}-${createHash('sha256').update(key).digest('hex').slice(0, 24)}.json`)
}

/** null where there is no file that can be read as JSON. */
export async function readCache(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as unknown
  } catch {
    return null
  }
}

/** The whole new file or the old one. A cache that cannot be written costs only time: false then. */
export async function writeCache(file: string, value: unknown): Promise<boolean> {
  const temporary = `${file}.${randomBytes(4).toString('hex')}.tmp`
  try {
    await mkdir(path.dirname(file), {recursive: true, mode: 0o700})
    await writeFile(temporary, JSON.stringify(value), {mode: 0o600, flag: 'wx'})
    await rename(temporary, file)
    return true
  } catch {
    await rm(temporary, {force: true}).catch(() => {})
    return false
  }
}
