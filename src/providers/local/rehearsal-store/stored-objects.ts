import {randomUUID} from 'node:crypto'
import {rm} from 'node:fs/promises'
import {join} from 'node:path'

/** Content that has arrived whole, in a file of its own. */
export interface Content {
  readonly file: string
  readonly sizeBytes: number
  /** Hex. */
  readonly md5: string
  readonly sha256: string
}

export interface StoredObject {
  readonly key: string
  readonly file: string
  readonly sizeBytes: number
  readonly etag: string
  readonly modifiedAt: Date
  /** What is told of it besides: `x-amz-meta-…`, `x-amz-checksum-sha256`. */
  readonly headers: Readonly<Record<string, string>>
}

export interface MultipartUpload {
  readonly key: string
  readonly headers: Readonly<Record<string, string>>
  readonly parts: Map<number, Content>
}

/**
 * What is in the store: files in one folder, and in memory what each of them is. An object is there when its entry is made, which is
 * one step, long after the last byte of its file was written.
 */
export class StoredObjects {
  readonly uploads = new Map<string, MultipartUpload>()
  private readonly objects = new Map<string, StoredObject>()

  constructor(private readonly folder: string) {}

  /** For content that arrives. */
  newFile(): string {
    return join(this.folder, randomUUID())
  }

  find(key: string): StoredObject | undefined {
    return this.objects.get(key)
  }

  /** false, the file being removed, where `ifAbsent` and something is there. */
  async place(object: Omit<StoredObject, 'modifiedAt'>, {ifAbsent = false} = {}): Promise<boolean> {
    const before = this.objects.get(object.key)
    if (before && ifAbsent) {
      await rm(object.file, {force: true})
      return false
    }
    this.objects.set(object.key, {...object, modifiedAt: new Date()})
    // Whoever reads it now has it open.
    if (before) await rm(before.file, {force: true})
    return true
  }

  /** In the order of the keys' UTF-8 bytes. */
  below(prefix: string): readonly StoredObject[] {
    return [...this.objects.values()].filter(({key}) => key.startsWith(prefix)).toSorted((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)))
  }

  async remove(key: string): Promise<void> {
    const found = this.objects.get(key)
    this.objects.delete(key)
    if (found) await rm(found.file, {force: true})
  }

  async drop(uploadId: string): Promise<void> {
    const upload = this.uploads.get(uploadId)
    this.uploads.delete(uploadId)
    for (const {file} of upload?.parts.values() ?? []) await rm(file, {force: true})
  }
}
