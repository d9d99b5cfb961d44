import {createHash} from 'node:crypto'

import {MANIFEST_SUFFIX} from '../../src/core/stored-manifest.js'
import type {ObjectStore} from '../../src/providers/provider.js'

export const RUN_A = 'run-20261123-100000-0000000a'
export const RUN_B = 'run-20261123-110000-0000000b'

const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex')

/** Puts checkpoints where an agent would: content, then the manifest. */
export class StoredCheckpoints {
  constructor(
    private readonly store: Pick<ObjectStore, 'put'>,
    /** `s3://bucket/prefix/PROJECT/` */
    private readonly projectUri: string,
  ) {}

  async file(runId: string, below: string, content: Uint8Array | string, over: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const uri = `${this.projectUri}${runId}/checkpoints/${below}`
    const bytes = Buffer.from(content)
    await this.store.put(uri, bytes)
    await this.manifest(uri, {kind: 'file', run_id: runId, path: `checkpoints/${below}`, sha256: sha256(bytes), size_bytes: bytes.length, files: [], ...over})
    return uri
  }

  async folder(runId: string, below: string, files: Readonly<Record<string, Uint8Array | string>>, over: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const uri = `${this.projectUri}${runId}/checkpoints/${below}`
    const listed = Object.entries(files).map(([path, content]) => ({path, size: Buffer.byteLength(content), sha256: sha256(content)}))
    for (const [path, content] of Object.entries(files)) await this.store.put(`${uri}/${path}`, Buffer.from(content))
    const digest = sha256(listed.toSorted((a, b) => (a.path < b.path ? -1 : 1)).map(file => `${file.sha256}  ${file.path}\n`).join(''))
    const size_bytes = listed.reduce((sum, {size}) => sum + size, 0)
    await this.manifest(uri, {kind: 'folder', run_id: runId, path: `checkpoints/${below}`, sha256: digest, size_bytes, files: listed, ...over})
    return uri
  }

  async run(runId: string, {complete = true, ...run}: {readonly complete?: boolean; readonly resume_from?: string; readonly parent_run_id?: string} = {}): Promise<void> {
    await this.store.put(`${this.projectUri}${runId}/run.json`, Buffer.from(JSON.stringify({run: {run_id: runId, ...run}, complete})))
  }

  private async manifest(uri: string, told: Readonly<Record<string, unknown>>): Promise<void> {
    const defaults = {version: 1, state: 'complete', format: 'torch-zip', step: null, epoch: null, metrics: {}, modified_at: '2026-11-23T10:00:00Z', attempt: 1, verified_at: '2026-11-23T10:00:05Z'}
    await this.store.put(uri + MANIFEST_SUFFIX, Buffer.from(JSON.stringify({...defaults, ...told})))
  }
}
