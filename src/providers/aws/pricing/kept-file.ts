import {randomUUID} from 'node:crypto'
import {readFile, rename, rm, writeFile} from 'node:fs/promises'

/** What a file in the data folder holds; undefined where it cannot be read: what is kept there can be asked for again. */
export async function readKept(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch {
    return undefined
  }
}

/** Whole or not at all, as well as it can be done: a file that cannot be written is no reason to fail. */
export async function writeKept(path: string, value: unknown): Promise<void> {
  const temporary = `${path}.${randomUUID()}`
  try {
    await writeFile(temporary, JSON.stringify(value), {mode: 0o600})
    await rename(temporary, path)
  } catch {
    await rm(temporary, {force: true}).catch(() => undefined)
  }
}
