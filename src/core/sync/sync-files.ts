import type {SyncAnswer, SyncRequest, SyncTarget} from '../../agent/protocol.js'
import type {Clock} from '../clock.js'
import {warnOfManyCalls} from './calls-ahead.js'
import {retryOnChange} from './file-changed.js'
import {hashFiles, type HashedEntry} from './hash-files.js'
import {readLastSync, writeLastSync} from './last-sync.js'
import {listProjectFiles, type ListOptions} from './list-project-files.js'
import {changesBetween, makeManifest, type Manifest} from './manifest.js'
import {PiecePacker, type Blob} from './pack-pieces.js'
import type {SyncChanges, SyncReport} from './reports.js'
import {countPieces, sendRequest, sendTree, type SendCounts, type SendDeps, type TreeToSend} from './send-tree.js'
import {showBytes} from './show-name.js'
import {headBytes, requestHead} from './sync-request.js'

export interface SyncInput extends Pick<ListOptions, 'alwaysExclude' | 'exclude' | 'include'> {
  readonly root: string
  /** `project`: by the ignore files; `data`: everything but what .runctlignore names. */
  readonly target: SyncTarget
  readonly instanceId: string
  /** Bytes of a call that are taken by what the sync rides in. */
  readonly reserveBytes?: number
}

export interface SyncDeps extends SendDeps {
  readonly cacheDir: string
  readonly clock: Pick<Clock, 'now'>
}

/** A sync that is ready to go: listed, hashed, compared with the last one, and packed if it fits into one call. */
export interface PreparedSync {
  /** The whole sync, to ride in `start`; null where it does not fit: {@link completeSync} sends it then. */
  readonly ride: {readonly request: SyncRequest; readonly attachment: Uint8Array | undefined} | null
  readonly changes: SyncChanges
  readonly warnings: readonly string[]
  readonly input: SyncInput
  readonly tree: TreeToSend
}

/** Lists and hashes; sends nothing. Throws what listProjectFiles throws, and `verification_failed` for a file that does not hold still. */
export async function prepareSync(input: SyncInput, deps: SyncDeps): Promise<PreparedSync> {
  return retryOnChange(changed => prepareOnce(input, deps, changed))
}

/**
 * Carries a prepared sync through. `first`: the agent's answer if it rode in another call, else null. Rejects with the agent's
 * failures, and with `verification_failed` where a file keeps changing; the instance has its old state then.
 */
export async function completeSync(prepared: PreparedSync, first: SyncAnswer | null, deps: SyncDeps): Promise<SyncReport> {
  const counts: SendCounts = {rounds: 0, wireBytes: 0, sent: new Map()}
  if (first && prepared.ride) countPieces(counts, {pieces: prepared.ride.request.pieces, attachment: prepared.ride.attachment})
  return retryOnChange(async changed => {
    const current = changed === null ? prepared : await prepareOnce(prepared.input, deps, changed)
    const began = changed === null && first ? first : current.ride && (await sendRide(current.ride, counts, deps))
    const answer = await sendTree(current.tree, began, counts, deps)
    await writeLastSync(deps.cacheDir, current.input.instanceId, current.input.target, current.tree.manifest)
    return report(current, answer, counts)
  })
}

/** Brings a folder to the instance and keeps it in step there. */
export async function syncFiles(input: SyncInput, deps: SyncDeps): Promise<SyncReport> {
  return completeSync(await prepareSync(input, deps), null, deps)
}

/** Says that the state `tree` is in place already; for a `start` after {@link completeSync}. */
export function confirmSync(target: SyncTarget, tree: string): SyncRequest {
  return {target, base: tree, tree, pieces: []}
}

async function prepareOnce(input: SyncInput, deps: SyncDeps, changed: string | null): Promise<PreparedSync> {
  const rules = input.target.kind === 'project' ? 'all' : input.target.kind === 'data' ? 'runctlignore' : 'none'
  const listing = await listProjectFiles(input.root, {...input, rules})
  const hashDeps = {cacheDir: deps.cacheDir, now: () => deps.clock.now(), ...(deps.signal ? {signal: deps.signal} : {})}
  const files = await hashFiles(listing.root, listing.files, hashDeps, new Set(changed === null ? [] : [changed]))
  const manifest = makeManifest(files)
  const base = await readLastSync(deps.cacheDir, input.instanceId, input.target)
  const tree: TreeToSend = {target: input.target, manifest, base, blobs: blobsOf(files)}
  const lacking = lackingBlobs(tree)
  const ride = await packRide(tree, lacking, deps.agent.maxInputBytes - (input.reserveBytes ?? 0), deps)
  const warning = ride ? [] : warnOfCalls(lacking, deps)
  return {ride, changes: describeChanges(base, manifest), warnings: [...listing.warnings, ...warning], input, tree}
}

