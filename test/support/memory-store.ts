import {createHash} from 'node:crypto'
import {readFile} from 'node:fs/promises'

import {RunctlError} from '../../src/model/errors.js'
import type {CallOptions, ObjectInfo, ObjectStore, PutOptions, StoreAccess} from '../../src/providers/provider.js'

/** Objects in memory, as a store keeps them. */
export class MemoryStore implements ObjectStore {
  readonly scheme = 's3'
  readonly scratch = null
  readonly objects = new Map<string, Uint8Array>()

  access(): Promise<StoreAccess> {
    return Promise.resolve({region: 'mem-1', endpoint: null})
  }

  async put(uri: string, content: Uint8Array | {readonly file: string}, {ifAbsent, onProgress, signal}: PutOptions = {}): Promise<boolean> {
    check(uri, signal)
    const bytes = 'file' in content ? await readFile(content.file) : content
    if (ifAbsent && this.objects.has(uri)) return false
    this.objects.set(uri, Uint8Array.from(bytes))
    onProgress?.(bytes.length)
    return true
  }

  async get(uri: string, {range, signal}: CallOptions & {readonly range?: readonly [number, number]} = {}): Promise<Uint8Array> {
    check(uri, signal)
    const found = this.objects.get(uri)
    if (!found) throw new RunctlError('not_found', `there is no ${uri}`)
    return range ? found.subarray(range[0], range[1] + 1) : found
  }

  async head(uri: string, {signal}: CallOptions = {}): Promise<ObjectInfo | null> {
    check(uri, signal)
    const found = this.objects.get(uri)
    return found ? {uri, sizeBytes: found.length, modifiedAt: '2026-11-23T12:00:00Z', etag: createHash('md5').update(found).digest('hex')} : null
  }

  async *list(uri: string, options: CallOptions = {}): AsyncIterable<ObjectInfo> {
    check(uri, options.signal)
    for (const one of [...this.objects.keys()].sort()) {
      const info = one.startsWith(uri) ? await this.head(one, options) : null
      if (info) yield info
    }
  }

  async *folders(uri: string, options: CallOptions = {}): AsyncIterable<string> {
    check(uri, options.signal)
    const below = [...this.objects.keys()].filter(one => one.startsWith(uri)).map(one => one.slice(uri.length).split('/'))
    for (const name of [...new Set(below.flatMap(([first = ''], at) => ((below[at]?.length ?? 0) > 1 ? [first] : [])))].sort()) yield `${uri}${name}/`
  }

  async delete(uris: readonly string[], {signal}: CallOptions = {}): Promise<void> {
    for (const uri of uris) {
      check(uri, signal)
      this.objects.delete(uri)
    }
  }

  presign(uri: string, method: 'GET' | 'PUT', expiresInSeconds: number): Promise<string> {
    return Promise.resolve(`https://example.test/${method}/${expiresInSeconds}/${encodeURIComponent(uri)}`)
  }
}

function check(uri: string, signal: AbortSignal | undefined): void {
  signal?.throwIfAborted()
  if (!/^s3:\/\/[^/]+\//.test(uri)) throw new RunctlError('bad_input', `${uri} is no address in this store`)
}
