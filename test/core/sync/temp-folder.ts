import {chmod, lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, utimes, writeFile} from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'

export async function makeTempFolder(): Promise<{readonly path: string; remove(): Promise<void>}> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'runctl-sync-'))
  return {path: folder, remove: () => rm(folder, {recursive: true, force: true})}
}

/** Writes files as they are named; their times lie well in the past, so that digests are cached. */
export async function writeTree(root: string, files: Readonly<Record<string, Buffer | string>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(root, name)
    await mkdir(path.dirname(file), {recursive: true})
    await writeFile(file, content)
    await utimes(file, 1_600_000_000, 1_600_000_000)
    if (name.endsWith('.sh')) await chmod(file, 0o755)
  }
}

/** Every file and link below a folder: `content`, `mode:content` for executables, `-> target` for links. */
export async function readTree(root: string): Promise<Record<string, string>> {
  const tree: Record<string, string> = {}
  for (const entry of await readdir(root, {recursive: true, withFileTypes: true})) {
    if (entry.isDirectory()) continue
    const file = path.join(entry.parentPath, entry.name)
    const stats = await lstat(file)
    const text = stats.isSymbolicLink() ? `-> ${await readlink(file)}` : `${stats.mode & 0o100 ? 'x:' : ''}${await readFile(file, 'latin1')}`
    tree[path.relative(root, file)] = text
  }
  return tree
}
