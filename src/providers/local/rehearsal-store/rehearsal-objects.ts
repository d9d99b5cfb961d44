import {createReadStream} from 'node:fs'
import {open, stat} from 'node:fs/promises'

import {RunctlError} from '../../../model/errors.js'
import type {CallOptions, ObjectInfo, ObjectStore, PutOptions, StoreAccess} from '../../provider.js'
import type {Door} from './door.js'
import {receiveContent} from './receive-content.js'
import type {StoredObject, StoredObjects} from './stored-objects.js'

export interface RehearsalObjectsParts {
  readonly bucket: string
  readonly door: Door
  readonly objects: StoredObjects
  /** `http://127.0.0.1:4711` */
  readonly address: string
}

/** The client's side of the store: this very process holds it. */
export class RehearsalObjects implements ObjectStore {
  readonly scheme = 's3'
  readonly scratch = null

  constructor(private readonly parts: RehearsalObjectsParts) {}

  access(): Promise<StoreAccess> {
    const {address, door} = this.parts
    return Promise.resolve({region: 'local', endpoint: `${address}${door.path}`, unsigned: true})
  }

  async put(uri: string, content: Uint8Array | {readonly file: string}, {ifAbsent = false, onProgress, signal}: PutOptions = {}): Promise<boolean> {
    signal?.throwIfAborted()
    const {objects} = this.parts
    const key = this.keyOf(uri)
    const isFile = 'file' in content
    const length = isFile ? (await stat(content.file)).size : content.length
    let sent = 0
    async function* counted(): AsyncIterable<Uint8Array> {
      for await (const block of isFile ? (createReadStream(content.file) as AsyncIterable<Uint8Array>) : [content]) {
        signal?.throwIfAborted()
        yield block
        sent += block.length
        onProgress?.(sent)
      }
    }
    const {file, md5, sha256, sizeBytes} = await receiveContent(counted(), objects.newFile(), length, () => Promise.resolve())
    const headers = {'x-amz-checksum-sha256': Buffer.from(sha256, 'hex').toString('base64')}
    return objects.place({key, file, sizeBytes, etag: md5, headers}, {ifAbsent})
  }

  async get(uri: string, {range, signal}: CallOptions & {readonly range?: readonly [number, number]} = {}): Promise<Uint8Array> {
    signal?.throwIfAborted()
    const found = this.parts.objects.find(this.keyOf(uri))
    if (!found) throw new RunctlError('not_found', `there is no object ${uri}`)
    const [first, last] = range ?? [0, found.sizeBytes - 1]
    const handle = await open(found.file, 'r')
    try {
      const bytes = Buffer.alloc(Math.max(0, Math.min(last, found.sizeBytes - 1) - first + 1))
      await handle.read(bytes, 0, bytes.length, first)
      return bytes
    } finally {
      await handle.close()
    }
  }

  async head(uri: string, {signal}: CallOptions = {}): Promise<ObjectInfo | null> {
    signal?.throwIfAborted()
    const found = this.parts.objects.find(this.keyOf(uri))
    return found ? this.infoOf(found) : null
  }

  async *list(uri: string, {signal}: CallOptions = {}): AsyncIterable<ObjectInfo> {
    for (const object of this.parts.objects.below(this.keyOf(uri, true))) {
      signal?.throwIfAborted()
      yield this.infoOf(object)
    }
  }

  async delete(uris: readonly string[], {signal}: CallOptions = {}): Promise<void> {
    for (const uri of uris) {
      signal?.throwIfAborted()
      await this.parts.objects.remove(this.keyOf(uri))
    }
  }

  async presign(uri: string, method: 'GET' | 'PUT', expiresInSeconds: number): Promise<string> {
    const {address, bucket, door} = this.parts
    return address + door.grant(method, `${bucket}/${this.keyOf(uri)}`, expiresInSeconds)
  }

  private infoOf({etag, key, modifiedAt, sizeBytes}: StoredObject): ObjectInfo {
    return {uri: `s3://${this.parts.bucket}/${key}`, sizeBytes, modifiedAt: modifiedAt.toISOString(), etag}
  }

  private keyOf(uri: string, isPrefix = false): string {
    const [, bucket, key = ''] = /^s3:\/\/([^/]+)(?:\/(.*))?$/s.exec(uri) ?? []
    if (bucket === undefined || (key === '' && !isPrefix)) throw new RunctlError('bad_input', `${JSON.stringify(uri)} is no address of an object`)
    if (bucket !== this.parts.bucket) throw new RunctlError('not_found', `there is no bucket ${bucket} in the store of the rehearsal`)
    return key
  }
}
