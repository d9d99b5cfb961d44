import {chmod, readdir, rm} from 'node:fs/promises'
import {join} from 'node:path'

/** Removes a folder with all that is in it, read-only folders (module caches have them) included. Nothing there is fine. */
export async function removeFolder(path: string): Promise<void> {
  try {
    await rm(path, {recursive: true, force: true, maxRetries: 3})
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException
    if (code !== 'EACCES' && code !== 'EPERM') throw error
    await makeWritable(path)
    await rm(path, {recursive: true, force: true, maxRetries: 3})
  }
}

async function makeWritable(folder: string): Promise<void> {
  await chmod(folder, 0o700)
  for (const entry of await readdir(folder, {withFileTypes: true})) {
    if (entry.isDirectory()) await makeWritable(join(folder, entry.name))
  }
}
