import {createHash} from 'node:crypto'
import {open, rm} from 'node:fs/promises'

import type {AtHalf} from './half-way.js'
import type {Content} from './stored-objects.js'

/** Writes a body to a file. Where it breaks off, or `atHalf` rejects, the file is removed and the promise rejects. */
export async function receiveContent(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, file: string, length: number, atHalf: AtHalf): Promise<Content> {
  const [md5, sha256] = [createHash('md5'), createHash('sha256')]
  const handle = await open(file, 'wx', 0o600)
  const half = Math.floor(length / 2)
  let sizeBytes = 0
  const take = async (bytes: Uint8Array): Promise<void> => {
    md5.update(bytes)
    sha256.update(bytes)
    await handle.write(bytes)
    sizeBytes += bytes.length
  }
  try {
    for await (const block of body) {
      const before = half - sizeBytes
      const crosses = before >= 0 && block.length > before
      await take(crosses ? block.subarray(0, before) : block)
      if (!crosses) continue
      await atHalf()
      await take(block.subarray(before))
    }
    return {file, sizeBytes, md5: md5.digest('hex'), sha256: sha256.digest('hex')}
  } catch (error) {
    await rm(file, {force: true})
    throw error
  } finally {
    await handle.close()
  }
}
