import type {InspectAnswer, InspectRequest} from '../agent/checkpoint-protocol.js'
import type {Checkpoint} from '../model/checkpoint.js'
import type {CheckpointXray, TensorInfo} from '../model/checkpoint-xray.js'
import type {ObjectStore} from '../providers/provider.js'
import {findStoredCheckpoint, type StoredFiles} from './stored-checkpoint.js'
import type {AgentPort} from './sync/agent-port.js'

/** Where one checkpoint lies that is to be looked into. */
export type CheckpointAddress =
  | {readonly kind: 'here'; /** Absolute. */ readonly path: string}
  | {readonly kind: 'instance'; readonly instanceId: string; readonly agent: AgentPort; readonly request: Pick<InspectRequest, 'path' | 'project' | 'run_id'>}
  | {readonly kind: 'stored'; readonly uri: string; readonly store: ObjectStore}

export interface InspectDeps {
  /** The agent on this machine: it looks at files here, and by ranges at objects in a store. */
  readonly inspectHere: (request: InspectRequest) => Promise<InspectAnswer>
  readonly signal: AbortSignal
}

/** A checkpoint and what is inside; also the JSON form of `checkpoint info`. */
export interface CheckpointInfo extends Checkpoint {
  /** null where its format has no tables that could be read, or where it could not be asked. */
  readonly xray: CheckpointXray | null
}

export interface Inspection {
  readonly info: CheckpointInfo
  readonly known: InspectAnswer['known_digests']
  readonly bytesRead: number
  /** Of one in a store. */
  readonly stored: StoredFiles | null
}

export interface InspectInput {
  /** Read every byte; else headers and tables alone. */
  readonly full: boolean
  /** The most tensors to name. */
  readonly maxTensors: number
}

/** Reading may be of terabytes, on the machine where they are. */
const TIMEOUT_MS = 4 * 3600 * 1000
const URL_SECONDS = 12 * 3600

/** Looks into one checkpoint where it is. Rejects with `not_found`, and with what the agent, the platform or the store refuses with. */
export async function inspectCheckpoint(address: CheckpointAddress, input: InspectInput, deps: InspectDeps): Promise<Inspection> {
  const asked = {full: input.full, max_tensors: input.maxTensors}
  if (address.kind === 'stored') return inspectStored(address, input, deps)
  if (address.kind === 'here') return inspection(await deps.inspectHere({path: address.path, ...asked}))
  const {agent, request} = address
  const ask = (more: Partial<InspectRequest>): Promise<InspectAnswer> =>
    agent.call('inspect', {...request, ...asked, max_bytes: agent.maxOutputBytes, ...more}, {signal: deps.signal, timeoutMs: TIMEOUT_MS})
  const first = await ask({})
  return inspection({...first, xray: first.xray && !input.full ? await remainingTensors(first.xray, input.maxTensors, ask) : first.xray})
}

/** A platform's shell gives back only so much at once; the tables are read again for each further part, which is cheap. */
async function remainingTensors(first: CheckpointXray, most: number, ask: (more: Partial<InspectRequest>) => Promise<InspectAnswer>): Promise<CheckpointXray> {
  const tensors: TensorInfo[] = [...first.tensors]
  let left = first.tensors_left_out
  while (left > 0 && tensors.length < most) {
    const after = tensors.at(-1)?.name
    const next = after === undefined ? null : (await ask({after, max_tensors: most - tensors.length})).xray
    if (!next || next.tensors.length === 0) break
    tensors.push(...next.tensors)
    left = next.tensors_left_out
  }
  return {...first, tensors, tensors_left_out: left}
}

async function inspectStored({store, uri}: CheckpointAddress & {readonly kind: 'stored'}, input: InspectInput, deps: InspectDeps): Promise<Inspection> {
  const stored = await findStoredCheckpoint(uri, {store, signal: deps.signal})
  const {files, manifest, modifiedAt} = stored
  const answer = await deps.inspectHere({
    object: {
      name: stored.uri,
      modified_at: modifiedAt,
      files: await Promise.all(files.map(async one => ({path: one.path, size_bytes: one.sizeBytes, url: await store.presign(one.uri, 'GET', URL_SECONDS)}))),
    },
    full: input.full,
    max_tensors: input.maxTensors,
  })
  const [lacking] = stored.lacking
  const found = lacking === undefined ? answer.checkpoint : {...answer.checkpoint, state: 'partial' as const, state_detail: lacking}
  const [, where = '', path = ''] = /^[^:]+:\/\/([^/]*)\/(.*)$/s.exec(stored.uri) ?? []
  const checkpoint: Checkpoint = {
    ...found,
    path: stored.uri,
    sha256: found.sha256 ?? manifest?.sha256 ?? null,
    step: found.step ?? manifest?.step ?? null,
    epoch: found.epoch ?? manifest?.epoch ?? null,
    metrics: {...manifest?.metrics, ...found.metrics},
    run_id: manifest?.run_id ?? null,
    attempt: manifest?.attempt ?? null,
    places: [{kind: 's3', where, path, verified_at: manifest?.verified_at ?? null}],
  }
  return {...inspection({...answer, checkpoint}), stored}
}

const inspection = ({bytes_read, checkpoint, known_digests, xray}: InspectAnswer): Inspection =>
  ({info: {...checkpoint, xray}, known: known_digests, bytesRead: bytes_read, stored: null})
