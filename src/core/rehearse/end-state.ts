import {isRunctlError} from '../../model/errors.js'
import type {Attempt} from './attempt.js'
import {listAll} from './deed.js'
import type {Drill} from './drill.js'
import {factsOf, type EndState} from './rehearsal-record.js'

/** More outputs than these are not compared. */
const MOST_OUTPUTS = 500

/** What the training of an attempt that has ended has left on its instance. */
export async function readEndState(attempt: Attempt, drill: Drill): Promise<EndState> {
  const [{checkpoints, latest_good: good}, outputs] = await Promise.all([listAll(attempt, drill), readOutputs(attempt, drill)])
  const newest = checkpoints.at(-1)
  // Where it went on from the last one of all, fetched from the store, there was nothing left to save.
  const last = good ? factsOf(good) : attempt.resumedFrom
  return {good: last, newest: newest ? factsOf(newest) : last, checkpointCount: checkpoints.length, outputs}
}

/** Digests alone: no content is moved. What is a checkpoint is compared as one. */
async function readOutputs({instanceId, run}: Attempt, {deps}: Drill): Promise<ReadonlyMap<string, string>> {
  const agent = deps.agent(instanceId)
  const call = {signal: deps.signal}
  try {
    const {base, entries} = await agent.call('list-files', {path: run.output_dir, max_bytes: agent.maxOutputBytes}, call)
    const files = entries.filter(({kind, path}) => kind === 'file' && !`${base}/${path}`.startsWith(`${run.checkpoint_dir}/`)).slice(0, MOST_OUTPUTS)
    const {reads} = await agent.call('read-files', {base, reads: files.map(({path}) => ({path, offset: 0, length: 0, digest: true}))}, call)
    return new Map(reads.flatMap(({path, sha256}) => (sha256 === null ? [] : [[path, sha256] as const])))
  } catch (error) {
    // A script need not write any; and one that is gone again is no matter of the drill.
    if (isRunctlError(error) && ['bad_input', 'not_found'].includes(error.code)) return new Map()
    throw error
  }
}
