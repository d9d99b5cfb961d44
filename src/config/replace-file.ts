import {randomBytes} from 'node:crypto'
import {mkdir, open, realpath, rename, rm, stat} from 'node:fs/promises'
import {dirname} from 'node:path'

/** The whole new text or the old one, never a part. Keeps the file's mode; a link stays a link and its target is replaced. */
export async function replaceFile(path: string, text: string, newFileMode = 0o644): Promise<void> {
  await mkdir(dirname(path), {recursive: true})
  const target = (await unlessAbsent(realpath(path))) ?? path
  const mode = (await unlessAbsent(stat(target)))?.mode
  const temporary = `${target}.${randomBytes(4).toString('hex')}.tmp`
  const file = await open(temporary, 'wx', newFileMode)
  try {
    await file.writeFile(text)
    if (mode !== undefined) await file.chmod(mode & 0o777)
    await file.sync()
    await file.close()
    await rename(temporary, target)
  } catch (error) {
    await file.close().catch(() => {})
    await rm(temporary, {force: true})
    throw error
  }
}

async function unlessAbsent<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}
