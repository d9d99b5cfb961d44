import {inflateSync} from 'node:zlib'

/** The bytes of a `data` field of the agent: base64 of a zlib stream. */
export function zlibInflate(base64: string): Uint8Array {
  return inflateSync(Buffer.from(base64, 'base64'))
}
