import type {SyncAnswer, SyncRequest, SyncTarget} from '../../agent/protocol.js'
import {RunctlError} from '../../model/errors.js'
import {transferTimeoutMs, type AgentPort} from './agent-port.js'
import {callsAtOnce} from './calls-ahead.js'
import {InFlight} from './in-flight.js'
import type {Manifest} from './manifest.js'
import {PiecePacker, type Blob, type PackedPieces} from './pack-pieces.js'
import {showName} from './show-name.js'
import {headBytes, requestHead} from './sync-request.js'

export interface TreeToSend {
  readonly target: SyncTarget
  readonly manifest: Manifest
  /** What the instance is thought to have. */
  readonly base: Manifest | null
  /** Where each content of the manifest is to be had, by digest. */
  readonly blobs: ReadonlyMap<string, Blob>
}

/** Counts what went over the wire; goes on growing if the same sync begins again. */
export interface SendCounts {
  rounds: number
  wireBytes: number
  readonly sent: Map<string, number>
}

export interface SendDeps {
  readonly agent: AgentPort
  readonly signal?: AbortSignal
  /** Told after each call: content bytes delivered so far, before compression. */
  readonly onProgress?: (sentBytes: number) => void
  /** The command that gives the platform a better way for many bytes, if there is one: `runctl aws setup`. */
  readonly betterWay?: string
}

/** So little is sent without asking first whether it is there already. */
const UNASKED_BYTES = 64 * 1024

/**
 * Brings the target into the wanted state: names it, and sends what the agent lacks until it has applied it. `first` is the agent's
 * answer to a request that rode in another call. FileChangedError where a file changes under way; `verification_failed` where content
 * does not arrive whole.
 */
export async function sendTree(tree: TreeToSend, first: SyncAnswer | null, counts: SendCounts, deps: SendDeps): Promise<SyncAnswer> {
  const deliveries = new Map<string, number>()
  let base = tree.base
  let answer = first
  let wanted: readonly Blob[] = first === null && base === null ? smallBlobs(tree) : []
  for (;;) {
    if (answer?.applied) return answer
    if (answer) {
      if (!answer.need) throw new Error('the agent has not applied a sync and does not say what it needs')
      if (answer.need.manifest && base === null) throw new Error('the agent asks for a manifest that it was given')
      if (answer.need.manifest) base = null
      wanted = findBlobs(answer.need.blobs, tree, deps.agent, deliveries)
    }
    answer = await ask(tree, base, wanted, answer === null || answer.need?.manifest === true, counts, deps)
  }
}

/** `isNamed`: the agent has not seen the wanted state's name with this base yet. */
async function ask(
  tree: TreeToSend,
  base: Manifest | null,
  wanted: readonly Blob[],
  isNamed: boolean,
  counts: SendCounts,
  deps: SendDeps,
): Promise<SyncAnswer> {
  const {agent, signal} = deps
  const {head: named, manifestBlob} = requestHead(tree.target, tree.manifest, base, agent.maxInputBytes)
  const head = {...named, max_bytes: agent.maxOutputBytes}
  const isWanted = manifestBlob !== null && (isNamed || wanted.some(blob => blob.sha256 === manifestBlob.sha256))
  const others = wanted.filter(blob => blob.sha256 !== manifestBlob?.sha256)
  const packer = new PiecePacker(isWanted ? [manifestBlob, ...others] : others, signal)
  // In any order: the agent puts each piece where it belongs, and judges the whole when it is named.
  const pieces = new InFlight(callsAtOnce(agent.maxInputBytes))
  try {
    for (;;) {
      const packed = await packer.next(agent.maxInputBytes - headBytes(head))
      if (packer.isEmpty) {
        await pieces.done()
        return await sendRequest({...head, pieces: packed.pieces}, packed, counts, deps)
      }
      if (packed.pieces.length === 0) throw new Error(`calls of ${agent.maxInputBytes} bytes are too small to send files`)
      await pieces.add(() => sendRequest({target: tree.target, base: null, tree: null, pieces: packed.pieces}, packed, counts, deps))
    }
  } finally {
    // What failed first is what is told.
    await pieces.done().catch(() => undefined)
    await packer.close()
  }
}

export async function sendRequest(request: SyncRequest, packed: PackedPieces, counts: SendCounts, deps: SendDeps): Promise<SyncAnswer> {
  const {agent, signal, onProgress} = deps
  const attachment = packed.attachment ? {attachment: packed.attachment} : {}
  const timeoutMs = transferTimeoutMs(packed.attachment?.length ?? 0)
  const answer = await agent.call('sync', request, {...attachment, ...(signal ? {signal} : {}), timeoutMs})
  countPieces(counts, packed)
  onProgress?.([...counts.sent.values()].reduce((sum, bytes) => sum + bytes, 0))
  return answer
}

export function countPieces(counts: SendCounts, {pieces, attachment}: PackedPieces): void {
  counts.rounds++
  counts.wireBytes += attachment?.length ?? 0
  for (const piece of pieces) counts.sent.set(piece.sha256, (counts.sent.get(piece.sha256) ?? 0) + piece.length)
}

function smallBlobs({blobs}: TreeToSend): Blob[] {
  const all = [...blobs.values()]
  return all.reduce((sum, blob) => sum + blob.size, 0) <= UNASKED_BYTES ? all : []
}

/** What the agent lacks; the manifest itself may be among it. Something that it lacks for the third time never arrives. */
function findBlobs(needed: readonly string[], tree: TreeToSend, agent: AgentPort, deliveries: Map<string, number>): Blob[] {
  const {manifestBlob} = requestHead(tree.target, tree.manifest, null, agent.maxInputBytes)
  return needed.map(sha256 => {
    const blob = tree.blobs.get(sha256) ?? (manifestBlob?.sha256 === sha256 ? manifestBlob : null)
    if (!blob) throw new Error(`the agent asks for ${sha256}, which is not part of the sync`)
    const times = (deliveries.get(sha256) ?? 0) + 1
    deliveries.set(sha256, times)
    if (times > 2) {
      const what = 'path' in blob ? showName(blob.path) : 'the list of files'
      throw new RunctlError('verification_failed', `${what} does not arrive whole on the instance; what was there is unchanged`, {
        details: {sha256},
      })
    }
    return blob
  })
}