export function blobsOf(files: readonly HashedEntry[]): Map<string, Blob> {
  const blobs = new Map<string, Blob>()
  for (const file of files) {
    if (file.kind !== 'file') continue
    const {sha256, size, path, absolutePath} = file
    blobs.set(sha256, {sha256, size, path, absolutePath})
  }
  return blobs
}

/** Alone where there is nothing that it could ride in. */
function sendRide(ride: NonNullable<PreparedSync['ride']>, counts: SendCounts, deps: SyncDeps): Promise<SyncAnswer> {
  return sendRequest(ride.request, {pieces: ride.request.pieces, attachment: ride.attachment}, counts, deps)
}

/** What the instance lacks if it has what it is thought to have. */
function lackingBlobs({base, blobs}: TreeToSend): Blob[] {
  const there = new Set(base?.entries.map(entry => entry.sha256))
  return [...blobs.values()].filter(blob => !there.has(blob.sha256))
}

async function packRide(tree: TreeToSend, lacking: readonly Blob[], maxBytes: number, deps: SyncDeps): Promise<PreparedSync['ride']> {
  const {head: named, manifestBlob} = requestHead(tree.target, tree.manifest, tree.base, deps.agent.maxInputBytes)
  const head = {...named, max_bytes: deps.agent.maxOutputBytes}
  const queue = manifestBlob ? [manifestBlob, ...lacking] : lacking
  const rawBytes = queue.reduce((sum, blob) => sum + blob.size, 0)
  // Nothing shrinks so much that it would be worth the try.
  if (rawBytes > maxBytes * 30) return null
  const packer = new PiecePacker(queue, deps.signal)
  try {
    const packed = await packer.next(maxBytes - headBytes(head))
    return packer.isEmpty ? {request: {...head, pieces: packed.pieces}, attachment: packed.attachment} : null
  } finally {
    await packer.close()
  }
}

/** Of a transfer to the instance that takes many small calls. */
export function warnOfCalls(lacking: readonly Blob[], {agent, betterWay}: SendDeps): string[] {
  const bytes = lacking.reduce((sum, blob) => sum + blob.size, 0)
  const warning = warnOfManyCalls(showBytes(bytes), Math.ceil(bytes / agent.maxInputBytes), agent.maxInputBytes, betterWay)
  return warning === null ? [] : [`${warning}; .runctlignore leaves out what is not needed`]
}

function describeChanges(base: Manifest | null, manifest: Manifest): SyncChanges {
  const {added, changed, removed} = changesBetween(base?.entries ?? [], manifest.entries)
  const examples = [
    ...changed.map(path => ({path, what: 'changed' as const})),
    ...added.map(path => ({path, what: 'added' as const})),
    ...removed.map(path => ({path, what: 'removed' as const})),
  ]
  return {added: added.length, changed: changed.length, removed: removed.length, examples: examples.slice(0, 20)}
}

function report({tree, changes, warnings}: PreparedSync, answer: SyncAnswer, counts: SendCounts): SyncReport {
  const sent = tree.manifest.entries.filter(entry => entry.sha256 !== undefined && counts.sent.has(entry.sha256))
  const bytesSent = [...counts.sent].reduce((sum, [sha256, bytes]) => sum + (tree.blobs.has(sha256) ? bytes : 0), 0)
  return {
    dir: answer.dir,
    tree: tree.manifest.tree,
    files_total: tree.manifest.entries.length,
    files_sent: sent.length,
    bytes_sent: bytesSent,
    wire_bytes: counts.wireBytes,
    files_written: answer.files_written,
    files_removed: answer.files_removed,
    kept_modified: answer.kept_modified,
    changes,
    rounds: counts.rounds,
    warnings,
  }
}
