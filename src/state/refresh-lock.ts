import {mkdir, readFile, rm, writeFile} from 'node:fs/promises'
import path from 'node:path'

import {isAlive, thisProcess, type ProcessMark} from './process-mark.js'

/** null where another process that lives holds it; else what gives it back. One that died without giving it back does not count. */
export async function takeRefreshLock(folder: string, self: ProcessMark = thisProcess()): Promise<(() => Promise<void>) | null> {
  const file = path.join(folder, 'refresh-lock')
  await mkdir(folder, {recursive: true, mode: 0o700})
  for (const isLastTry of [false, true]) {
    try {
      await writeFile(file, JSON.stringify(self), {flag: 'wx', mode: 0o600})
      return () => rm(file, {force: true})
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    if (isLastTry || (await isHeld(file))) return null
    await rm(file, {force: true})
  }
  return null
}

async function isHeld(file: string): Promise<boolean> {
  try {
    const {pid, startedAt} = JSON.parse(await readFile(file, 'utf8')) as ProcessMark
    return isAlive({pid, startedAt})
  } catch {
    return false
  }
}
