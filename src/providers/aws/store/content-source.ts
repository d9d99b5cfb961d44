import {open, type FileHandle} from 'node:fs/promises'

import {RunctlError} from '../../../model/errors.js'

/** Bytes to upload, read piece by piece. */
export interface ContentSource {
  readonly sizeBytes: number
  /** `end` is exclusive. Rejects with `bad_input` where a file has become shorter. */
  read(start: number, end: number): Promise<Uint8Array>
  /** Rejects with `bad_input` where the file is not the one that was opened any more: its pieces may not belong together. */
  checkUnchanged(): Promise<void>
  close(): Promise<void>
}

export async function openSource(content: Uint8Array | {readonly file: string}): Promise<ContentSource> {
  if (!(content instanceof Uint8Array)) return openFile(content.file)
  return {
    sizeBytes: content.byteLength,
    read: async (start, end) => content.subarray(start, end),
    checkUnchanged: async () => undefined,
    close: async () => undefined,
  }
}

async function openFile(file: string): Promise<ContentSource> {
  const handle = await open(file).catch((cause: unknown) => {
    throw cannotRead(file, cause)
  })
  try {
    const before = await handle.stat()
    if (!before.isFile()) throw new RunctlError('bad_input', `${file} is not a file`)
    return {
      sizeBytes: before.size,
      read: (start, end) => readWhole(handle, file, start, end),
      checkUnchanged: async () => {
        const now = await handle.stat()
        if (now.size !== before.size || now.mtimeMs !== before.mtimeMs) throw changed(file)
      },
      close: () => handle.close(),
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}

async function readWhole(handle: FileHandle, file: string, start: number, end: number): Promise<Uint8Array> {
  const buffer = Buffer.allocUnsafe(end - start)
  for (let filled = 0; filled < buffer.length; ) {
    const {bytesRead} = await handle.read(buffer, filled, buffer.length - filled, start + filled).catch((cause: unknown) => {
      throw cannotRead(file, cause)
    })
    if (bytesRead === 0) throw changed(file)
    filled += bytesRead
  }
  return buffer
}

function changed(file: string): RunctlError {
  return new RunctlError('bad_input', `${file} changed while it was being uploaded; nothing was written`)
}

function cannotRead(file: string, cause: unknown): RunctlError {
  const {code = ''} = cause as NodeJS.ErrnoException
  if (code === 'ENOENT') return new RunctlError('not_found', `there is no file ${file}`, {cause})
  return new RunctlError('bad_input', `${file} cannot be read (${code})`, {details: {code}, cause})
}
