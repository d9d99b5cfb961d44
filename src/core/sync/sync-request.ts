import {createHash} from 'node:crypto'

import type {SyncRequest, SyncTarget} from '../../agent/protocol.js'
import {deltaBetween, type Manifest} from './manifest.js'
import type {Blob} from './pack-pieces.js'

/** A request without its pieces, and the blob that it refers to where the manifest is too large to stand in it. */
export interface RequestHead {
  readonly head: Omit<SyncRequest, 'pieces'>
  readonly manifestBlob: Blob | null
}

/** What stands in the request itself leaves this part of a call to the pieces. */
const MOST_OF_A_CALL = 0.25

/** The shortest way to name the wanted state. `base`: what the instance is thought to have. */
export function requestHead(target: SyncTarget, manifest: Manifest, base: Manifest | null, maxInputBytes: number): RequestHead {
  const {tree} = manifest
  if (base?.tree === tree) return {head: {target, base: tree, tree}, manifestBlob: null}
  const inlineBytes = maxInputBytes * MOST_OF_A_CALL
  if (base) {
    const head = {target, base: base.tree, tree, delta: deltaBetween(base.entries, manifest.entries)}
    if (headBytes(head) <= inlineBytes) return {head, manifestBlob: null}
  }
  const head = {target, base: null, tree, manifest: manifest.entries}
  if (headBytes(head) <= inlineBytes) return {head, manifestBlob: null}
  const bytes = Buffer.from(JSON.stringify(manifest.entries))
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return {head: {target, base: null, tree, manifest_blob: {sha256, size: bytes.length}}, manifestBlob: {sha256, size: bytes.length, bytes}}
}

/** Bytes of the request line with no pieces in it. */
export function headBytes(head: Omit<SyncRequest, 'pieces'>): number {
  return Buffer.byteLength(JSON.stringify({...head, pieces: []})) + 1
}
