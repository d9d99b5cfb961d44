import type {SyncEntry, SyncTarget} from '../../agent/protocol.js'
import {cachePath, readCache, writeCache} from './cache-file.js'
import {manifestOf, type Manifest} from './manifest.js'

/** The state that this machine last brought to a target, or null. It may be out of date: the agent compares the tree's name. */
export async function readLastSync(cacheDir: string, instanceId: string, target: SyncTarget): Promise<Manifest | null> {
  const value = await readCache(fileOf(cacheDir, instanceId, target))
  if (typeof value !== 'object' || value === null || !('entries' in value) || !('tree' in value)) return null
  if (!Array.isArray(value.entries)) return null
  try {
    const manifest = manifestOf(value.entries as SyncEntry[])
    return manifest.tree === value.tree ? manifest : null
  } catch {
    return null
  }
}

export async function writeLastSync(cacheDir: string, instanceId: string, target: SyncTarget, manifest: Manifest): Promise<void> {
  await writeCache(fileOf(cacheDir, instanceId, target), {version: 1, tree: manifest.tree, entries: manifest.entries})
}

function fileOf(cacheDir: string, instanceId: string, target: SyncTarget): string {
  return cachePath(cacheDir, 'synced', JSON.stringify([instanceId, target.kind, target.kind === 'path' ? target.path : target.name]))
}
