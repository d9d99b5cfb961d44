import {randomUUID} from 'node:crypto'
import {mkdir, open, readFile, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

/** Bytes of an object or a part: in memory while they are few, else a file. */
export interface StoredBytes {
  readonly size: number
  /** `end` is exclusive. */
  read(start?: number, end?: number): Promise<Buffer>
  remove(): Promise<void>
}

const MEMORY_LIMIT = 1024 * 1024

export class ByteStore {
  /** null: everything stays in memory. The folder is made when it is first needed. */
  constructor(private readonly folder: string | null) {}

  async keep(content: Buffer): Promise<StoredBytes> {
    if (this.folder === null || content.length <= MEMORY_LIMIT) return inMemory(content)
    await mkdir(this.folder, {recursive: true})
    const file = join(this.folder, randomUUID())
    await writeFile(file, content)
    return inFile(file, content.length)
  }

  async join(parts: readonly StoredBytes[]): Promise<StoredBytes> {
    const contents: Buffer[] = []
    for (const part of parts) contents.push(await part.read())
    return this.keep(Buffer.concat(contents))
  }
}

function inMemory(content: Buffer): StoredBytes {
  return {size: content.length, read: async (start = 0, end = content.length) => content.subarray(start, end), remove: async () => {}}
}

function inFile(file: string, size: number): StoredBytes {
  return {
    size,
    read: async (start = 0, end = size) => {
      if (start === 0 && end >= size) return readFile(file)
      const handle = await open(file)
      try {
        const {buffer, bytesRead} = await handle.read(Buffer.alloc(Math.min(end, size) - start), 0, Math.min(end, size) - start, start)
        return buffer.subarray(0, bytesRead)
      } finally {
        await handle.close()
      }
    },
    remove: () => rm(file, {force: true}),
  }
}
